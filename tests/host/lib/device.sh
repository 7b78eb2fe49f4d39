# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A guest with a virtio-fsfreeze device: forky's QEMU, a Debian kernel, busybox,
# the module, no agent. Sourced.
#
#   device_prepare DIR SUITE           disks and initramfs, once
#   backend_start DIR [OPTION...]      vhost-user-fsfreeze in the background
#   backend_stop DIR [SIGNAL]          and wait until it has ended
#   device_boot DIR SUITE [OPTION]     the guest, until its shell answers; OPTION is
#                                      one of the chardev
#   DEVICE_MODULE_OPTIONS              of the module, for device_prepare
#   DEVICE_PROGRAMS                    more programs, in the guest's root directory
#   DEVICE_DISKS                       more disks, raw images of these names in DIR, for device_boot
#   plain_boot DIR                     the guest without the device, in the machine's own
#                                      QEMU, with vdc, an agent's port at DIR/agent.sock,
#                                      a virtio console at DIR/channel.sock, and a third
#                                      serial port, ttyS2, at DIR/serial.sock
#   PLAIN_OPTIONS                      of QEMU, for it
#   plain_migrate DIR                  that guest, to another QEMU
#   guest DIR COMMAND                  run in the guest: its output and status
#   qmp DIR JSON                       one QMP command, prints the return
#   device_stop DIR                    end the guest and the back end
#
# To look at a failure by hand: the console is in DIR/console.

DEVICE_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
DEVICE_TOP=$(cd "$DEVICE_HERE/../.." && pwd)
# shellcheck source=tests/kmod/lib/module.sh
. "$DEVICE_TOP/tests/kmod/lib/module.sh"
# shellcheck source=tests/kmod/lib/mini-guest.sh
. "$DEVICE_TOP/tests/kmod/lib/mini-guest.sh"

HOST_BUILD=${BUILD:-$DEVICE_TOP/build}/host
# Fewer than the scenarios of kmod need: btrfs alone takes seconds to load.
MINI_MODULES="virtio_pci virtio_blk virtio_console crc32c_generic crc32c nls_cp437 nls_ascii nls_iso8859-1 ext4 vfat"
DEVICE_BOOT_SECONDS=${DEVICE_BOOT_SECONDS:-90}

# device_qemu: the root of a QEMU with a generic vhost-user device
device_qemu() {
	local packages
	packages=$(debian_suite_memo forky debian_suite_closure forky qemu-system-x86 coreutils |
		grep -vE '^(systemd|udev|libsystemd-shared)$') || return 1
	# shellcheck disable=SC2086 # a list
	debian_suite_unpack forky qemu-system-x86 $packages
}

