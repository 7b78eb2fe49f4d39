#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# run: alone
# shellcheck disable=SC2016 # commands for the guest
# What a freeze is for, on four kernels and five file systems: copies of the disks, one
# of a guest that was frozen by its kernel and one, the control, of the same guest
# only stopped for the moment, in which every test has to find the fault. A second guest looks at
# both on disks that cannot be written.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

# The type of each disk; the first two are the guest's own.
declare -gA TYPES=([vda]=ext4 [vdb]=vfat [vdc]=xfs [vdd]=btrfs [vde]=ext2)
DISKS="vda vdb vdc vdd vde"

setup_file() {
	load lib/device.sh
	[ "$(id -u)" = 0 ] || return 0
	export GUESTS=$BATS_FILE_TMPDIR MINI_MODULES="$MINI_MODULES xxhash_generic sha256_generic
		blake2b_generic xfs btrfs"
	make -s -C "$DEVICE_TOP/host" >&2
	for suite in $KERNEL_SUITES; do
		make_copies "$GUESTS/$suite"
		look_boot "$GUESTS/$suite"
	done
}

teardown_file() {
	load lib/device.sh
	[ "$(id -u)" = 0 ] || return 0
	for suite in $KERNEL_SUITES; do
		device_stop "$GUESTS/$suite"
		device_stop "$GUESTS/$suite/look"
	done
}

setup() {
	load lib/device.sh
	[ "$(id -u)" = 0 ] || skip "a chroot for QEMU needs root"
}

