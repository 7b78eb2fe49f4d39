# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2094 # much here is for the guest's shell to expand
# Guests for bats tests.
#
#	setup() { load lib/guest.sh; }		# from tests/vm/*.bats
#	teardown() { guest_teardown; }
#
#	@test "a file system can be frozen" {
#		guest_start --disk 64M:xfs
#		guest_run 'mount /dev/disk/by-id/virtio-disk1 /mnt && fsfreeze -f /mnt'
#	}
#
# Every guest_start gives a guest that booted a while ago, with a fresh disk.  A guest started in
# setup_file serves all tests of the file; then teardown_file calls guest_teardown, and the tests'
# teardown calls guest_check.  Several guests: guest_select NAME before guest_start and after.

GUEST_TOP=$(cd "${BASH_SOURCE[0]%/*}/../../.." && pwd)
BUILD=${BUILD:-$GUEST_TOP/build}
# shellcheck source=../../lib/qemu.sh
. "$GUEST_TOP/tests/lib/qemu.sh"
# shellcheck source=machine.sh
. "$GUEST_TOP/tests/vm/lib/machine.sh"

GUEST_KERNEL=${GUEST_KERNEL:-debian12} # the row of image/variants that guest_start takes
GUEST_DEADLINE=${GUEST_DEADLINE:-60}   # seconds for everything that waits for a guest
GUEST_RUN=/run/guest-tests             # in the guest; a tmpfs, writable while all is frozen

# guest_select NAME: the calls that follow are for this guest; the first one is called "guest"
guest_select()
{
	export GUEST_DIR=${BATS_TEST_TMPDIR:-${BATS_FILE_TMPDIR:-${TMPDIR:-/tmp}}}/$1
}

# guest_start [--kernel NAME] [--cold] [--append ARGS] [--disk SIZE[:FSTYPE]]... [--cdrom ISO]
#	[--qemu ARG]...: restore the saved guest, or boot it when --cold or --append is given.
# --qemu arguments are for a cold boot only, as a saved guest knows only its own devices.
# Disk N of 1, 2, ... is /dev/disk/by-id/virtio-diskN in the guest.
guest_start()
{
	local kernel=$GUEST_KERNEL cold='' append='' disks=() cdrom='' more=() saved disk

	while [ $# -gt 0 ]; do
		case $1 in
		--kernel) kernel=$2 ;;
		--cold) cold=1; set -- '' "$@" ;;
		--append) cold=1; append=$2 ;;
		--disk) disks+=("$2") ;;
		--cdrom) cdrom=$2 ;;
		--qemu) more+=("$2") ;;
		*) echo "guest_start: what is $1?" >&2; return 2 ;;
		esac
		shift 2
	done
	[ -n "${GUEST_DIR-}" ] || guest_select guest
	[ ! -e "$GUEST_DIR" ] || { echo "guest_start: ${GUEST_DIR##*/} exists" >&2; return 2; }
	saved=$(guest_saved "$kernel") || return
	mkdir -p "$GUEST_DIR" && ln -s "$saved" "$GUEST_DIR/saved" || return
	if [ -n "$cold" ]; then
		guest_boot "$append" "${more[@]}" || return
	else
		guest_restore || return
	fi
	for disk in "${disks[@]}"; do
		guest_disk_add "$disk" || return
	done
	[ -z "$cdrom" ] || guest_cdrom "$cdrom"
}

# guest_saved NAME: the directory of the saved guest.  Looking it up asks apt and takes a second, so
# it is done once for each run of bats.
guest_saved()
{
	local memo=${BATS_RUN_TMPDIR-}/saved-$1

	if [ -z "${BATS_RUN_TMPDIR-}" ]; then
		"$GUEST_TOP/tests/vm/image/save" "$1"
	elif [ -s "$memo" ]; then
		cat "$memo"
	else
		"$GUEST_TOP/tests/vm/image/save" "$1" >"$memo.$$" && mv "$memo.$$" "$memo" &&
			cat "$memo"
	fi
}

# guest_restore: go on where the saved guest was left
guest_restore()
{
	local saved=$GUEST_DIR/saved

	saved=$(readlink -f "$saved")
	machine_overlay "$saved/root.qcow2" qcow2 "$GUEST_DIR/root.qcow2" || return
	machine_describe "$GUEST_DIR" "$saved/image" "$GUEST_DIR/root.qcow2" "$saved/ram" private
	qemu_args -incoming defer
	machine_run "$GUEST_DIR" "$$" || return
	machine_load "$GUEST_DIR" "$saved/devices" || return
	machine_exec "$GUEST_DIR" -c -b -d "$GUEST_DEADLINE" -- >"$GUEST_DIR/boot"
}

