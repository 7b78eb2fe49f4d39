#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# run: alone
# shellcheck disable=SC2016 # commands for the guest
# The device on the kernels that device.bats does not boot, in short: freeze, hooks,
# thaw, unplug while frozen. DEVICE_SUITE=... device.bats has all of it.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
	load lib/device.sh
	[ "$(id -u)" = 0 ] || skip "a chroot for QEMU needs root"
	DIR=$BATS_TEST_TMPDIR/device
	make -s -C "$DEVICE_TOP/host" >&2
}

teardown() {
	[ "$(id -u)" = 0 ] || return 0
	[ "$BATS_TEST_COMPLETED" = 1 ] || cat "$DIR"/{console,backend.log,qemu.log}
	device_stop "$DIR"
}

ctl() {
	"$HOST_BUILD/fsfreezectl" --device="$DIR/control.sock" --timeout=20 "$@"
}

freezes_and_thaws() {
	device_prepare "$DIR" "$1" && backend_start "$DIR" && device_boot "$DIR"
	guest "$DIR" 'cd /usr/libexec/guest-tools; printf "#!/bin/sh\necho \$2 >>/tmp/hooks\n" >fsfreeze-hook;
		chmod 755 fsfreeze-hook; i=0;
		while :; do i=$((i+1)); echo $i >/mnt/ext4/n; echo $i >/tmp/n; sleep 0.02; done &'
	run ctl freeze
	assert_output "2 file systems frozen"
	before=$(guest "$DIR" 'sleep 0.3; cat /tmp/n; sleep 0.7')
	run guest "$DIR" 'cat /tmp/n'
	assert_output "$before"
	run ctl thaw
	assert_output "2 file systems thawed"
	run guest "$DIR" 'echo $(cat /tmp/hooks)'
	assert_output "freeze thaw"
	guest "$DIR" "sleep 0.3; [ \$(cat /tmp/n) -gt $before ]"
	ctl freeze
	qmp "$DIR" '{"execute":"device_del","arguments":{"id":"device-fsfreeze"}}' | grep -q '{}'
	guest "$DIR" 'a=$(cat /tmp/n); for i in 1 2 3 4 5 6 7 8 9; do sleep 0.5; [ $(cat /tmp/n) = $a ] || exit 0; done; exit 1'
	run grep -E 'BUG|Oops|WARNING|blocked for more' "$DIR/console"
	assert_failure
}

@test "a guest with Linux 5.10 is frozen by its hypervisor" {
	freezes_and_thaws bullseye
}

@test "a guest with Linux 6.1 is frozen by its hypervisor" {
	freezes_and_thaws bookworm
}

@test "a guest with Linux 6.12 is frozen by its hypervisor" {
	freezes_and_thaws trixie
}
