#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The main job: setup installs from the ISO, the host freezes the guest through the agent's
# channel, copies its disks and thaws it. Once with the kernel's engine, and once in a guest
# for whose kernel no headers are there, with the agent's own.

bats_require_minimum_version 1.5.0

ISO=$BATS_TEST_DIRNAME/../../build/iso/guest-tools-$(cat "$BATS_TEST_DIRNAME/../../VERSION").iso

kernels=(debian12 debian12-noheaders)

setup_file()
{
	load lib/guest.sh
	load lib/freeze.sh
	local kernel

	for kernel in "${kernels[@]}"; do
		guest_select "$kernel"
		guest_start --kernel "$kernel" --disk 64M:ext4 --disk 320M:xfs --cdrom "$ISO"
		mount_disks
		guest_run 'mkdir -p /mnt && mount -r /dev/sr0 /mnt'
		GUEST_DEADLINE=600 guest_run '/mnt/setup install --yes' >"$GUEST_DIR/install.log" ||
			{ cat "$GUEST_DIR/install.log"; return 1; }
		agent_wait
		writer_start /srv/1
		writer_start /srv/2
	done
}

setup()
{
	load lib/guest.sh
	load lib/freeze.sh
}

teardown()
{
	# A test that failed leaves nothing frozen to the next one.
	for kernel in "${kernels[@]}"; do
		BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR guest_select "$kernel"
		host_agent thaw >/dev/null 2>&1 || true
		guest_check
	done
}

teardown_file()
{
	guest_teardown
}

# on KERNEL: what follows is for that guest
on() { BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR guest_select "$1"; }

engine_is()
{
	run -0 host_agent info
	[[ ${lines[0]} == "engine $1, "* ]]
}

# What holds with either engine.
freezes_and_thaws()
{
	local disk image

	run -0 host_agent freeze
	[[ $output == "3 file systems frozen" ]]
	run -0 host_agent status
	[ "$output" = frozen ]
	writer_is_blocked /srv/1
	writer_is_blocked /srv/2
	for disk in 0 1 2; do
		guest_disk_copy "$disk" "$BATS_TEST_TMPDIR/$disk.img"
	done
	run -0 host_agent thaw
	[[ $output == "3 file systems thawed" ]]
	writer_goes_on /srv/1
	writer_goes_on /srv/2
	run -0 host_agent status
	[ "$output" = thawed ]

	for image in "$BATS_TEST_TMPDIR"/[01].img; do
		run -1 image_needs_replay "$image"
		run -0 e2fsck -fn "$image"
	done
	run -0 xfs_repair -n "$BATS_TEST_TMPDIR/2.img"
	copies_are_whole_without_replay
}

# copies_are_whole_without_replay: a guest of its own sees the same in the copied ext4 and xfs, with
# their journals left alone and with them replayed.  (A frozen xfs leaves a record in its log on
# purpose, so that its log never looks clean: what counts is that nothing is missing without it.)
copies_are_whole_without_replay()
{
	local GUEST_DIR whole=0

	guest_select reader
	guest_start
	guest_disk_attach "$BATS_TEST_TMPDIR/1.img"
	guest_disk_attach "$BATS_TEST_TMPDIR/2.img"
	disk_content 1 ro,noload >"$BATS_TEST_TMPDIR/1.left" || whole=1
	disk_content 1 rw >"$BATS_TEST_TMPDIR/1.replayed"
	disk_content 2 ro,norecovery >"$BATS_TEST_TMPDIR/2.left" || whole=1
	disk_content 2 rw >"$BATS_TEST_TMPDIR/2.replayed"
	guest_stop
	rm -rf "$GUEST_DIR"
	diff "$BATS_TEST_TMPDIR/1.left" "$BATS_TEST_TMPDIR/1.replayed" || whole=1
	diff "$BATS_TEST_TMPDIR/2.left" "$BATS_TEST_TMPDIR/2.replayed" || whole=1
	return $whole
}

@test "with headers, setup builds the module and the kernel freezes" {
	on debian12
	run -0 guest_run 'dkms status virtio-fsfreeze'
	[[ $output == *": installed"* ]]
	engine_is kernel
	freezes_and_thaws
}

@test "without headers, setup says so, installs the agent alone, and the agent freezes" {
	on debian12-noheaders
	run -0 cat "$GUEST_DIR/install.log"
	[[ $output == *"no headers for kernel "* ]]
	run guest_run 'dpkg -s virtio-fsfreeze-dkms'
	[ "$status" -ne 0 ]
	engine_is userland
	freezes_and_thaws
}

