# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The one place that knows QEMU's options.
#
# A guest is described call by call and then started:
#
#	. tests/lib/qemu.sh
#	qemu_new 512 2                               # MiB of RAM, virtual CPUs
#	qemu_kernel vmlinuz initrd.cpio 'panic=-1'   # direct boot; console=ttyS0 is added
#	qemu_serial stdio                            # or a file name
#	qemu_disk data disk.raw raw                  # /dev/disk/by-id/virtio-data
#	qemu_port org.qemu.guest_agent.0 agent.sock  # virtserialport, host side a unix socket
#	qemu_run 60                                  # foreground; 124 after 60 s
#
# qemu_command prints the finished command line, one shell-quoted line; QEMU_ARGS is the array
# itself, to which anything else may be appended with qemu_args.
#
# Machine and CPU are pinned: a saved guest restores only into the same ones.  The CPU is an AMD
# one, as a kernel that sees an Intel one isolates its page tables, which costs emulation dearly.

# shellcheck disable=SC2034,SC2054 # used by those who source this; QEMU likes commas
QEMU_BINARY=${QEMU_BINARY:-qemu-system-x86_64}
QEMU_MACHINE=${QEMU_MACHINE:-pc-i440fx-7.2}
QEMU_CPU=${QEMU_CPU:-qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+rdrand}
# Emulation is what works everywhere; /dev/kvm may be there and yet hang.
QEMU_ACCEL=${QEMU_ACCEL:-tcg,tb-size=256}
# What makes QEMU's generic vhost-user device one for fsfreeze.
QEMU_FSFREEZE='virtio-id=38,num_vqs=2,config_size=8'
QEMU_APPEND='console=ttyS0 mitigations=off'
QEMU_ARGS=()

# qemu_version: the version of the QEMU that will be used, with its packaging part
qemu_version()
{
	"$QEMU_BINARY" --version | sed -n '1s/^QEMU emulator version //p'
}

# qemu_new MIB CPUS [RAMFILE [private]]: begin a new guest.  RAM lies in RAMFILE when given, in a
# private copy-on-write mapping of it when "private"; "memfd" is memory that vhost-user shares.
qemu_new()
{
	local mib=$1 cpus=$2 ramfile=${3-} share=on

	[ "${4-}" != private ] || share=off
	QEMU_ARGS=("$QEMU_BINARY" -nodefaults -no-user-config -display none
		-accel "$QEMU_ACCEL" -cpu "$QEMU_CPU" -smp "$cpus" -m "$mib"
		-rtc base=utc -device virtio-serial-pci,id=ports,max_ports=16)
	if [ "$ramfile" = memfd ]; then
		QEMU_ARGS+=(-machine "$QEMU_MACHINE,memory-backend=ram" -object
			"memory-backend-memfd,id=ram,size=${mib}M,share=on")
	elif [ -n "$ramfile" ]; then
		QEMU_ARGS+=(-machine "$QEMU_MACHINE,memory-backend=ram" -object
			"memory-backend-file,id=ram,size=${mib}M,mem-path=$ramfile,share=$share")
	else
		QEMU_ARGS+=(-machine "$QEMU_MACHINE")
	fi
}

# qemu_args ARG...: anything that has no call of its own
qemu_args()
{
	QEMU_ARGS+=("$@")
}

# qemu_kernel KERNEL INITRD|'' [APPEND]: direct boot
qemu_kernel()
{
	QEMU_ARGS+=(-kernel "$1" -append "$QEMU_APPEND ${3-}")
	[ -z "$2" ] || QEMU_ARGS+=(-initrd "$2")
}

# qemu_serial stdio|FILE: where the first serial port's output goes; a file is appended to
qemu_serial()
{
	if [ "$1" = stdio ]; then
		QEMU_ARGS+=(-chardev stdio,id=serial0,signal=off)
	else
		QEMU_ARGS+=(-chardev "file,id=serial0,append=on,path=$1")
	fi
	QEMU_ARGS+=(-device isa-serial,chardev=serial0)
}

# qemu_disk ID FILE FORMAT [DEVICE-OPTION]: a virtio disk with ID as its serial number
qemu_disk()
{
	QEMU_ARGS+=(-blockdev "$(qemu_blockdev "$1" "$2" "$3")"
		-device "virtio-blk-pci,id=$1,drive=drive-$1,serial=$1${4:+,$4}")
}

# qemu_blockdev ID FILE FORMAT: the block node drive-ID as -blockdev and blockdev-add take it
qemu_blockdev()
{
	printf '{"node-name":"drive-%s","driver":"%s","discard":"unmap",' "$1" "$3"
	printf '"file":{"driver":"file","filename":"%s","cache":{"no-flush":true}}}' "$2"
}

# qemu_cdrom ID [ISO]: a SCSI CD drive, empty without ISO
qemu_cdrom()
{
	QEMU_ARGS+=(-device virtio-scsi-pci,id=scsi0)
	[ -z "${2-}" ] || QEMU_ARGS+=(-blockdev
		"driver=raw,node-name=medium-$1,read-only=on,file.driver=file,file.filename=$2")
	QEMU_ARGS+=(-device "scsi-cd,id=$1,bus=scsi0.0${2:+,drive=medium-$1}")
}

# qemu_port NAME SOCKET: a virtio serial port (not a tty), SOCKET listening on the host
qemu_port()
{
	QEMU_ARGS+=(-chardev "socket,id=$1,path=$2,server=on,wait=off"
		-device "virtserialport,bus=ports.0,chardev=$1,name=$1")
}

# qemu_console NAME SOCKET: a virtio console (hvc0 and so on), SOCKET listening on the host
qemu_console()
{
	QEMU_ARGS+=(-chardev "socket,id=$1,path=$2,server=on,wait=off"
		-device "virtconsole,bus=ports.0,chardev=$1,name=$1")
}

# qemu_fsfreeze ID SOCKET [CHARDEV-OPTION]: the virtio-fsfreeze device, whose back end is at SOCKET;
# needs memfd memory and a QEMU with a generic vhost-user device
qemu_fsfreeze()
{
	QEMU_ARGS+=(-chardev "socket,id=$1,path=$2${3:+,$3}"
		-device "vhost-user-test-device-pci,id=device-$1,chardev=$1,$QEMU_FSFREEZE")
}

# qemu_shell SOCKET: a second serial port, SOCKET listening on the host
qemu_shell()
{
	QEMU_ARGS+=(-chardev "socket,id=shell,path=$1,server=on,wait=off"
		-device isa-serial,chardev=shell)
}

# qemu_qmp SOCKET: the monitor
qemu_qmp()
{
	QEMU_ARGS+=(-chardev "socket,id=qmp,path=$1,server=on,wait=off"
		-mon chardev=qmp,mode=control)
}

# qemu_incoming FILE: start from the state that qemu_save_qmp wrote, and wait for "cont"
qemu_incoming()
{
	QEMU_ARGS+=(-S -incoming "exec:cat '$1'")
}

# qemu_command: the command line, quoted for a shell
qemu_command()
{
	printf '%q ' "${QEMU_ARGS[@]}"
	echo
}

# qemu_run SECONDS: run the guest in the foreground until it powers off.  -no-reboot, so a panic
# with panic=-1 ends it too.  Status 124 when it had to be killed.
qemu_run()
{
	timeout --foreground --kill-after=5 "$1" "${QEMU_ARGS[@]}" -no-reboot </dev/null
}
