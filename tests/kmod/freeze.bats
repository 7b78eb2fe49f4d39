#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# run: alone
# What the module does, in guests of four kernels. Each guest is booted once and
# goes through all of guest/scenario.c; every test here looks what it said on
# each kernel. A guest that says nothing has failed.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup_file() {
	load lib/module.sh
	load lib/mini-guest.sh
	[ "$(id -u)" = 0 ] || return 0
	export MINI=$BATS_FILE_TMPDIR/mini
	mini_prepare "$MINI" >"$BATS_FILE_TMPDIR/prepare.log" 2>&1 ||
		{ cat "$BATS_FILE_TMPDIR/prepare.log" >&2; return 1; }
	local suite lists=("" "") turn=0
	for suite in $KERNEL_SUITES; do
		lists[turn]+=" $suite"
		turn=$((1 - turn))
	done
	# shellcheck disable=SC2086 # lists
	one_after_another ${lists[0]} &
	# shellcheck disable=SC2086
	one_after_another ${lists[1]} &
	wait
}

one_after_another() {
	local suite dir
	for suite; do
		dir=$(module_for "$suite") &&
			mini_run "$suite" "$dir/virtio_fsfreeze.ko" "$MINI" "$MINI/log.$suite"
	done
}

setup() {
	load lib/module.sh
	[ "$(id -u)" = 0 ] || skip "building in a chroot needs root"
}

# refused SUITE: what it said, without the kernel's words, which are in the log kept.
refused() {
	local kept=${BUILD:-$MODULE_TOP/build}/kmod/guest-$1.log
	mkdir -p "$(dirname "$kept")" && cp "$MINI/log.$1" "$kept"
	fail "$1, all of it in $kept:
$(grep -v '^\[' "$MINI/log.$1" | tail -n 30)"
}

# shown TITLE: every kernel has said ok. A kernel that cannot be asked is a skip.
shown() {
	local suite skipped=
	for suite in $KERNEL_SUITES; do
		! grep -qF "not ok - $1" "$MINI/log.$suite" || refused "$suite"
		grep -qxF "ok - $1" "$MINI/log.$suite" && continue
		grep -qF "skip - $1" "$MINI/log.$suite" || refused "$suite"
		skipped+="$suite: $(grep -F "skip - $1" "$MINI/log.$suite" | sed 's/.*: //') "
	done
	[ -z "$skipped" ] || skip "$skipped"
}

@test "freeze blocks writers on every file system and thaw resumes them" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "what is stored in a file of another is frozen first" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "a loop device on a loop device never hangs" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "a device mapper disk on a loop device is frozen first" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "btrfs on a loop device never hangs" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "a mirror on two loop devices is frozen first and never hangs" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "f2fs and jfs are frozen as well" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "the deadline thaws" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "killing the holder thaws" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "killing the holder thaws although a child has the file open" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "closing the file thaws and closing a duplicate does not" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "a thaw by somebody else is refused or reported" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "what a user froze stays frozen after the thaw" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "the deadline can be moved" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "thaw cancels a freeze that is still going on" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "the deadline ends a freeze that is stuck" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "a list freezes these and no others" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "hidden file systems are frozen" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "a file system mounted twice is one" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "a btrfs of several disks is frozen" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "no module is loaded for a freeze" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "a core dump onto what is frozen ends at the deadline" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "statistics count the freezes of all" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "there is one freeze at a time" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "nonsense is refused" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "the module stays while frozen" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "suspending thaws" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "fifty file systems freeze side by side" {
	shown "$BATS_TEST_DESCRIPTION"
}

@test "powering off thaws" {
	for suite in $KERNEL_SUITES; do
		run grep -A5 'scenarios over' "$MINI/log.$suite"
		assert_output --partial 'thawed because the system goes down'
	done
}

@test "no kernel warns" {
	for suite in $KERNEL_SUITES; do
		run grep -E 'WARNING|BUG|Oops|Call Trace|blocked for more' "$MINI/log.$suite"
		refute_output
	done
}

@test "figures" {
	grep -H '^figure - ' "$MINI"/log.* | sed 's,.*/log\.,# ,' >&3
}
