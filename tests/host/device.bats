#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# run: alone
# shellcheck disable=SC2016 # commands for the guest
# A guest that has nothing but the module is frozen by its hypervisor: stock QEMU,
# the back end, fsfreezectl. One guest for all tests, on the newest kernel.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup_file() {
	load lib/device.sh
	[ "$(id -u)" = 0 ] || return 0
	export DEVICE=$BATS_FILE_TMPDIR/device DEVICE_SUITE=${DEVICE_SUITE:-forky}
	make -s -C "$DEVICE_TOP/host" >&2 && make -s -C "$DEVICE_TOP/agent" >&2
	DEVICE_PROGRAMS=$HOST_BUILD/../agent/fsfreeze-hook
	device_prepare "$DEVICE" "$DEVICE_SUITE" && backend_start "$DEVICE" && device_boot "$DEVICE"
	guest "$DEVICE" 'i=0; while :; do i=$((i+1)); echo $i >/mnt/ext4/n; echo $i >/mnt/vfat/n;
		echo $i >/tmp/n; sleep 0.02; done &'
}

teardown_file() {
	load lib/device.sh
	[ "$(id -u)" != 0 ] || device_stop "$DEVICE"
}

setup() {
	load lib/device.sh
	[ "$(id -u)" = 0 ] || skip "a chroot for QEMU needs root"
}

# Whatever a test leaves, the next one begins with a guest that is thawed and has its device.
teardown() {
	[ "$(id -u)" = 0 ] || return 0
	[ "$BATS_TEST_COMPLETED" = 1 ] || {
		echo "--- guest:"; guest "$DEVICE" 'dmesg | tail -n 30'; cat "$DEVICE/backend.log" "$DEVICE/qemu.log"
	}
	ctl thaw >/dev/null 2>&1 || true
	guest "$DEVICE" 'rm -f /usr/libexec/guest-tools/fsfreeze-hook /tmp/hooks'
}

ctl() {
	"$HOST_BUILD/fsfreezectl" --device="$DEVICE/control.sock" --timeout=20 "$@"
}

state_is() {
	[ "$(ctl status)" = "$1" ]
}

# writer_moves: whether the writer in the guest, which writes to both file systems, goes on
writer_moves() {
	guest "$DEVICE" 'a=$(cat /tmp/n); for i in 1 2 3 4 5 6 7 8; do sleep 0.1;
		[ "$(cat /tmp/n)" = "$a" ] || exit 0; done; exit 1' >/dev/null
}

# last_thaw: why, as the guest's kernel has it
last_thaw() {
	ctl --json info | jq -r '.return["last-thaw"]'
}

@test "freeze from the host blocks writers and thaw resumes them" {
	writer_moves
	run ctl freeze
	assert_success
	assert_output "2 file systems frozen"
	state_is frozen
	run ! writer_moves
	run ctl thaw
	assert_success
	assert_output "2 file systems thawed"
	state_is thawed
	writer_moves
}

@test "info tells what became of each file system and what the guest can" {
	ctl freeze
	run ctl --json info
	assert_success
	run jq -c '.return | [.engine, .state, .hooks, (."remaining-ms" > 20000),
		([.filesystems[] | .type + " " + .device + " " + .state] | sort)]' <<<"$output"
	assert_output '["kernel","frozen",true,true,["ext4 vda frozen","vfat vdb frozen"]]'
}

@test "only freezes what it names, by its device or the number of that" {
	number=$(guest "$DEVICE" 'cat /sys/block/vda/dev')
	run ctl --only=vdb freeze
	assert_output "1 file systems frozen"
	guest "$DEVICE" 'echo x >/mnt/ext4/free'
	run ! writer_moves
	ctl thaw
	run ctl --only=vdb --only="$number" freeze
	assert_output "2 file systems frozen"
	ctl thaw
	run ctl --only=vdb --only=sdz9 freeze
	assert_failure 1
	assert_output --partial "sdz9: No such device"
	writer_moves
}