# guest_boot APPEND [QEMU-ARG]...: boot from the disk in GUEST_DIR, a fresh one if there is none
guest_boot()
{
	local saved disk

	saved=$(readlink -f "$GUEST_DIR/saved")
	[ -e "$GUEST_DIR/root.qcow2" ] ||
		machine_overlay "$saved/image/root.img" raw "$GUEST_DIR/root.qcow2" || return
	MACHINE_APPEND=$1 machine_describe "$GUEST_DIR" "$saved/image" "$GUEST_DIR/root.qcow2"
	for disk in "$GUEST_DIR"/disk[1-9]*.raw; do
		[ ! -e "$disk" ] || qemu_disk "$(basename "$disk" .raw)" "$disk" raw
	done
	qemu_args "${@:2}"
	machine_run "$GUEST_DIR" "${GUEST_OWNER:-$$}" || return
	guest_wait_boot ''
}

# guest_wait_boot OLD: until the system is up whose boot ID is not OLD
guest_wait_boot()
{
	local end=$((SECONDS + ${GUEST_BOOT_SECONDS:-300})) boot

	while [ $SECONDS -lt $end ]; do
		boot=$(machine_exec "$GUEST_DIR" -c -b -d 10 -- 2>/dev/null) || boot=$1
		[ "$boot" = "$1" ] || break
		sleep 0.2
	done
	[ "$boot" != "$1" ] || { echo "the guest did not boot" >&2; return 1; }
	echo "$boot" >"$GUEST_DIR/boot"
	# "degraded" is up as well: what failed is for the test to find
	machine_exec "$GUEST_DIR" -d $((end - SECONDS)) -- '[ -d /run/systemd/system ] || exit 0
		case $(systemctl is-system-running --wait) in running|degraded) ;; *) exit 1 ;; esac'
}

# guest_run COMMAND...: run it in the guest as root by sh -c; its output and its status are ours.
# Status 124 when it takes more than GUEST_DEADLINE seconds; it is killed then.
guest_run()
{
	machine_exec "$GUEST_DIR" -d "$GUEST_DEADLINE" -- "$@"
}

# guest_quote WORD: as one word for the guest's shell, which is not bash
guest_quote()
{
	printf "'%s'" "${1//\'/\'\\\'\'}"
}

# guest_run_bg NAME COMMAND...: start it in the guest.  Output, process ID and status are kept in
# GUEST_RUN/NAME.{out,pid,rc} there.
guest_run_bg()
{
	local file=$GUEST_RUN/$1

	# Not "mkdir -p": it tries to make /run as well, which waits while the root disk is frozen.
	guest_run "[ -d $GUEST_RUN ] || mkdir $GUEST_RUN; rm -f $file.rc;" \
		"{ setsid sh -c $(guest_quote "${*:2}"); echo \$? >$file.new; mv $file.new $file.rc; }" \
		"</dev/null >$file.out 2>&1 & echo \$! >$file.pid"
}

# guest_bg_output NAME: what it has written so far
guest_bg_output()
{
	guest_run "cat $GUEST_RUN/$1.out"
}

# guest_bg_wait NAME SECONDS: until it has ended; its status is ours, 124 when it goes on
guest_bg_wait()
{
	guest_wait_for "test -e $GUEST_RUN/$1.rc" "$2" || return 124
	return "$(guest_run "cat $GUEST_RUN/$1.rc")"
}

# guest_wait_for COMMAND SECONDS: until COMMAND succeeds in the guest
guest_wait_for()
{
	machine_exec "$GUEST_DIR" -d "$2" -- "until $1; do sleep 0.1; done" ||
		{ echo "in vain waited $2 s for: $1" >&2; return 1; }
}

# guest_put FILE PATH: copy a file into the guest, with its mode; complete or not at all
guest_put()
{
	local path

	path=$(guest_quote "$2")
	machine_exec "$GUEST_DIR" -i -d "$GUEST_DEADLINE" -- \
		"cat >$path.put && test \$(stat -c %s $path.put) = $(stat -L -c %s "$1") &&" \
		"chmod $(stat -L -c %a "$1") $path.put && mv $path.put $path" <"$1"
}

# guest_get PATH FILE: copy a file out of the guest
guest_get()
{
	guest_run "cat $(guest_quote "$1")" >"$2.get" && mv "$2.get" "$2"
}

# guest_qmp REQUEST: one request to QEMU's monitor; prints what it returns
guest_qmp()
{
	machine_qmp "$GUEST_DIR" "$1"
}

# guest_agent_socket: the host's end of the port org.qemu.guest_agent.0
guest_agent_socket()
{
	echo "$GUEST_DIR/agent.sock"
}

# guest_cdrom ISO|'': put it into the drive, or take out what is there, whatever the guest says
guest_cdrom()
{
	if [ -n "$1" ]; then
		machine_qmp "$GUEST_DIR" '{"execute":"blockdev-change-medium","arguments":{
			"id":"cd0","format":"raw","read-only-mode":"read-only","force":true,
			"filename":"'"$(readlink -f "$1")"'"}}' >/dev/null &&
			guest_wait_for 'test "$(blockdev --getsize64 /dev/sr0 2>/dev/null)" = '"$(
			stat -L -c %s "$1")" 10 && guest_run 'udevadm settle'
	else
		machine_qmp "$GUEST_DIR" \
			'{"execute":"blockdev-open-tray","arguments":{"id":"cd0","force":true}}' \
			'{"execute":"blockdev-remove-medium","arguments":{"id":"cd0"}}' \
			'{"execute":"blockdev-close-tray","arguments":{"id":"cd0"}}' >/dev/null
	fi
}

