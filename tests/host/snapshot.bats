#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# run: alone
# shellcheck disable=SC2016 # commands for the guest
# fsfreezectl snapshot: by the kernel, in a guest with the device; by the agent, and by
# stopping the guest, in one without it that has a qcow2 disk as well. Both write all
# the time.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup_file() {
	load lib/device.sh
	[ "$(id -u)" = 0 ] || return 0
	export DEVICE=$BATS_FILE_TMPDIR/device PLAIN=$BATS_FILE_TMPDIR/plain DEVICE_SUITE=forky
	make -s -C "$DEVICE_TOP/host" >&2 && make -s -C "$DEVICE_TOP/agent" >&2
	DEVICE_PROGRAMS=$(command -v qemu-ga)
	device_prepare "$DEVICE" "$DEVICE_SUITE" && cp -r "$DEVICE" "$PLAIN"
	mini_image "$PLAIN/c" ext4 32 && qemu-img convert -O qcow2 "$PLAIN/c" "$PLAIN/vdc"
	plain_boot "$PLAIN"
	(backend_start "$DEVICE" && device_boot "$DEVICE")
	guest "$PLAIN" 'mkdir /mnt/c; mount -t ext4 /dev/vdc /mnt/c'
	for dir in "$DEVICE" "$PLAIN"; do
		guest "$dir" 'i=0; while :; do i=$((i+1)); for d in ext4 vfat c; do [ ! -d /mnt/$d ] ||
			echo $i >/mnt/$d/n; done; echo $i >/tmp/n; sleep 0.02; done &'
	done
}

teardown_file() {
	load lib/device.sh
	[ "$(id -u)" = 0 ] || return 0
	device_stop "$DEVICE"
	device_stop "$PLAIN"
}

setup() {
	load lib/device.sh
	[ "$(id -u)" = 0 ] || skip "a chroot for QEMU needs root"
}

teardown() {
	[ "$BATS_TEST_COMPLETED" = 1 ] || cat "$DEVICE/backend.log" "$DEVICE/qemu.log" "$PLAIN/qemu.log"
}

ctl() {
	timeout 60 "$HOST_BUILD/fsfreezectl" --timeout=20 "$@"
}

by_device() {
	ctl --qmp="$DEVICE/qmp.sock" --device="$DEVICE/control.sock" "$@"
}

plain() {
	ctl --qmp="$PLAIN/qmp.sock" "$@"
}

# writer_moves DIR
writer_moves() {
	guest "$1" 'a=$(cat /tmp/n); for i in 1 2 3 4 5 6 7 8; do sleep 0.1;
		[ "$(cat /tmp/n)" = "$a" ] || exit 0; done; exit 1' >/dev/null
}

state() {
	ctl --device="$DEVICE/control.sock" status
}

# running DIR: as QEMU says
running() {
	[ "$(qmp "$1" '{"execute":"query-status"}' | jq .running)" = true ]
}

# images DIR: the file that QEMU writes to for each disk, vda first
images() {
	qmp "$1" '{"execute":"query-block"}' | jq -r '.[] | select(.qdev | test("vd")) | .inserted.file'
}

# journal IMAGE: whether its journal has to be replayed
journal_is_dirty() {
	rm -f "$BATS_TEST_TMPDIR/raw"
	qemu-img convert -U -O raw "$1" "$BATS_TEST_TMPDIR/raw" || fail "cannot read $1"
	dumpe2fs -h "$BATS_TEST_TMPDIR/raw" 2>/dev/null | grep -q needs_recovery
}

@test "by the kernel: all disks in one go, with nothing to replay" {
	mkdir "$DEVICE/snap"
	guest "$DEVICE" 'sleep 0.5'
	run by_device --into=/mnt/snap snapshot
	assert_success
	assert_output --regexp '^file-system consistent, by kernel, quiet for [0-9]+ ms, 2 disks$'
	writer_moves "$DEVICE"
	assert [ "$(state)" = thawed ]
	run ls "$DEVICE/snap"
	assert_output "$(printf 'vda.qcow2\nvdb.qcow2')"
	# What was the disk before is what is kept, and nobody writes to it any more.
	run ! journal_is_dirty "$DEVICE/vda"
}

@test "by nothing but stopping the guest, and it says so" {
	run plain --disk=vda="$PLAIN/a1.qcow2" --disk=drive-vdc="$PLAIN/c1.qcow2" snapshot
	assert_success
	assert_output --regexp '^crash-consistent, by stop, quiet for [0-9]+ ms, 2 disks$'
	running "$PLAIN"
	writer_moves "$PLAIN"
	run images "$PLAIN"
	assert_output "$(printf '%s\n' "$PLAIN"/{a1.qcow2,vdb,c1.qcow2})"
	# The control of the test above and the one below.
	journal_is_dirty "$PLAIN/vda"
	journal_is_dirty "$PLAIN/vdc"
}

