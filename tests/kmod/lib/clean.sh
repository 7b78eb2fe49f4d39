# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Looking at the guest's disks from outside. Sourced.
#
#   disks_are_clean DIR    those of mini_disks, after everything was unmounted

# clean_run WHAT COMMAND...: says WHAT and what COMMAND said when it fails
clean_run() {
	local what=$1 said
	shift
	said=$("$@" 2>&1) || { printf '%s is not clean:\n%s\n' "$what" "$said"; return 1; }
}

# clean_image_in EXT4 FILE TO: what is stored in a file of an unmounted ext4
clean_image_in() {
	debugfs -R "dump $2 $3" "$1" 2>/dev/null && test -s "$3"
}

disks_are_clean() {
	local dir=$1 clean=0
	clean_image_in "$dir/vda" loop.img "$dir/loop" &&
		clean_image_in "$dir/loop" looploop.img "$dir/looploop" || return 1
	clean_run ext4 e2fsck -fn "$dir/vda" || clean=1
	clean_run "ext4 on a loop device" e2fsck -fn "$dir/loop" || clean=1
	clean_run "ext4 on a loop device on that" e2fsck -fn "$dir/looploop" || clean=1
	clean_run xfs xfs_repair -n "$dir/vdb" || clean=1
	clean_run btrfs btrfs check --readonly "$dir/vdc" || clean=1
	clean_run vfat fsck.vfat -n "$dir/vdd" || clean=1
	return $clean
}