teardown() {
	[ "$BATS_TEST_COMPLETED" = 1 ] || tail -n 30 "$GUESTS"/*/{console,qemu.log,look/console}
}

# make_copies DIR: DIR/frozen and DIR/control, each with the disks and with the checksums of what
# was written right before, by the names of the disks
make_copies() {
	local dir=$1 disk
	device_prepare "$dir" "$(basename "$dir")"
	mini_image "$dir/vdc" xfs 300 && mini_image "$dir/vdd" btrfs 128 && mini_image "$dir/vde" ext2 32
	DEVICE_DISKS="vdc vdd vde"
	(backend_start "$dir" && device_boot "$dir")
	# Nothing is written back by itself: what the disks lack is no matter of luck.
	guest "$dir" 'echo 0 >/proc/sys/vm/dirty_writeback_centisecs'
	for disk in vdc vdd vde; do
		guest "$dir" "mkdir /mnt/${TYPES[$disk]}; mount -t ${TYPES[$disk]} /dev/$disk /mnt/${TYPES[$disk]}"
	done
	guest "$dir" sync
	copy "$dir" control
	copy "$dir" frozen --device="$dir/control.sock"
	device_stop "$dir"
}

# copy DIR NAME [OPTION]: writes to all disks, and copies them within a snapshot
copy() {
	local dir=$1 name=$2 disk
	shift 2
	mkdir "$dir/$name"
	for disk in $DISKS; do
		guest "$dir" "head -c 2000000 /dev/urandom >/mnt/${TYPES[$disk]}/$name; md5sum </mnt/${TYPES[$disk]}/$name" \
			>"$dir/$name/$disk.md5"
	done
	# What a database or the kernel does at any time: a log of xfs and btrfs, a file of ext2 without
	# the map of free blocks, and some but not all of what vfat has changed.
	guest "$dir" 'for d in xfs btrfs ext2; do dd if=/dev/zero of=/mnt/$d/synced$$ bs=4096 count=9 conv=fsync; done;
		dd if=/dev/null of=/dev/vdb conv=notrunc,fsync'
	"$HOST_BUILD/fsfreezectl" --qmp="$dir/qmp.sock" --timeout=30 "$@" snapshot -- \
		sh -c 'cd "$1" && cp --sparse=always $3 "$2/"' sh "$dir" "$name" "$DISKS" >"$dir/$name/said"
}

# look_boot DIR: a guest at DIR/look, the control's disks from vdc on, then the frozen ones, as it is the
# newer btrfs of two of one name that a kernel goes on with
look_boot() {
	local dir=$1 name disk
	device_prepare "$dir/look" "$(basename "$dir")"
	qemu_new 256 2
	device_hardware "$dir/look"
	for name in control frozen; do
		for disk in $DISKS; do
			qemu_disk "$name-$disk" "$dir/$name/$disk" raw
		done
	done
	device_start "$dir/look"
	guest "$dir/look" 'for d in /dev/vd[c-l]; do blockdev --setro $d; done; mkdir /mnt/look'
}

# look NAME DISK [OPTION]: the checksum of what was written to the copy, mounted read-only
look() {
	local letters=cdefghijkl at=0 disk dir=$GUESTS/$suite
	[ "$1" = control ] || at=5
	for disk in $DISKS; do
		[ "$disk" != "$2" ] || break
		at=$((at + 1))
	done
	guest "$dir/look" "mount -t ${TYPES[$2]} -o ro${3-} /dev/vd${letters:at:1} /mnt/look || exit 7;
		cd /mnt/look; md5sum <$1; status=\$?; cd /; umount /mnt/look; exit \$status"
}

# whole NAME DISK [OPTION]: whether the copy can be mounted and has what was written
whole() {
	run look "$@"
	[ "$status" = 0 ] && [ "$output" = "$(cat "$GUESTS/$suite/$1/$2.md5")" ]
}

# image NAME DISK
image() {
	echo "$GUESTS/$suite/$1/$2"
}

@test "the copies are what they are said to be" {
	for suite in $KERNEL_SUITES; do
		run cat "$GUESTS/$suite/control/said"
		assert_output --regexp '^crash-consistent, by stop'
		run cat "$GUESTS/$suite/frozen/said"
		assert_output --regexp '^file-system consistent, by kernel'
	done
}

replay_needed() {
	dumpe2fs -h "$(image "$1" vda)" 2>/dev/null | grep -q needs_recovery
}

log_needed() {
	! btrfs inspect-internal dump-super "$(image "$1" vdd)" | grep -qE '^log_root[[:space:]]+0$'
}

# A frozen xfs has records of its superblock alone in its log, put there for the next mount to look
# for files that were removed while open. There is nothing to lose without them.
records_needed() {
	xfs_logprint -t "$(image "$1" vdc)" 2>/dev/null >"$BATS_TEST_TMPDIR/log" || fail "cannot read the log of xfs"
	grep -q '^TRANS' "$BATS_TEST_TMPDIR/log" || fail "no record in the log of xfs"
	grep -E '^INO:|Buffer|BUF DATA' "$BATS_TEST_TMPDIR/log" | grep -v 'SUPER Block Buffer'
}

@test "no journal has to be replayed: ext4, xfs, btrfs" {
	for suite in $KERNEL_SUITES; do
		for needed in replay_needed log_needed records_needed; do
			! "$needed" frozen || fail "$suite: $needed of the frozen one"
			"$needed" control || fail "$suite: no $needed of the control"
		done
	done
}

@test "what was in the guest's cache is on the disk" {
	for suite in $KERNEL_SUITES; do
		for disk in vda vdb vdc vdd vde; do
			option=
			case ${TYPES[$disk]} in
			ext4) option=,noload ;;
			xfs) option=,norecovery ;;
			btrfs) option=,rescue=nologreplay ;;
			esac
			whole frozen "$disk" "$option" || fail "$suite: ${TYPES[$disk]}: $output"
			run ! whole control "$disk" "$option"
		done
	done
}

@test "vfat and ext2, which have no journal, are consistent" {
	for suite in $KERNEL_SUITES; do
		run -0 e2fsck -fn "$(image frozen vde)"
		run e2fsck -fn "$(image control vde)"
		assert_failure 4
		run fsck.vfat -n "$(image frozen vdb)"
		refute_output --partial "Reclaim"
		run fsck.vfat -n "$(image control vdb)"
		assert_output --partial "Reclaim"
	done
}

@test "the copy mounts from a disk that cannot be written, without recovery" {
	for suite in $KERNEL_SUITES; do
		for disk in vda vdd; do
			run look control "$disk"
			assert_failure 7
			whole frozen "$disk" || fail "$suite: ${TYPES[$disk]}: $output"
		done
		whole frozen vdb && whole frozen vde && whole frozen vdc ,norecovery
	done
}