@test "by the agent, raw and qcow2 disks in one transaction" {
	guest "$PLAIN" '/agent -p /dev/vport0p1 --engine userland >/tmp/agent.log 2>&1 &'
	wait_for 10 ctl --agent="$PLAIN/agent.sock" status
	mkdir "$PLAIN/snap"
	run --separate-stderr plain --json --agent="$PLAIN/agent.sock" --into="$PLAIN/snap" snapshot
	assert_success
	# The agent's own engine cannot freeze vfat.
	run jq -c '.return | [.consistency, .by, .filesystems, .disks]' <<<"$output"
	assert_output '["filesystem","agent",2,["vda","vdb","vdc"]]'
	run ! journal_is_dirty "$PLAIN/a1.qcow2"
	run ! journal_is_dirty "$PLAIN/c1.qcow2"
	writer_moves "$PLAIN"
}

@test "some file systems alone, by the agent" {
	run ctl --agent="$PLAIN/agent.sock" --only=/mnt/c freeze
	assert_output "1 file systems frozen"
	guest "$PLAIN" 'echo x >/mnt/ext4/free'
	run ! writer_moves "$PLAIN"
	ctl --agent="$PLAIN/agent.sock" thaw
	run ctl --agent="$PLAIN/agent.sock" --only=/mnt/c --only=/nowhere freeze
	assert_failure 1
	assert_output --partial /nowhere
	writer_moves "$PLAIN"
}

@test "by the QEMU guest agent" {
	guest "$PLAIN" 'killall agent; sleep 0.3; mkdir -p /var/run /run;
		/qemu-ga -m virtio-serial -p /dev/vport0p1 -d -f /tmp/qemu-ga.pid -t /tmp'
	run plain --agent="$PLAIN/agent.sock" --require=agent --disk=vda="$PLAIN/qga.qcow2" snapshot
	assert_success
	assert_output --partial "file-system consistent, by agent"
	run ! journal_is_dirty "$PLAIN/snap/vda.qcow2"
	writer_moves "$PLAIN"
	guest "$PLAIN" 'killall qemu-ga; sleep 0.3; /agent -d -p /dev/vport0p1 --engine userland -f /tmp/agent.pid'
	wait_for 10 ctl --agent="$PLAIN/agent.sock" status
}

@test "snapshots within the images" {
	run plain --agent="$PLAIN/agent.sock" --internal=before --disk=vdc snapshot
	assert_success
	assert_output --partial "1 disks"
	run qemu-img snapshot -U -l "$PLAIN/snap/vdc.qcow2"
	assert_output --partial before
	run qemu-img snapshot -U -l "$PLAIN/qga.qcow2"
	refute_output --partial before
}

@test "a command of one's own is run while all is quiet" {
	run by_device snapshot -- "$HOST_BUILD/fsfreezectl" --device="$DEVICE/control.sock" status
	assert_success
	assert_line --index 0 frozen
	assert_line --index 1 --partial "file-system consistent, by kernel"
	assert [ "$(state)" = thawed ]
	run --separate-stderr by_device --json snapshot -- echo hello
	assert_equal "$(jq -r .return.by <<<"$output")" kernel
	assert_equal "$stderr" hello
}

@test "a command that fails is a failure, and the guest goes on" {
	run by_device snapshot -- sh -c 'exit 3'
	assert_failure 1
	assert_output "fsfreezectl: cannot snapshot by the command: it failed with status 3"
	assert [ "$(state)" = thawed ]
	run plain snapshot -- /no/such/program
	assert_failure 1
	assert_output --partial "cannot run /no/such/program: No such file or directory"
	running "$PLAIN"
}

@test "what is required and not to be had is no snapshot" {
	run plain --require=frozen --into="$PLAIN" snapshot
	assert_failure 1
	assert_output --partial "cannot make the guest quiet as required"
	run plain --agent="$PLAIN/agent.sock" --require=kernel --disk=vda="$PLAIN/no.qcow2" snapshot
	assert_failure 1
	assert [ ! -e "$PLAIN/no.qcow2" ]
	running "$PLAIN"
	run by_device --require=kernel snapshot -- true
	assert_success
}

@test "a socket where nobody is leads to the next way" {
	run plain --device=/no/such/socket --agent="$PLAIN/agent.sock" snapshot -- true
	assert_success
	assert_line "fsfreezectl: the kernel cannot freeze the guest: No such file or directory"
	assert_line --partial "by agent"
}

@test "a freeze that fails is a failure, and no worse snapshot" {
	guest "$DEVICE" 'printf "#!/bin/busybox sh\nexit 1\n" >/usr/libexec/guest-tools/fsfreeze-hook;
		chmod 755 /usr/libexec/guest-tools/fsfreeze-hook'
	run by_device snapshot -- touch "$BATS_TEST_TMPDIR/ran"
	guest "$DEVICE" 'rm /usr/libexec/guest-tools/fsfreeze-hook'
	assert_failure 1
	assert_output --partial "cannot freeze by the kernel: "
	assert [ ! -e "$BATS_TEST_TMPDIR/ran" ]
	assert [ "$(state)" = thawed ]
}