@test "statistics tell how many, for which reasons, and who asked" {
	before=$(ctl --json info | jq -c '.return.statistics')
	ctl freeze
	ctl thaw
	ctl --deadline=1 freeze
	wait_for 5 state_is thawed
	run jq -nc --argjson a "$before" --argjson b "$(ctl --json info | jq -c .return.statistics)" \
		'[$b.freezes - $a.freezes, $b.frozen - $a.frozen,
		$b.thaws["on request"] - ($a.thaws["on request"] // 0),
		$b.thaws["the deadline passed"] - ($a.thaws["the deadline passed"] // 0),
		$b["asked-from"], $b["last-thaw"], $b["longest-freeze-us"] > 0]'
	assert_output '[2,2,1,1,"host","the deadline passed",true]'
}

@test "the deadline thaws without the host, and a thaw after it fails and says so" {
	ctl --deadline=1 freeze
	wait_for 5 state_is thawed
	writer_moves
	run ctl thaw
	assert_failure 1
	assert_output --partial "the deadline passed"
}

@test "extend moves the deadline" {
	ctl --deadline=2 freeze
	ctl --deadline=30 extend
	sleep 3
	state_is frozen
	run ! writer_moves
	ctl thaw
}

@test "a second freeze is refused and the first one stays" {
	ctl freeze
	run ctl freeze
	assert_failure 1
	assert_output --partial "already frozen"
	state_is frozen
	ctl thaw
}

@test "a deadline longer than the guest allows is refused" {
	run ctl --deadline=3600 freeze
	assert_failure 1
	assert_output --partial "finds the command wrong"
	state_is thawed
}

@test "a guest that was stopped and continued while frozen can be thawed" {
	ctl freeze
	qmp "$DEVICE" '{"execute":"stop"}'
	run ctl --timeout=2 status
	assert_failure 1
	assert_output --partial "no driver"
	qmp "$DEVICE" '{"execute":"cont"}'
	state_is frozen
	run ctl thaw
	assert_output "2 file systems thawed"
}

# hook COMMANDS: what the kernel calls in the guest; $2 is freeze or thaw
hook() {
	guest "$DEVICE" "printf '%s\n' '#!/bin/sh' 'export PATH=/bin' '$1' >/usr/libexec/guest-tools/fsfreeze-hook;
		chmod 755 /usr/libexec/guest-tools/fsfreeze-hook"
}

@test "the hooks run before the freeze and after the thaw, and can write" {
	hook 'echo "$*" >>/mnt/ext4/hooks && echo "$*" >>/tmp/hooks'
	ctl --hook-timeout=7 freeze
	run guest "$DEVICE" 'cat /tmp/hooks'
	assert_output "--timeout=7 freeze"
	ctl thaw
	run guest "$DEVICE" 'cat /tmp/hooks /mnt/ext4/hooks; rm /mnt/ext4/hooks'
	assert_output "--timeout=7 freeze
--timeout=7 thaw
--timeout=7 freeze
--timeout=7 thaw"
}

@test "the packaged runner runs an application's hooks, in their order and back" {
	guest "$DEVICE" 'cp /fsfreeze-hook /usr/libexec/guest-tools/; mkdir -p /etc/guest-tools/fsfreeze-hook.d;
		cd /etc/guest-tools/fsfreeze-hook.d;
		for h in 10-first 20-second; do
		printf "%s\n" "#!/bin/sh" "/bin/echo $h \$1 >>/tmp/hooks" "/bin/echo said" >$h; chmod 755 $h; done'
	ctl freeze
	ctl thaw
	run guest "$DEVICE" 'cat /tmp/hooks'
	assert_output "$(printf '%s\n' '10-first freeze' '20-second freeze' '20-second thaw' '10-first thaw')"
	guest "$DEVICE" 'rm /tmp/hooks; echo "exit 1" >>/etc/guest-tools/fsfreeze-hook.d/20-second'
	run ctl freeze
	assert_failure 1
	assert_output --partial "hook"
	run guest "$DEVICE" 'cat /tmp/hooks; rm -r /etc/guest-tools'
	assert_output "$(printf '%s\n' '10-first freeze' '20-second freeze' '20-second thaw' '10-first thaw')"
	state_is thawed
	writer_moves
}

@test "a hook that fails keeps the guest from being frozen, and its thaw follows" {
	hook 'echo "$2" >>/tmp/hooks; [ "$2" = thaw ]'
	run ctl freeze
	assert_failure 1
	assert_output --partial "hook freeze"
	writer_moves
	run guest "$DEVICE" 'cat /tmp/hooks'
	assert_output "freeze
thaw"
}

@test "a runner of hooks that hangs is not waited for" {
	hook '[ "$2" = thaw ] || sleep 600'
	run ctl --hook-timeout=1 freeze
	assert_failure 1
	assert_output --partial "Connection timed out"
	state_is thawed
	guest "$DEVICE" 'killall sleep; true'
	writer_moves
}

@test "no-hooks freezes without them" {
	hook 'echo "$2" >>/tmp/hooks'
	ctl --no-hooks freeze
	ctl thaw
	run guest "$DEVICE" 'cat /tmp/hooks'
	assert_failure
}

@test "the deadline begins when the hooks are through" {
	hook '[ "$2" = thaw ] || sleep 3'
	ctl --deadline=2 --hook-timeout=10 freeze
	state_is frozen
	ctl thaw
}

@test "a driver taken off the device thaws, and works again when it is back" {
	ctl freeze
	guest "$DEVICE" 'cd /sys/bus/virtio/drivers/virtio_fsfreeze && basename $(ls -d virtio*) >/tmp/device &&
		cat /tmp/device >unbind'
	writer_moves
	run ctl status
	assert_failure 1
	assert_output --partial "no driver"
	guest "$DEVICE" 'cat /tmp/device >/sys/bus/virtio/drivers/virtio_fsfreeze/bind'
	wait_for 5 state_is thawed
	ctl freeze
	ctl thaw
}

@test "a guest that goes to sleep thaws first, and wakes up with its device" {
	guest "$DEVICE" 'echo devices >/sys/power/pm_test' || skip "the kernel has no pm_test"
	ctl freeze
	guest "$DEVICE" 'echo mem >/sys/power/state'
	wait_for 10 state_is thawed
	run guest "$DEVICE" 'dmesg | grep -c "goes to sleep"'
	assert_output 1
	writer_moves
	ctl freeze
	run ! writer_moves
	ctl thaw
}

# plug OPTIONS: a new chardev, and the device on it
plug() {
	qmp "$DEVICE" '{"execute":"chardev-add","arguments":{"id":"again","backend":{"type":"socket","data":
		{"server":false,"addr":{"type":"unix","data":{"path":"/mnt/vhost.sock"}}}}}}' | grep -q '{}' &&
		qmp "$DEVICE" "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"vhost-user-test-device-pci\",
		\"id\":\"again\",\"chardev\":\"again\",\"virtio-id\":38,\"num_vqs\":2,\"config_size\":${1:-8}}}" |
		grep -q '{}'
}

