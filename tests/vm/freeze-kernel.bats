#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The main job, by the kernel's engine: setup installs from the
# ISO, the host freezes the guest through the agent's channel, copies its disks and thaws it.
# The tests are about one guest, in their order; the last one uninstalls.

bats_require_minimum_version 1.5.0

ISO=$BATS_TEST_DIRNAME/../../build/iso/guest-tools-$(cat "$BATS_TEST_DIRNAME/../../VERSION").iso

# on_guest: what follows is for the guest of this file
on_guest()
{
	load lib/guest.sh
	load lib/freeze.sh
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR guest_select guest
}

setup_file()
{
	on_guest
	start_installed debian12
}

setup() { on_guest; }

teardown()
{
	# A test that failed leaves nothing frozen to the next one.
	[ -n "${BATS_TEST_COMPLETED-}" ] || host_agent thaw >/dev/null 2>&1 || true
	guest_check
}

teardown_file() { guest_teardown; }

@test "with headers, setup builds the module and the kernel freezes" {
	run -0 guest_run 'dkms status virtio-fsfreeze'
	[[ $output == *": installed"* ]]
	engine_is kernel
	freezes_and_thaws
}

@test "without a freeze, the copied file systems need what the freeze spares them" {
	local try

	# Not each moment is a bad one for both, with writers that sync all the time.
	for try in 1 2 3 4 5; do
		guest_disk_copy 1 "$BATS_TEST_TMPDIR/1.img"
		guest_disk_copy 2 "$BATS_TEST_TMPDIR/2.img"
		if image_needs_replay "$BATS_TEST_TMPDIR/1.img" && ! copies_are_whole_without_replay; then
			return
		fi
	done
	echo "$try copies were whole without a freeze: the other tests prove nothing"
	return 1
}

@test "a journal on the frozen disk holds nobody up, and loses nothing" {
	guest_run 'mkdir -p /var/log/journal && systemctl restart systemd-journald && journalctl --flush'
	host_agent freeze
	guest_run 'for i in $(seq 1 200); do logger -t quiet "message $i"; done'
	# The daemon itself waits in the kernel, and the agent and the service manager do not.
	guest_wait_for 'grep -q "^State:.*D" /proc/$(pidof systemd-journald)/status' 20
	run -0 host_agent status
	[ "$output" = frozen ]
	guest_run 'systemctl is-active guest-tools-agent'
	host_agent thaw
	guest_wait_for '[ $(journalctl -t quiet -o cat | grep -c "^message") = 200 ]' 20
}

@test "SIGKILL of the frozen agent thaws at once, by the kernel" {
	engine_is kernel
	kill_thaws kernel
}

@test "a freeze that nobody thaws ends at its deadline, and a late thaw is told so" {
	deadline_thaws
}

@test "stopping the service while frozen thaws" {
	stop_thaws
}

@test "uninstall and a reboot leave nothing of it" {
	uninstall_leaves_nothing
}
