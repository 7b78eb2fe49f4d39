#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# run: alone
# shellcheck disable=SC2016 # commands for the guest
# Real libvirt, unmodified: the domains of host/examples are started and frozen by their
# kernel; libvirt itself speaks to the agent.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup_file() {
	load lib/device.sh
	load lib/libvirt.sh
	[ "$(id -u)" = 0 ] || return 0
	export DEVICE=$BATS_FILE_TMPDIR/device SUITE=forky
	make -s -C "$DEVICE_TOP/host" >&2 && make -s -C "$DEVICE_TOP/agent" >&2
	device_prepare "$DEVICE" "$SUITE" && libvirt_start "$DEVICE"
}

teardown_file() {
	load lib/device.sh
	load lib/libvirt.sh
	[ "$(id -u)" = 0 ] || return 0
	libvirt_stop "$DEVICE"
	backend_stop "$DEVICE"
}

setup() {
	load lib/device.sh
	load lib/libvirt.sh
	[ "$(id -u)" = 0 ] || skip "a chroot for libvirt needs root"
}

teardown() {
	[ "$BATS_TEST_COMPLETED" = 1 ] || tail -n 20 "$DEVICE"/{libvirtd.log,console}
}

virsh() {
	libvirt_virsh "$DEVICE" "$@"
}

by_device() {
	timeout 60 "$HOST_BUILD/fsfreezectl" --timeout=20 --device="$DEVICE/control.sock" "$@"
}

by_channel() {
	timeout 60 "$HOST_BUILD/fsfreezectl" --timeout=20 --channel="$DEVICE/channel.sock" "$@"
}

start() {
	libvirt_define "$DEVICE" "$1" && virsh start vm1
	wait_for 60 grep -q 'the shell is there' "$DEVICE/console"
	guest "$DEVICE" 'i=0; while :; do i=$((i+1)); echo $i >/mnt/ext4/n; echo $i >/mnt/vfat/n;
		echo $i >/tmp/n; sleep 0.02; done &'
}

writer_moves() {
	guest "$DEVICE" 'a=$(cat /tmp/n); for i in 1 2 3 4 5 6 7 8; do sleep 0.1;
		[ "$(cat /tmp/n)" = "$a" ] || exit 0; done; exit 1' >/dev/null
}

@test "a domain with the device is frozen and thawed by its kernel" {
	backend_start "$DEVICE"
	start libvirt-device.xml
	run by_device freeze
	assert_output "2 file systems frozen"
	run ! writer_moves
	run by_device thaw
	assert_output "2 file systems thawed"
	writer_moves
	virsh destroy vm1
	virsh undefine vm1
}

@test "a domain with the channel, which the host alone names" {
	rm -f "$DEVICE/console"
	start libvirt-channel.xml
	wait_for 20 by_channel status
	run by_channel freeze
	assert_output "2 file systems frozen"
	run ! writer_moves
	run by_channel thaw
	assert_output "2 file systems thawed"
	writer_moves
}

@test "saved and restored while it is frozen" {
	by_channel --deadline=110 freeze
	virsh save vm1 /mnt/saved
	virsh restore /mnt/saved
	run by_channel status
	assert_output frozen
	run ! writer_moves
	run by_channel thaw
	assert_output "2 file systems thawed"
	writer_moves
}

@test "libvirt freezes and thaws through the agent" {
	guest "$DEVICE" 'for p in /sys/class/virtio-ports/*; do [ "$(cat $p/name)" != org.qemu.guest_agent.0 ] ||
		/agent -d -p /dev/$(basename $p); done'
	wait_for 10 virsh qemu-agent-command vm1 '{"execute":"guest-ping"}'
	run virsh domfsfreeze vm1
	assert_output "Froze 2 filesystem(s)"
	run ! writer_moves
	run by_channel --json info
	assert_equal "$(jq -r '.return.statistics["asked-from"]' <<<"$output")" guest
	run virsh domfsthaw vm1
	assert_output "Thawed 2 filesystem(s)"
	writer_moves
}

@test "a snapshot that libvirt takes with --quiesce has nothing to replay" {
	frozen() { by_channel --json info | jq .return.statistics.frozen; }
	before=$(frozen)
	virsh snapshot-create-as vm1 after --disk-only --quiesce --no-metadata \
		--diskspec vda,file=/mnt/vda.after --diskspec vdb,file=/mnt/vdb.after
	assert_equal "$(frozen)" $((before + 1))
	run dumpe2fs -h "$DEVICE/vda"
	refute_output --partial needs_recovery
	writer_moves
	# The control.
	virsh snapshot-create-as vm1 later --disk-only --no-metadata \
		--diskspec vda,file=/mnt/vda.later --diskspec vdb,file=/mnt/vdb.later
	kernel_chroot "$(libvirt_root)" "$DEVICE" qemu-img convert -U -O raw /mnt/vda.after /mnt/raw
	run dumpe2fs -h "$DEVICE/raw"
	assert_output --partial needs_recovery
}

@test "what else libvirt asks an agent" {
	run virsh guestinfo vm1
	assert_line --partial "$(kernel_release "$SUITE")"
	assert_output --regexp 'fs.[0-9].mountpoint +: /mnt/ext4'
	assert_output --partial timezone
	run virsh domfsinfo vm1
	assert_output --regexp '/mnt/ext4 +vda +ext4 +vda'
	assert_output --regexp '/mnt/vfat +vdb +vfat +vdb'
	run virsh domhostname vm1 --source agent
	assert_output "(none)"
	virsh domtime vm1
	virsh domtime vm1 --time 2000000000
	run guest "$DEVICE" 'date +%s | cut -c1-7'
	assert_output 2000000
	run virsh setvcpus vm1 1 --guest
	assert_success
	run guest "$DEVICE" 'cat /sys/devices/system/cpu/online'
	assert_output 0
	run virsh guestvcpus vm1
	assert_output --regexp 'online +: 0'
	guest "$DEVICE" 'ip link set lo up'
	run virsh domifaddr vm1 --source agent
	assert_output --partial 127.0.0.1
	run virsh domfsfreeze vm1 --mountpoint /mnt/vfat
	assert_output "Froze 1 filesystem(s)"
	guest "$DEVICE" 'echo x >/mnt/ext4/free'
	virsh domfsthaw vm1
}

@test "an agent that is gone is an error, and one that comes back is used" {
	guest "$DEVICE" 'killall -9 agent'
	run -1 virsh domfsfreeze vm1
	assert_output --partial "agent"
	guest "$DEVICE" 'for p in /sys/class/virtio-ports/*; do [ "$(cat $p/name)" != org.qemu.guest_agent.0 ] ||
		/agent -d -p /dev/$(basename $p); done'
	wait_for 10 virsh qemu-agent-command vm1 '{"execute":"guest-ping"}'
	virsh domfsfreeze vm1
	# Killed while it is frozen: the kernel thaws at once.
	guest "$DEVICE" 'killall -9 agent'
	writer_moves
}
