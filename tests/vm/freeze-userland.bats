#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The main job, where no headers are there for the kernel: setup installs from the
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
	start_installed debian12-noheaders
}

setup() { on_guest; }

teardown()
{
	# A test that failed leaves nothing frozen to the next one.
	[ -n "${BATS_TEST_COMPLETED-}" ] || guest_run 'fsfreeze -u /srv/1 2>/dev/null' ||
		host_agent thaw --timeout=10 >/dev/null 2>&1 || true
	# Nor anything mounted on another: systemd 252 does not reboot then.
	guest_run 'while grep -q " /srv/2 tmpfs" /proc/mounts; do umount /srv/2 || sleep 0.1; done'
	guest_check
}

teardown_file() { guest_teardown; }

@test "without headers, setup says so, installs the agent alone, and the agent freezes" {
	run -0 cat "$GUEST_DIR/install.log"
	[[ $output == *"no headers for kernel "* ]]
	run guest_run 'dpkg -s virtio-fsfreeze-dkms'
	[ "$status" -ne 0 ]
	engine_is userland
	freezes_and_thaws
}

@test "SIGKILL of the frozen agent thaws, by its worker" {
	engine_is userland
	kill_thaws userland
}

@test "SIGKILL of agent and worker at once thaws, by the unit's stop action" {
	run -0 host_agent freeze
	writer_is_blocked /srv/1
	guest_run 'kill -9 $(cat /sys/fs/cgroup/system.slice/guest-tools-agent.service/cgroup.procs)'
	writer_goes_on /srv/1
	writer_goes_on /srv/2
	agent_wait
}

@test "SIGKILL of the worker alone thaws, and the host is told" {
	run -0 host_agent freeze
	guest_run 'kill -9 $(pgrep fsfreeze-worker | head -n 1)'
	writer_goes_on /srv/1
	writer_goes_on /srv/2
	run -1 host_agent thaw
	[[ $output == *"the freezing process was killed"*"not consistent"* ]]
	run -0 host_agent freeze
	run -0 host_agent thaw
}

# container_start: a process in a mount namespace of its own, with a file system that nobody else sees
container_start()
{
	guest_run 'truncate -s 40M /var/inside.img && mkfs.ext4 -q /var/inside.img && mkdir -p /run/inside'
	guest_run_bg container 'unshare --mount --propagation private sh -c "
		mount -o loop /var/inside.img /run/inside && echo >/run/inside/there && exec sleep 1000"'
	guest_wait_for 'pid=$(pgrep -x -f "sleep 1000") && test -e /proc/$pid/root/run/inside/there' 10
}

@test "a file system that only a container has is frozen, before what it is stored on" {
	container_start
	INSIDE=$(guest_run 'echo /proc/$(pgrep -x -f "sleep 1000")/root/run/inside')
	writer_start "$INSIDE"
	run -0 host_agent freeze
	[[ $output == "4 file systems frozen" ]]
	writer_is_blocked "$INSIDE"
	writer_is_blocked /srv/1
	run -0 host_agent thaw
	[[ $output == "4 file systems thawed" ]]
	writer_goes_on "$INSIDE"
	run -0 host_agent freeze
	guest_run 'kill -9 $(cat /sys/fs/cgroup/system.slice/guest-tools-agent.service/cgroup.procs)'
	writer_goes_on "$INSIDE"
	writer_goes_on /srv/1
	agent_wait
	writer_stop "$INSIDE"
	guest_run 'pkill -x -f "sleep 1000"; rm /var/inside.img'
}

@test "SIGKILL of agent and workers at once thaws what another mount hides" {
	guest_run 'mount -t tmpfs tmpfs /srv/2'
	run -0 host_agent freeze
	[[ $output == "3 file systems frozen" ]]
	writer_is_blocked /srv/2
	guest_run 'kill -9 $(cat /sys/fs/cgroup/system.slice/guest-tools-agent.service/cgroup.procs)'
	writer_goes_on /srv/2
	writer_goes_on /srv/1
	agent_wait
}

@test "a FUSE file system whose server never answers hangs nobody" {
	"$BUILD/static/bin/musl-cc" -static -O -o "$BATS_TEST_TMPDIR/hung-fuse" \
		"$BATS_TEST_DIRNAME/../unit/agent/hung-fuse.c"
	guest_put "$BATS_TEST_TMPDIR/hung-fuse" /usr/local/bin/hung-fuse
	guest_run 'modprobe fuse; mkdir -p /srv/hung'
	guest_run_bg hung '/usr/local/bin/hung-fuse /srv/hung'
	guest_wait_for 'grep -q " /srv/hung fuse" /proc/mounts' 10 || { guest_bg_output hung; return 1; }
	run guest_run 'timeout -s KILL 1 ls /srv/hung'
	[ "$status" -ne 0 ]
	run -0 host_agent freeze
	[[ $output == "3 file systems frozen" ]]
	run -0 host_agent thaw
	[[ $output == "3 file systems thawed" ]]
	run -0 host_agent info
	guest_run 'pkill -x hung-fuse; umount -l /srv/hung; rm /usr/local/bin/hung-fuse'
}

