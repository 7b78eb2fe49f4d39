#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# run: alone
# shellcheck disable=SC2016 # commands for the guest
# The kernel serves a virtio console, in the machine's own QEMU, in guests of four
# kernels: no device of its own, no daemon on either side.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup_file() {
	load lib/device.sh
	[ "$(id -u)" = 0 ] || return 0
	export GUESTS=$BATS_FILE_TMPDIR
	# The host alone says which port it is; the module has no parameter.
	export PLAIN_OPTIONS="-smbios type=11,value=of-no-interest,value=org.guest-tools.fsfreeze.channel=hvc0"
	make -s -C "$DEVICE_TOP/host" >&2 && make -s -C "$DEVICE_TOP/agent" >&2
	gcc -Wall -Werror -O2 -static -o "$GUESTS/ldisc" "$DEVICE_HERE/guest/ldisc.c"
	DEVICE_PROGRAMS=$GUESTS/ldisc
	for suite in $KERNEL_SUITES; do
		device_prepare "$GUESTS/$suite" "$suite"
		qemu-img create -q -f qcow2 "$GUESTS/$suite/vdc" 16M
		plain_boot "$GUESTS/$suite"
		guest "$GUESTS/$suite" 'i=0; while :; do i=$((i+1)); echo $i >/mnt/ext4/n; echo $i >/mnt/vfat/n;
			echo $i >/tmp/n; sleep 0.02; done &'
	done
}

teardown_file() {
	load lib/device.sh
	[ "$(id -u)" = 0 ] || return 0
	for suite in $KERNEL_SUITES; do
		device_stop "$GUESTS/$suite"
	done
}

setup() {
	load lib/device.sh
	[ "$(id -u)" = 0 ] || skip "building in a chroot needs root"
}

teardown() {
	[ "$BATS_TEST_COMPLETED" = 1 ] || tail -n 40 "$GUESTS"/*/console "$GUESTS"/*/qemu.log
}

ctl() {
	timeout 60 "$HOST_BUILD/fsfreezectl" --channel="$GUESTS/$suite/channel.sock" --timeout=20 "$@"
}

serial() {
	timeout 60 "$HOST_BUILD/fsfreezectl" --channel="$GUESTS/$suite/serial.sock" --timeout=20 "$@"
}

writer_moves() {
	guest "$GUESTS/$suite" 'a=$(cat /tmp/n); for i in 1 2 3 4 5 6 7 8; do sleep 0.1;
		[ "$(cat /tmp/n)" = "$a" ] || exit 0; done; exit 1' >/dev/null
}

# raw TEXT: to the port, as printf has it
raw() {
	printf '%b' "$1" | socat -t 0.2 - "UNIX-CONNECT:$GUESTS/$suite/channel.sock" >/dev/null
}

# half: the first bytes of the longest message
half() {
	raw 'FSFZ\0\x10\0\0\x02\0\0\0'
}

@test "freeze, status, info and thaw on four kernels" {
	for suite in $KERNEL_SUITES; do
		writer_moves
		run ctl freeze
		assert_output "2 file systems frozen"
		run ctl status
		assert_output frozen
		run ! writer_moves
		run ctl --json info
		assert_equal "$(jq -r '.return["kernel-release"]' <<<"$output")" "$(kernel_release "$suite")"
		assert_equal "$(jq -r '.return.filesystems | length' <<<"$output")" 2
		run ctl thaw
		assert_output "2 file systems thawed"
		writer_moves
	done
}

@test "a host that goes away leaves a guest that thaws at its deadline, and one that comes is heard" {
	for suite in $KERNEL_SUITES; do
		ctl --deadline=5 freeze
		run ! writer_moves
		wait_for 10 writer_moves
		run ctl thaw
		assert_failure 1
		assert_output --partial "the deadline passed"
		ctl freeze
		ctl thaw
	done
}

@test "half a message of one host is not the beginning of the next one's" {
	for suite in $KERNEL_SUITES; do
		half
		run ctl status
		assert_success
		assert_output thawed
		ctl freeze
		half
		run ctl thaw
		assert_output "2 file systems thawed"
	done
}

@test "what is no message is skipped, thawed and frozen" {
	local bytes
	for suite in $KERNEL_SUITES; do
		for bytes in 'hello\r\n\x03\x04' 'FSFZ' 'FSFZ\xff\xff\xff\xff' 'FSFZ\x10\0\0\0\xff\xff\0\0\0\0\0\0' \
			'FSFFSFZFSFZ\0\0\0\0' '\xff\xff\xff\xff'; do
			raw "$bytes"
			run ctl status
			assert_output thawed
		done
		head -c 300000 /dev/urandom | timeout 20 socat -u - "UNIX-CONNECT:$GUESTS/$suite/channel.sock"
		run ctl freeze
		assert_output "2 file systems frozen"
		head -c 100000 /dev/urandom | timeout 20 socat -u - "UNIX-CONNECT:$GUESTS/$suite/channel.sock"
		run ctl thaw
		assert_output "2 file systems thawed"
	done
}

# message TYPE LENGTH: whole, the body made of what comes
message() {
	printf 'FSFZ'
	printf '%b' "$(printf '\\x%02x\\x%02x\\0\\0\\x%02x\\0\\0\\0\\x%02x\\0\\0\\0' $(($2 & 255)) $(($2 >> 8)) "$1" 99)"
	head -c $(($2 - 16)) /dev/urandom
}

