#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Freezes over and over, under writers that make, sync, rename and remove files on ext4, xfs,
# btrfs, vfat and two stacked loop devices; then each file system is looked at from
# outside. Forty on one kernel for check, as a thousand take a quarter of an hour under emulation;
# "make check-cycles" has a thousand on each.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

CYCLES=${CYCLES:-40}
CYCLES_SUITES=${CYCLES_SUITES:-trixie}

setup() {
	load lib/module.sh
	load lib/mini-guest.sh
	load lib/clean.sh
	[ "$(id -u)" = 0 ] || skip "building in a chroot needs root"
	export MINI_SECONDS=${CYCLES_SECONDS:-600}
	MINI=$BATS_TEST_TMPDIR/mini
}

cycles_harm_nothing() {
	local suite=$1 module log=$BATS_TEST_TMPDIR/log disks=$MINI/disks.$1
	[[ " $CYCLES_SUITES " == *" $suite "* ]] || skip "one of make check-cycles"
	mini_prepare "$MINI"
	module=$(module_for "$suite")/virtio_fsfreeze.ko
	run mini_boot "$suite" "$module" "$MINI" "$log" "cycles=$CYCLES"
	grep -v '^\[' "$log"
	assert_success
	run -0 grep '^ok - freezing over and over' "$log"
	# On a slow kernel ACPI gives up some loops of its own while it boots.
	run ! grep -E 'WARNING|BUG|Oops|Call Trace|blocked for more|[Ee]rror' <(grep -v '^ACPI Error' "$log")
	refute_output
	disks_are_clean "$disks"
	grep '^figure - ' "$log" | sed "s/^figure - /# $suite: /" >&3
}

@test "freezes over and over under writers harm nothing on Linux 5.10" {
	cycles_harm_nothing bullseye
}

@test "freezes over and over under writers harm nothing on Linux 6.1" {
	cycles_harm_nothing bookworm
}

@test "freezes over and over under writers harm nothing on Linux 6.12" {
	cycles_harm_nothing trixie
}

@test "freezes over and over under writers harm nothing on forky's Linux" {
	cycles_harm_nothing forky
}

@test "freezes over and over under writers harm nothing on a kernel that checks its locks and memory" {
	cycles_harm_nothing debug
}