# loop_mount FILE DIR: a clean ext4 in a file, that nobody works on
loop_mount()
{
	guest_run "truncate -s 40M $1 && mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 $1 && mkdir -p $2 &&
		mount -o loop $1 $2 && sync"
}

# stuck_freeze: the agent is asked for a freeze, in the background, in which one freezer is stuck, as
# somebody else froze what its file system is on
stuck_freeze()
{
	loop_mount /srv/1/stuck.img /srv/stuck
	loop_mount /srv/2/other.img /srv/other
	agent_starts_with --freeze-timeout=8
	guest_run 'fsfreeze -f /srv/1'
	host_agent freeze >"$BATS_TEST_TMPDIR/stuck" 2>&1 3>&- &
	CTL=$!
	guest_wait_for 'grep -qs ext4_freeze /proc/[0-9]*/task/*/stack' 10
	guest_run_bg other 'echo x >/srv/other/probe'
	sleep 2
	guest_run "test ! -e $GUEST_RUN/other.rc"
}

# stuck_ends: what the freezer waited for is there; its freeze failed, and holds nothing
stuck_ends()
{
	guest_bg_wait other 20
	guest_run 'fsfreeze -u /srv/1'
	status=0
	wait "$CTL" || status=$?
	[ "$status" = 1 ]
	cat "$BATS_TEST_TMPDIR/stuck"
	writer_goes_on /srv/1
	guest_run_bg stuck 'echo x >/srv/stuck/probe'
	guest_bg_wait stuck 10
	guest_run 'umount /srv/stuck /srv/other && rm /srv/1/stuck.img /srv/2/other.img'
	agent_wait
	run -0 host_agent freeze
	[[ $output == "3 file systems frozen" ]]
	run -0 host_agent thaw
	agent_starts_with
}

@test "a freezer that is stuck in the kernel, and killed there, keeps nothing frozen" {
	stuck_freeze
	# The process with the threads: the kernel ends it when the one that is stuck comes back.
	guest_run 'kill -9 $(for pid in $(pgrep fsfreeze-worker); do
		[ "$(ls /proc/$pid/task | wc -l)" = 1 ] || echo $pid; done)'
	stuck_ends
	run -0 cat "$BATS_TEST_TMPDIR/stuck"
	[[ $output == *"cannot freeze"* ]]
}

@test "a freezer that is stuck while its worker is killed leaves nothing frozen when it comes through" {
	stuck_freeze
	guest_run 'kill -9 $(pgrep -o fsfreeze-worker)'
	stuck_ends
}

@test "a read-only squashfs is left alone" {
	command -v mksquashfs >/dev/null || skip "mksquashfs is not installed"
	mkdir "$BATS_TEST_TMPDIR/snap" && echo snap >"$BATS_TEST_TMPDIR/snap/file"
	mksquashfs "$BATS_TEST_TMPDIR/snap" "$BATS_TEST_TMPDIR/snap.img" -quiet -no-progress >/dev/null
	guest_put "$BATS_TEST_TMPDIR/snap.img" /var/snap.img
	guest_run 'mkdir -p /srv/snap && mount -o loop /var/snap.img /srv/snap'
	run -0 host_agent freeze
	[[ $output == "3 file systems frozen" ]]
	guest_run 'cat /srv/snap/file'
	run -0 host_agent thaw
	guest_run 'umount /srv/snap; rm /var/snap.img'
}

@test "with the system calls of Linux 2.6.32 alone the agent freezes all the same" {
	# In the foreground of nothing: the service gives the channel up for it.
	"$BUILD/static/bin/musl-cc" -static -O -o "$BATS_TEST_TMPDIR/old-kernel" \
		"$BATS_TEST_DIRNAME/../unit/agent/old-kernel.c"
	guest_put "$BATS_TEST_TMPDIR/old-kernel" /usr/local/bin/old-kernel
	guest_run 'systemctl stop guest-tools-agent'
	guest_run_bg old '/usr/local/bin/old-kernel /usr/sbin/guest-tools-agent'
	agent_wait
	engine_is userland
	run -0 host_agent freeze
	[[ $output == "3 file systems frozen" ]]
	writer_is_blocked /srv/1
	writer_is_blocked /srv/2
	run -0 host_agent thaw
	[[ $output == "3 file systems thawed" ]]
	writer_goes_on /srv/1
	writer_goes_on /srv/2
	guest_run 'pkill -o -x guest-tools-age; rm /usr/local/bin/old-kernel'
	guest_bg_wait old 20
	guest_run 'systemctl start guest-tools-agent'
	agent_wait
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