# unplug ID: the device, and then its chardev
unplug() {
	qmp "$DEVICE" "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"$1\"}}" | grep -q '{}'
	wait_for 20 unplugged "$1"
	qmp "$DEVICE" "{\"execute\":\"chardev-remove\",\"arguments\":{\"id\":\"${1#device-}\"}}" | grep -q '{}'
}

unplugged() {
	! qmp "$DEVICE" '{"execute":"query-pci"}' | grep -q "\"qdev_id\":\"$1\""
}

@test "unplugging the device while frozen thaws, and plugged in again it works" {
	ctl freeze
	unplug device-fsfreeze
	wait_for 5 writer_moves
	plug
	wait_for 10 state_is thawed
	ctl freeze
	run ! writer_moves
	ctl thaw
}

@test "a back end killed while frozen lets the deadline thaw, and its successor works" {
	ctl --deadline=$((3 * MINI_PATIENCE)) freeze
	backend_stop "$DEVICE" KILL
	run ! writer_moves
	wait_for $((5 * MINI_PATIENCE)) writer_moves
	backend_start "$DEVICE"
	unplug again
	plug
	wait_for 10 state_is thawed
	ctl freeze
	ctl thaw
}

@test "a device of another kind with the same ID is left alone" {
	unplug again
	plug 0
	wait_for 5 guest "$DEVICE" 'dmesg | grep -q "another kind of device"'
	unplug again
	plug 4 # the magic is there, and the version is not
	wait_for 5 guest "$DEVICE" 'dmesg | grep -q "version .* is not known"'
	unplug again
	plug
	wait_for 10 state_is thawed
}

@test "a back end that means harm does none" {
	gcc -Wall -O1 -D_GNU_SOURCE -isystem "$DEVICE_TOP/kmod/include/uapi" -I"$DEVICE_TOP/host" \
		-o "$DEVICE/evil" "$DEVICE_HERE/evil.c" "$DEVICE_TOP"/host/{memory,message,sockets,vhost-user}.c
	unplug again
	backend_stop "$DEVICE"
	"$DEVICE/evil" "$DEVICE/vhost.sock" >"$DEVICE/evil.log" 2>&1 3>&- &
	wait_for 5 test -S "$DEVICE/vhost.sock"
	plug
	wait_for 60 grep -q '^said ' "$DEVICE/evil.log"
	unplug again
	wait_for 5 writer_moves
	backend_start "$DEVICE"
	plug
	wait_for 10 state_is thawed
	ctl freeze
	ctl thaw
	run guest "$DEVICE" 'dmesg | grep -E "BUG|Oops|WARNING|general protection"'
	assert_failure
}

@test "a disk taken away while frozen keeps nothing from being thawed" {
	ctl freeze
	qmp "$DEVICE" '{"execute":"device_del","arguments":{"id":"vdb"}}' | grep -q '{}'
	wait_for 20 unplugged vdb
	run ctl thaw
	assert_success
	state_is thawed
	guest "$DEVICE" 'echo x >/mnt/ext4/after'
	run guest "$DEVICE" 'dmesg | grep -E "BUG|Oops|WARNING|blocked for more"'
	assert_failure
}

@test "the kernel has nothing to complain about" {
	run grep -E 'BUG|Oops|WARNING|general protection|blocked for more' "$DEVICE/console"
	assert_failure
	run guest "$DEVICE" 'dmesg | grep -E "BUG|Oops|WARNING|blocked for more"'
	assert_failure
}
