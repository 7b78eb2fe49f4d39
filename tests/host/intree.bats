#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# run: alone
# shellcheck disable=SC2016 # commands for the guest
# The driver as a part of the kernel: kmod/ in the tree of Debian's kernel source,
# CONFIG_VIRTIO_FSFREEZE=y, booted from its bzImage. Nothing in the guest is a
# module, an agent or a daemon. Only where "make kernels" has built that kernel once.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup_file() {
	load lib/device.sh
	[ "$(id -u)" = 0 ] && linux_cached builtin || return 0
	export DEVICE=$BATS_FILE_TMPDIR/device
	make -s -C "$DEVICE_TOP/host" >&2
	device_prepare "$DEVICE" builtin && backend_start "$DEVICE" && device_boot "$DEVICE"
}

teardown_file() {
	load lib/device.sh
	[ -z "${DEVICE-}" ] || device_stop "$DEVICE"
}

setup() {
	load lib/device.sh
	[ "$(id -u)" = 0 ] || skip "a chroot for QEMU needs root"
	linux_cached builtin || skip "no kernel of our own: 'make kernels' builds it, in some minutes"
}

teardown() {
	[ -z "${DEVICE-}" ] || [ "$BATS_TEST_COMPLETED" = 1 ] || cat "$DEVICE"/{console,backend.log,qemu.log}
}

ctl() {
	"$HOST_BUILD/fsfreezectl" --device="$DEVICE/control.sock" --timeout=20 "$@"
}

@test "the kernel has the driver and has no module" {
	run guest "$DEVICE" 'cat /proc/modules; ls /modules; uname -r'
	assert_output "$(kernel_release builtin)"
	guest "$DEVICE" 'test -d /sys/bus/virtio/drivers/virtio_fsfreeze && test -c /dev/fsfreeze'
}

@test "it is frozen and thawed by its hypervisor" {
	guest "$DEVICE" 'while :; do date >/mnt/ext4/n; echo >>/tmp/n; sleep 0.02; done &'
	run ctl freeze
	assert_output "2 file systems frozen"
	before=$(guest "$DEVICE" 'sleep 0.3; wc -l </tmp/n; sleep 0.7')
	run guest "$DEVICE" 'wc -l </tmp/n'
	assert_output "$before"
	run dumpe2fs -h "$DEVICE/vda"
	refute_output --partial needs_recovery
	run ctl thaw
	assert_output "2 file systems thawed"
	guest "$DEVICE" "sleep 0.3; [ \$(wc -l </tmp/n) -gt $before ]"
	run dumpe2fs -h "$DEVICE/vda"
	assert_output --partial needs_recovery
}

@test "its deadline thaws without the host" {
	ctl --deadline=1 freeze
	wait_for 5 guest "$DEVICE" 'a=$(wc -l </tmp/n); sleep 0.3; [ $(wc -l </tmp/n) -gt $a ]'
	run ctl thaw
	assert_failure 1
	assert_output --partial "the deadline passed"
}

@test "it expedites grace periods, although no symbol had to be exported for that" {
	run grep -F HAVE_RCU_EXPEDITE_GP "$(module_for builtin)/compat-config.h"
	assert_success
}

@test "the kernel has nothing to complain about" {
	run grep -E 'BUG|Oops|WARNING|blocked for more' "$DEVICE/console"
	assert_failure
}