# guest_disk_add SIZE[:FSTYPE]: plug in one more disk, with a file system made by the guest
guest_disk_add()
{
	local size=${1%%:*} type=${1#*:} name link

	guest_disk_new
	truncate -s "$size" "$GUEST_DIR/$name.raw" && guest_disk_plug || return
	[ "$type" = "$1" ] || guest_run "mkfs -t $type $link >$GUEST_RUN.mkfs 2>&1 ||
		{ cat $GUEST_RUN.mkfs; exit 1; }"
}

# guest_disk_attach FILE: plug in one more disk, which holds a copy of the raw image FILE
guest_disk_attach()
{
	local name link

	guest_disk_new
	cp --sparse=always "$1" "$GUEST_DIR/$name.raw" && guest_disk_plug
}

# guest_disk_new: sets name and link for one more disk
guest_disk_new()
{
	local n=1

	while [ -e "$GUEST_DIR/disk$n.raw" ]; do
		n=$((n + 1))
	done
	name=disk$n
	link=/dev/disk/by-id/virtio-$name
}

guest_disk_plug()
{
	machine_qmp "$GUEST_DIR" "{\"execute\":\"blockdev-add\",\"arguments\":$(
		qemu_blockdev "$name" "$GUEST_DIR/$name.raw" raw)}" \
		"{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"virtio-blk-pci\",
		\"id\":\"$name\",\"drive\":\"drive-$name\",\"serial\":\"$name\"}}" >/dev/null &&
		guest_wait_for "test -b $link" 20
}

# guest_disk_copy N FILE: what disk N (0 is the root disk) holds at one moment, as a raw image.  The
# guest stands still for the copying, as it does for a snapshot by the host.
guest_disk_copy()
{
	local status=0

	machine_qmp "$GUEST_DIR" '{"execute":"stop"}' >/dev/null || return
	if [ "$1" = 0 ]; then
		qemu-img convert -U -O raw "$GUEST_DIR/root.qcow2" "$2" || status=$?
	else
		cp --sparse=always "$GUEST_DIR/disk$1.raw" "$2" || status=$?
	fi
	machine_qmp "$GUEST_DIR" '{"execute":"cont"}' >/dev/null || status=$?
	return $status
}

# guest_reboot [--hard]: orderly, or as by the reset button; until the system is up again.  The CD
# stays in its drive.
guest_reboot()
{
	local boot

	boot=$(<"$GUEST_DIR/boot")
	if [ "${1-}" = --hard ]; then
		machine_qmp "$GUEST_DIR" '{"execute":"system_reset"}' >/dev/null || return
	else
		guest_run 'systemctl reboot' || return
	fi
	guest_wait_boot "$boot"
}

# guest_log: what the guest's kernel has said on the serial line
guest_log()
{
	cat "$GUEST_DIR/serial.log"
}

# guest_stop: end QEMU.  The directory with the disks and logs stays.
guest_stop()
{
	machine_kill "$GUEST_DIR"
}

# guest_check: for teardown, when a guest serves several tests: notes that one of them failed
guest_check()
{
	[ -n "${BATS_TEST_COMPLETED-}${BATS_TEST_SKIPPED-}" ] || touch "$GUEST_DIR/failed"
}

# guest_teardown: end all guests of this test, or of this file in teardown_file.  When something
# failed, disks and logs are kept, and it is said how to go on from there by hand.
guest_teardown()
{
	local dir

	for dir in "${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}"/*/; do
		GUEST_DIR=${dir%/}
		[ -L "$GUEST_DIR/saved" ] || continue
		guest_stop
		[ -z "${BATS_TEST_NUMBER-}" ] || guest_check
		[ ! -e "$GUEST_DIR/failed" ] || guest_keep
		rm -rf "$GUEST_DIR"
	done
	unset GUEST_DIR
}

# guest_keep: the directory of a failed guest goes where it can be looked at
guest_keep()
{
	local file=${BATS_TEST_FILENAME##*/} keep

	keep=$BUILD/test-failures/${file%.bats}${BATS_TEST_NUMBER:+-$BATS_TEST_NUMBER}/${GUEST_DIR##*/}
	rm -rf "$keep"
	mkdir -p "${keep%/*}"
	rm -f "$GUEST_DIR"/*.sock
	cp -r --sparse=always --no-dereference "$GUEST_DIR" "$keep"
	printf '%s\n' "${BATS_TEST_DESCRIPTION-}" >"$keep/test"
	[ ! -s "$keep/serial.log" ] || { echo "the guest's last words:"; tail -n 5 "$keep/serial.log"; }
	echo "go on by hand: tests/vm/enter ${keep#"$GUEST_TOP/"}"
}