device_initrd() {
	local dir=$1 suite=$2 root=$1/root module
	module=$(module_for "$suite")/virtio_fsfreeze.ko
	mkdir -p "$root/bin" && mini_modules "$suite" "$root/modules" &&
		cp "$(command -v busybox)" "$root/bin/busybox" &&
		install -m 755 "$DEVICE_HERE/guest/init" "$root/init" &&
		{ [ ! -x "$HOST_BUILD/../agent/guest-tools-agent" ] ||
			cp "$HOST_BUILD/../agent/guest-tools-agent" "$root/agent"; } &&
		device_programs "$root" &&
		echo "${DEVICE_MODULE_OPTIONS-}" >"$root/options" &&
		{ [ "$suite" = builtin ] || objcopy --strip-debug "$module" "$root/virtio_fsfreeze.ko"; } &&
		(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$dir/initrd" &&
		rm -rf "$root"
}

# device_programs ROOT: each with its libraries
device_programs() {
	local program
	for program in ${DEVICE_PROGRAMS-}; do
		cp "$program" "$1/" || return 1
		# shellcheck disable=SC2046 # a list; a static program has none
		set -- "$1" $(ldd "$program" 2>/dev/null | grep -o '/[^ ]*')
		[ $# = 1 ] || cp -L --parents "${@:2}" "$1" || return 1
	done
}

device_prepare() {
	local dir=$1 suite=$2
	mkdir -p "$dir" && device_initrd "$dir" "$suite" &&
		cp "$(kernel_vmlinuz "$suite")" "$dir/vmlinuz" &&
		mini_image "$dir/vda" ext4 64 && mini_image "$dir/vdb" vfat 32
}

# wait_for SECONDS COMMAND...: until it succeeds
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" 2>/dev/null; do
		[ "$SECONDS" -lt "$end" ] || { echo "timed out waiting for: $*" >&2; return 1; }
		sleep 0.05
	done
}

backend_start() {
	local dir=$1
	shift
	[ $# -gt 0 ] || set -- --socket="$dir/vhost.sock"
	"$HOST_BUILD/vhost-user-fsfreeze" --control="$dir/control.sock" "$@" \
		>>"$dir/backend.log" 2>&1 3>&- &
	echo $! >"$dir/backend.pid"
	disown $!
	wait_for 10 test -S "$dir/control.sock"
}

backend_stop() {
	local dir=$1 pid
	pid=$(cat "$dir/backend.pid" 2>/dev/null) || return 0
	kill "-${2:-TERM}" "$pid" 2>/dev/null
	rm -f "$dir/backend.pid"
	wait_for 10 gone "$pid"
}

gone() {
	! kill -0 "$1" 2>/dev/null || [[ $(ps -o stat= -p "$1") == Z* ]]
}

device_boot() {
	local root disk
	root=$(device_qemu) || return 1
	QEMU_BINARY=/usr/bin/qemu-system-x86_64 QEMU_MACHINE=pc
	qemu_new 256 2 memfd
	device_hardware /mnt
	for disk in ${DEVICE_DISKS-}; do
		qemu_disk "$disk" "/mnt/$disk" raw
	done
	qemu_fsfreeze fsfreeze /mnt/vhost.sock "${2-}"
	device_start "$1" kernel_chroot "$root" "$1"
}

plain_boot() {
	plain_hardware "$1"
	device_start "$1"
}

plain_hardware() {
	qemu_new 256 2
	device_hardware "$1"
	qemu_disk vdc "$1/vdc" qcow2
	qemu_port agent "$1/agent.sock"
	qemu_console channel "$1/channel.sock"
	qemu_args -chardev "socket,id=serial,path=$1/serial.sock,server=on,wait=off"
	qemu_args -device isa-serial,chardev=serial
	# shellcheck disable=SC2086 # options and their values
	qemu_args ${PLAIN_OPTIONS-}
}

# plain_migrate DIR: the guest goes on in another QEMU
plain_migrate() {
	local dir=$1
	rm -f "$dir/state"
	qmp "$dir" "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"exec:cat >$dir/state\"}}"
	wait_for 60 migrated "$dir" || return 1
	device_quit "$dir"
	rm -f "$dir"/*.sock
	plain_hardware "$dir"
	qemu_incoming "$dir/state"
	"${QEMU_ARGS[@]}" </dev/null >>"$dir/qemu.log" 2>&1 3>&- &
	wait_for 20 test -s "$dir/qemu.pid" && wait_for 20 waits "$dir" &&
		qmp "$dir" '{"execute":"cont"}' && guest "$dir" true
}

migrated() {
	[ "$(qmp "$1" '{"execute":"query-migrate"}' | jq -r .status)" = completed ]
}

# waits DIR: all of its state has come in
waits() {
	[ "$(qmp "$1" '{"execute":"query-status"}' | jq -r .status)" = paused ]
}

# device_hardware DIR: what every guest here has; DIR is as QEMU sees it
device_hardware() {
	qemu_kernel "$1/vmlinuz" "$1/initrd" "panic=-1 quiet no_timer_check"
	qemu_serial "$1/console"
	qemu_shell "$1/shell.sock"
	qemu_qmp "$1/qmp.sock"
	qemu_disk vda "$1/vda" raw
	qemu_disk vdb "$1/vdb" raw
	qemu_args -pidfile "$1/qemu.pid"
}

# device_start DIR [COMMAND...]: QEMU, under COMMAND, until the guest's shell answers
device_start() {
	local dir=$1
	shift
	rm -f "$dir"/{shell,qmp}.sock "$dir/console" "$dir/qemu.pid"
	"$@" "${QEMU_ARGS[@]}" </dev/null >"$dir/qemu.log" 2>&1 3>&- &
	wait_for 20 test -s "$dir/qemu.pid"
	wait_for "$DEVICE_BOOT_SECONDS" guest_is_up "$dir" && guest "$dir" true && return
	tail -n 20 "$dir/qemu.log" "$dir/console" >&2
	return 1
}

guest_is_up() {
	gone "$(cat "$1/qemu.pid")" && return 0
	grep -q 'the shell is there' "$1/console"
}

# guest DIR COMMAND: ends of lines are blanks there. Within GUEST_SECONDS; 124 when there is no answer by then
guest() {
	local line pid status=124
	coproc SHELL_FDS { exec socat - "UNIX-CONNECT:$1/shell.sock" 2>/dev/null; }
	pid=$SHELL_FDS_PID
	echo "${2//$'\n'/ }" >&"${SHELL_FDS[1]}"
	while IFS= read -r -t "${GUEST_SECONDS:-30}" line <&"${SHELL_FDS[0]}"; do
		case $line in
		"@@ "*) status=${line#@@ }; break ;;
		*) echo "$line" ;;
		esac
	done
	# socat can miss a TERM that comes while it starts.
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	return "$status"
}

# qmp DIR JSON
qmp() {
	printf '%s\n%s\n' '{"execute":"qmp_capabilities"}' "$2" |
		socat -t 5 - "UNIX-CONNECT:$1/qmp.sock" |
		jq -c 'select(.return or .error) | .return // .error' | sed -n 2p
}

device_stop() {
	device_quit "$1"
	backend_stop "$1"
}

device_quit() {
	local dir=$1 pid
	pid=$(cat "$dir/qemu.pid" 2>/dev/null) && kill "$pid" 2>/dev/null
	[ -z "$pid" ] || wait_for 10 gone "$pid"
	rm -f "$dir/qemu.pid"
}