@test "a host whose messages are whole and mean nothing harms nobody" {
	local type length
	for suite in $KERNEL_SUITES; do
		for type in 0 1 2 3 4 5 6 7 8 9 64 255; do
			for length in 16 17 20 24 32 56 120 1000 4096; do
				message $type $length
			done
		done >"$BATS_TEST_TMPDIR/messages"
		for i in 1 2 3; do
			timeout 20 socat -u "$BATS_TEST_TMPDIR/messages" "UNIX-CONNECT:$GUESTS/$suite/channel.sock"
		done
		# One of them may have been a freeze that makes sense.
		wait_for 20 ctl status
		ctl thaw || true
		writer_moves
		run ctl freeze
		assert_output "2 file systems frozen"
		run ctl thaw
		assert_output "2 file systems thawed"
	done
}

@test "nobody else gets the line discipline" {
	for suite in $KERNEL_SUITES; do
		run guest "$GUESTS/$suite" '/ldisc /dev/ttyS2'
		assert_output "Operation not permitted"
	done
}

@test "a guest is migrated, thawed and frozen, with its channel" {
	for suite in $KERNEL_SUITES; do
		plain_migrate "$GUESTS/$suite"
		run ctl freeze
		assert_output "2 file systems frozen"
		run ! writer_moves
		plain_migrate "$GUESTS/$suite"
		run ctl status
		assert_output frozen
		run ! writer_moves
		run ctl thaw
		assert_output "2 file systems thawed"
		writer_moves
		ctl --deadline=4 freeze
		plain_migrate "$GUESTS/$suite"
		wait_for 8 writer_moves
		run ctl thaw
		assert_output --partial "the deadline passed"
	done
}

@test "a port that is unplugged while frozen thaws at once, and one plugged in later is served" {
	for suite in $KERNEL_SUITES; do
		ctl --deadline=60 freeze
		device_list=$(qmp "$GUESTS/$suite" '{"execute":"qom-list","arguments":{"path":"/machine/peripheral-anon"}}')
		path=$(jq -r '.[] | select(.type == "child<virtconsole>") | "/machine/peripheral-anon/" + .name' \
			<<<"$device_list" | tail -n 1)
		[ -n "$path" ] || path=/machine/peripheral/plugged
		qmp "$GUESTS/$suite" "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"$path\"}}"
		wait_for 5 writer_moves
		sleep 0.5
		qmp "$GUESTS/$suite" '{"execute":"device_add","arguments":{"driver":"virtconsole","id":"plugged","bus":"ports.0","chardev":"channel"}}'
		wait_for 20 ctl status
		ctl freeze
		run ctl thaw
		assert_output "2 file systems thawed"
	done
}

@test "the module lets go of the port" {
	for suite in $KERNEL_SUITES; do
		run guest "$GUESTS/$suite" 'exec 4<>/dev/hvc0'
		assert_failure
		guest "$GUESTS/$suite" 'rmmod virtio_fsfreeze'
		guest "$GUESTS/$suite" 'exec 4<>/dev/hvc0'
		guest "$GUESTS/$suite" 'insmod /virtio_fsfreeze.ko'
		wait_for 10 ctl status
	done
}

@test "the guest's own word counts more than the host's" {
	for suite in $KERNEL_SUITES; do
		run guest "$GUESTS/$suite" 'rmmod virtio_fsfreeze; insmod /virtio_fsfreeze.ko channel=none;
			sleep 1; exec 4<>/dev/hvc0'
		assert_success
		guest "$GUESTS/$suite" 'rmmod virtio_fsfreeze; insmod /virtio_fsfreeze.ko channel=hvc0'
		wait_for 10 ctl status
	done
}

@test "a serial port is as good" {
	for suite in $KERNEL_SUITES; do
		guest "$GUESTS/$suite" 'rmmod virtio_fsfreeze; insmod /virtio_fsfreeze.ko channel=ttyS2'
		wait_for 20 serial status
		run serial freeze
		assert_output "2 file systems frozen"
		run ! writer_moves
		run serial --json info
		assert_equal "$(jq -r '.return.filesystems | length' <<<"$output")" 2
		run serial thaw
		assert_output "2 file systems thawed"
		writer_moves
		guest "$GUESTS/$suite" 'rmmod virtio_fsfreeze; insmod /virtio_fsfreeze.ko channel=hvc0'
		wait_for 20 ctl status
	done
}

@test "a port that somebody else has open is not taken, but waited for" {
	suite=${KERNEL_SUITES##* }
	guest "$GUESTS/$suite" 'rmmod virtio_fsfreeze; sleep 6 <>/dev/hvc0 & sleep 0.3;
		insmod /virtio_fsfreeze.ko channel=hvc0'
	run guest "$GUESTS/$suite" 'sleep 0.5; dmesg | tail -n 3'
	assert_output --partial "cannot use hvc0 as the host's channel yet: error -16"
	wait_for 25 ctl status
}

@test "no kernel warns" {
	for suite in $KERNEL_SUITES; do
		run guest "$GUESTS/$suite" "dmesg | grep -E 'WARNING|BUG:|Oops|hvc_close|blocked for more|Call Trace'"
		assert_failure
	done
}
