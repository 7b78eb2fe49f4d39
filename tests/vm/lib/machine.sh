# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The virtual machine of the tests: what it consists of, how it is saved and restored.
#
# A guest is saved once, when it has booted, in a directory of the cache:
#
#	ram		its memory: the file that was its memory while it ran
#	devices		the state of everything else, as a migration stream without the memory
#	root.qcow2	what booting wrote to the disk, on top of the image's root.img
#
# A restored guest maps "ram" privately and has an overlay of its own on root.qcow2, so restoring
# copies nothing, any number of guests run side by side, and the cache is only ever read.  Start to
# first command answered, median of ten on two cores: 0.53 s.  savevm with a copy of its qcow2 file
# took 0.95 s, a migration stream with the memory in it 0.93 s, and both need memory of their own.

MACHINE_MIB=1024
MACHINE_CPUS=2
MACHINE_CONTROL=org.guest-tools.control.0
MACHINE_AGENT=org.qemu.guest_agent.0

# machine_describe DIR IMAGE ROOT [RAM [private]]: fill QEMU_ARGS with the machine whose sockets and
# logs are in DIR, which boots IMAGE's kernel with the qcow2 file ROOT as its disk.
machine_describe()
{
	qemu_new $MACHINE_MIB $MACHINE_CPUS "${@:4}"
	qemu_kernel "$2/vmlinuz" "$2/initrd" "root=/dev/vda rw net.ifnames=0 ${MACHINE_APPEND-}"
	qemu_serial "$1/serial.log"
	qemu_disk root "$3" qcow2
	qemu_cdrom cd0
	qemu_port $MACHINE_CONTROL "$1/control.sock"
	qemu_port $MACHINE_AGENT "$1/agent.sock"
	qemu_qmp "$1/qmp.sock"
}

# machine_overlay BASE FORMAT FILE: a thin FILE on top of BASE, which stays as it is
machine_overlay()
{
	qemu-img create -q -f qcow2 -F "$2" -b "$1" "$3"
}

# machine_run DIR OWNER: start what QEMU_ARGS describes; it ends with the process OWNER at the
# latest.  Returns when the monitor can be reached.
machine_run()
{
	local tries

	qemu_command >"$1/command"
	rm -f "$1/qmp.sock" "$1/qemu.pid"
	# No descriptor of the caller's may stay open in there, bats waits for its own.
	"$BUILD/vm/leash" "$2" "$1/qemu.pid" "${QEMU_ARGS[@]}" </dev/null >"$1/qemu.log" 2>&1 \
		3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
	for ((tries = 0; tries < 500; tries++)); do
		[ ! -S "$1/qmp.sock" ] || return 0
		if [ -e "$1/qemu.pid" ] && ! kill -0 "$(<"$1/qemu.pid")" 2>/dev/null; then
			break
		fi
		sleep 0.02
	done
	echo "QEMU did not start:" >&2
	cat "$1/qemu.log" >&2
	return 1
}

# machine_kill DIR: end QEMU, by its process ID, and wait until it is gone
machine_kill()
{
	local pid tries

	pid=$(cat "$1/qemu.pid" 2>/dev/null) || return 0
	kill -KILL "$pid" 2>/dev/null || true
	for ((tries = 0; tries < 500; tries++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.02
	done
	rm -f "$1/qemu.pid"
}

# machine_qmp DIR REQUEST...: what the monitor returns
machine_qmp()
{
	"$BUILD/vm/qmp" "$1/qmp.sock" "${@:2}"
}

# machine_ignore_ram: the request that leaves the memory, a file already, out of the stream
machine_ignore_ram()
{
	echo '{"execute":"migrate-set-capabilities","arguments":{"capabilities":[' \
		'{"capability":"x-ignore-shared","state":true},' \
		'{"capability":"events","state":true}]}}'
}

# machine_save DIR FILE: write the state of the devices to FILE; the machine stands still then
machine_save()
{
	local tries status

	machine_qmp "$1" "$(machine_ignore_ram)" \
		"{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"exec:cat >'$2'\"}}" >/dev/null
	for ((tries = 0; tries < 300; tries++)); do
		status=$(machine_qmp "$1" '{"execute":"query-migrate"}')
		case $status in
		*'"status": "completed"'*) return 0 ;;
		*'"status": "failed"'*) break ;;
		esac
		sleep 0.1
	done
	echo "cannot save the guest: $status" >&2
	return 1
}

# machine_load DIR FILE: go on from the state in FILE; returns when the guest runs
machine_load()
{
	"$BUILD/vm/qmp" -e RESUME "$1/qmp.sock" "$(machine_ignore_ram)" \
		"{\"execute\":\"migrate-incoming\",\"arguments\":{\"uri\":\"exec:cat '$2'\"}}" \
		>/dev/null
}

# machine_exec DIR [OPTION]... -- COMMAND...: guest-exec in it
machine_exec()
{
	local dir=$1 options=()

	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	"$BUILD/vm/guest-exec" "${options[@]}" "$dir/control.sock" "${@:2}"
}