@test "without a freeze, the copied file systems need what the freeze spares them" {
	local try

	on debian12
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

# Kills the agent as the out-of-memory killer would, and prints how many ms later, by the guest's
# clock of 10 ms, a write that the freeze had blocked was done.
kill_frozen_agent()
{
	guest_run_bg probe 'echo x >/srv/1/probe; cat /proc/uptime'
	sleep 1
	guest_run "test ! -e $GUEST_RUN/probe.rc" || return
	guest_run 'pid=$(systemctl show -p MainPID --value guest-tools-agent)
		read -r start _ </proc/uptime
		kill -9 $pid
		until [ -e '"$GUEST_RUN"'/probe.rc ]; do sleep 0.01; done
		read -r end _ <'"$GUEST_RUN"'/probe.out
		echo $((${end%.*}${end#*.}0 - ${start%.*}${start#*.}0))'
}

kill_thaws()
{
	run -0 host_agent freeze
	writer_is_blocked /srv/1
	run -0 kill_frozen_agent
	echo "# $1: a blocked write was done $output ms after the agent was killed" >&3
	agent_wait
	writer_goes_on /srv/2
	# The freeze was lost with the agent; the new one holds nothing.
	run -0 host_agent status
	[ "$output" = thawed ]
	run -0 host_agent freeze
	run -0 host_agent thaw
}

@test "SIGKILL of the frozen agent thaws at once, by the kernel" {
	on debian12
	engine_is kernel
	kill_thaws kernel
}

@test "SIGKILL of the frozen agent thaws, by its worker" {
	on debian12-noheaders
	engine_is userland
	kill_thaws userland
}

@test "SIGKILL of agent and worker at once thaws, by the unit's stop action" {
	on debian12-noheaders
	run -0 host_agent freeze
	writer_is_blocked /srv/1
	guest_run 'kill -9 $(cat /sys/fs/cgroup/system.slice/guest-tools-agent.service/cgroup.procs)'
	writer_goes_on /srv/1
	writer_goes_on /srv/2
	agent_wait
}

@test "SIGKILL of the worker alone thaws, and the host is told" {
	on debian12-noheaders
	run -0 host_agent freeze
	guest_run 'kill -9 $(pgrep fsfreeze-worker | head -n 1)'
	writer_goes_on /srv/1
	writer_goes_on /srv/2
	run -1 host_agent thaw
	[[ $output == *"the freezing process was killed"*"not consistent"* ]]
	run -0 host_agent freeze
	run -0 host_agent thaw
}

@test "a freeze that nobody thaws ends at its deadline, and a late thaw is told so" {
	local kernel

	for kernel in "${kernels[@]}"; do
		on "$kernel"
		guest_run 'mkdir -p /run/systemd/system/guest-tools-agent.service.d &&
			printf "[Service]\nExecStart=\nExecStart=/usr/sbin/guest-tools-agent --freeze-timeout=8\n" \
				>/run/systemd/system/guest-tools-agent.service.d/test.conf &&
			systemctl daemon-reload && systemctl restart guest-tools-agent'
		agent_wait
		run -0 host_agent freeze
		writer_is_blocked /srv/1
		writer_goes_on /srv/1
		writer_goes_on /srv/2
		run -1 host_agent status
		[[ $output == *"its deadline passed"*"not consistent"* ]]
		run -1 host_agent thaw
		[[ $output == *"its deadline passed"* ]]
		run -0 host_agent status
		[ "$output" = thawed ]
	done
}

@test "stopping the service while frozen thaws" {
	local kernel

	for kernel in "${kernels[@]}"; do
		on "$kernel"
		run -0 host_agent freeze
		guest_run 'systemctl stop guest-tools-agent'
		writer_goes_on /srv/1
		guest_run 'systemctl start guest-tools-agent'
		agent_wait
	done
}

@test "uninstall and a reboot leave nothing of it" {
	local kernel

	for kernel in "${kernels[@]}"; do
		on "$kernel"
		GUEST_DEADLINE=400 run -0 guest_run '/mnt/setup uninstall --yes'
		guest_reboot
		run -0 guest_run 'find / -xdev \( -path /proc -o -path /sys -o -path /var/log \) -prune -o \
			\( -name "*guest-tools*" -o -name "*guest_tools*" -o -name "*fsfreeze-hook*" \
			-o -name "*virtio[-_]fsfreeze*" \) -print'
		[ -z "$output" ]
		run guest_run 'systemctl status guest-tools-agent; lsmod | grep fsfreeze; ls /dev/fsfreeze'
		[[ $output == *"could not be found"* && $output != *virtio_fsfreeze* ]]
		run -3 host_agent status --timeout=2
	done
}