@test "a transaction that fails changes nothing, and the guest goes on" {
	before=$(images "$PLAIN")
	run plain --disk=vda="$PLAIN/good.qcow2" --disk=vdb=/no/such/dir/bad.qcow2 snapshot
	assert_failure 1
	assert_output --partial "cannot snapshot: "
	assert_output --partial "/no/such/dir/bad.qcow2"
	assert [ ! -e "$PLAIN/good.qcow2" ]
	assert_equal "$(images "$PLAIN")" "$before"
	running "$PLAIN"
	writer_moves "$PLAIN"
	run by_device --disk=vda=/no/such/dir/bad.qcow2 snapshot
	assert_failure 1
	assert [ "$(state)" = thawed ]
}

@test "a file that exists and a disk that does not are refused before anything is done" {
	echo mine >"$PLAIN/mine"
	run plain --disk=vda="$PLAIN/mine" snapshot
	assert_failure 1
	assert_output --partial "to $PLAIN/mine: it exists"
	assert_equal "$(cat "$PLAIN/mine")" mine
	run plain --disk=vdx="$PLAIN/x" snapshot
	assert_failure 1
	assert_output --partial "cannot snapshot vdx: QEMU has no writable disk of that name"
}

@test "the deadline is moved for as long as the snapshot takes" {
	run by_device --deadline=2 snapshot -- sleep 4
	assert_success
}

@test "a guest that thawed meanwhile is no consistent snapshot" {
	run --separate-stderr by_device --json snapshot -- \
		"$HOST_BUILD/fsfreezectl" --device="$DEVICE/control.sock" thaw
	assert_failure 4
	assert_equal "$(jq -r .snapshot.consistency <<<"$output")" none
	[[ $stderr == *"cannot thaw by the kernel: "*"do not use the snapshot"* ]]
}

@test "SIGTERM ends the command and thaws" {
	"$HOST_BUILD/fsfreezectl" --qmp="$DEVICE/qmp.sock" --device="$DEVICE/control.sock" snapshot -- \
		sleep 77 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	local pid=$! status=0
	wait_for 10 pgrep -P "$pid" sleep
	kill "$pid"
	wait "$pid" || status=$?
	assert_equal "$status" 1
	assert_equal "$(cat "$BATS_TEST_TMPDIR/out")" \
		"fsfreezectl: cannot snapshot by the command: interrupted"
	run pgrep -x -f "sleep 77"
	assert_failure
	assert [ "$(state)" = thawed ]
}

# killed COMMAND...: a snapshot whose fsfreezectl is killed while its command runs
killed() {
	"$HOST_BUILD/fsfreezectl" "$@" snapshot -- sleep 78 >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	local pid=$! child
	wait_for 10 pgrep -P "$pid" -x sleep
	child=$(pgrep -P "$pid" -x sleep)
	kill -9 "$pid"
	wait "$pid" || true
	kill -9 "$child"
}

@test "a frozen guest thaws when fsfreezectl was killed" {
	killed --qmp="$DEVICE/qmp.sock" --device="$DEVICE/control.sock" --deadline=2
	wait_for 6 writer_moves "$DEVICE"
	run ctl --device="$DEVICE/control.sock" thaw
	assert_failure 1
}

@test "a stopped guest goes on when fsfreezectl was killed" {
	killed --qmp="$PLAIN/qmp.sock"
	wait_for 6 running "$PLAIN"
	writer_moves "$PLAIN"
}

@test "a guest that was paused before stays paused" {
	qmp "$PLAIN" '{"execute":"stop"}'
	run plain snapshot -- true
	assert_success
	assert_output --partial "crash-consistent, by paused"
	run ! running "$PLAIN"
	qmp "$PLAIN" '{"execute":"cont"}'
	running "$PLAIN"
}

@test "a monitor that speaks nonsense, or not at all, is said to" {
	socat "UNIX-LISTEN:$BATS_TEST_TMPDIR/bad,fork" SYSTEM:'echo hello; sleep 5' 3>&- &
	local pid=$!
	wait_for 5 test -S "$BATS_TEST_TMPDIR/bad"
	run ctl --qmp="$BATS_TEST_TMPDIR/bad" snapshot -- true
	kill "$pid"
	assert_failure 3
	assert_output "fsfreezectl: cannot speak to QEMU: Protocol error"
	run ctl --qmp=/no/such/socket snapshot -- true
	assert_failure 3
	assert_output --partial "No such file or directory"
}

@test "wrong usage of snapshot says what is right" {
	run ctl snapshot -- true
	assert_failure 2
	assert_output --partial "snapshot needs --qmp"
	run ctl --qmp=x snapshot
	assert_failure 2
	assert_output --partial "expecting one of --into, --disk, --internal and a command"
	run ctl --qmp=x --disk=vda snapshot
	assert_failure 2
	run ctl --qmp=x --require=luck snapshot -- true
	assert_failure 2
	run ctl --qmp=x --into=/x snapshot -- true
	assert_failure 2
}
