# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Freezing a guest from the host, and seeing what it does to those who write there.
# To be loaded after guest.sh; expect_whole_copies and those after it are what tests have in common.

FSFREEZECTL=$BUILD/host/fsfreezectl
AGENT_PORT=/dev/virtio-ports/org.qemu.guest_agent.0

# host_agent VERB [OPTION...]: the host's command, on this guest's agent
host_agent() { "$FSFREEZECTL" --agent="$(guest_agent_socket)" "${@:2}" "$1"; }

# agent_wait: until the agent in the guest answers
agent_wait()
{
	local i

	for ((i = 0; i < 60; i++)); do
		host_agent status --timeout=1 >/dev/null 2>&1 && return
		sleep 0.2
	done
	host_agent status --timeout=5
}

# mount_disks: disk N at /srv/N, for all disks of the guest
mount_disks()
{
	guest_run 'for disk in /dev/disk/by-id/virtio-disk*; do
		n=${disk##*virtio-disk}
		mkdir -p /srv/$n && mount $disk /srv/$n || exit 1
	done'
}

# writer_start DIR: something that writes and syncs in DIR all the time.  Each round makes, renames
# and removes files and appends to one; the number of rounds done is kept on a tmpfs.
writer_start()
{
	guest_run_bg "writer-${1//\//_}" "cd $1 && n=0; while [ ! -e $GUEST_RUN/stop-${1//\//_} ]; do
		n=\$((n + 1))
		mkdir d\$n && echo \$n >d\$n/new && mv d\$n/new now && rmdir d\$n || exit 1
		head -c 20000 /dev/zero >>data && sync data now || exit 1
		[ \$((n % 50)) -ne 0 ] || : >data
		echo \$n >$GUEST_RUN/rounds-${1//\//_}
		sleep 0.1
	done"
	guest_wait_for "test -s $GUEST_RUN/rounds-${1//\//_}" 20
}

# writer_rounds DIR: how many rounds are done
writer_rounds() { guest_run "cat $GUEST_RUN/rounds-${1//\//_}"; }

# writer_goes_on DIR
writer_goes_on()
{
	local before

	before=$(writer_rounds "$1")
	guest_wait_for "test \$(cat $GUEST_RUN/rounds-${1//\//_}) -gt $before" 20
}

# writer_is_blocked DIR: it waits in the kernel, and has made no round for two seconds
writer_is_blocked()
{
	local before after

	guest_wait_for "grep -qs '^State:.*D' /proc/[0-9]*/status" 5 || return
	before=$(writer_rounds "$1")
	sleep 2
	after=$(writer_rounds "$1")
	[ "$before" = "$after" ] || { echo "the writer in $1 went on: $before, then $after"; return 1; }
}

# image_needs_replay IMAGE: whether an ext4's journal must be replayed
image_needs_replay() { dumpe2fs -h "$1" 2>/dev/null | grep '^Filesystem features:' | grep -qw needs_recovery; }

# disk_content N OPTIONS: what a disk of the guest holds when it is mounted so: every path with its
# type, size and checksum.  The names of what is not readable are part of it.
disk_content()
{
	guest_run "mount -o $2 /dev/disk/by-id/virtio-disk$1 /mnt && cd /mnt &&
		find . -printf '%p %y %s\n' | sort && find . -type f -exec sha256sum {} + 2>&1 | sort
		status=\$?; cd / && umount /mnt && exit \$status"
}

# writer_stop DIR: after the round that it is at
writer_stop()
{
	guest_run "touch $GUEST_RUN/stop-${1//\//_}"
	guest_bg_wait "writer-${1//\//_}" 20
}

# start_installed KERNEL: a guest with two disks, where setup has installed from the ISO, with a
# writer on each disk; for setup_file
start_installed()
{
	guest_start --kernel "$1" --disk 64M:ext4 --disk 320M:xfs --cdrom "$ISO"
	system_files >"$GUEST_DIR/before"
	mount_disks
	guest_run 'mkdir -p /mnt && mount -r /dev/sr0 /mnt'
	GUEST_DEADLINE=600 guest_run '/mnt/setup install --yes' >"$GUEST_DIR/install.log" ||
		{ cat "$GUEST_DIR/install.log"; return 1; }
	agent_wait
	writer_start /srv/1
	writer_start /srv/2
}

# system_files: paths on the root disk, but for logs, caches and what systemd keeps of its runs
system_files()
{
	guest_run 'find / -xdev \( -path /var/log -o -path /var/cache -o -path /var/tmp \
		-o -path /tmp -o -path /var/lib/systemd -o -path /mnt -o -path /root -o -path /srv \) -prune \
		-o -type f -print -o -type l -print -o -type d -print | LC_ALL=C sort'
}

engine_is()
{
	run -0 host_agent info
	[[ ${lines[0]} == "engine $1, "* ]]
}

# Freeze, copy, thaw, and what the copies must be; with either engine.
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
	xfs_is_clean "$BATS_TEST_TMPDIR/2.img"
	copies_are_whole_without_replay
}

# xfs_is_clean IMAGE: nothing that a repair would change, with the log left alone. But for the count
# of free blocks: a frozen xfs has written it less its reserve, and every mount counts anew.
xfs_is_clean()
{
	local found

	found=$(xfs_repair -n "$1" 2>&1 | grep -Ei 'would|bad|corrupt|mismatch|counted' |
		grep -v -e '^sb_fdblocks [0-9]*, counted [0-9]*$' -e 'sector size mismatch' || true)
	[ -z "$found" ] || { echo "$found"; return 1; }
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

# Kills the agent as the out-of-memory killer would, and prints how many ms later, by the guest's
# clock of 10 ms, a write that the freeze had blocked was done.
kill_frozen_agent()
{
	guest_run_bg probe 'echo x >/srv/1/probe; read -r up _ </proc/uptime; echo $up'
	sleep 1
	guest_run "test ! -e $GUEST_RUN/probe.rc" || return
	guest_run 'pid=$(systemctl show -p MainPID --value guest-tools-agent)
		read -r start _ </proc/uptime
		kill -9 $pid
		until [ -e '"$GUEST_RUN"'/probe.rc ]; do sleep 0.01; done
		read -r end <'"$GUEST_RUN"'/probe.out
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

# agent_starts_with [OPTION...]: the service, with these alone; without any as it is
agent_starts_with()
{
	local dir=/run/systemd/system/guest-tools-agent.service.d

	guest_run "rm -rf $dir"
	[ $# = 0 ] || guest_run "mkdir -p $dir && printf '%s\n' '[Service]' ExecStart= \
		'ExecStart=/usr/sbin/guest-tools-agent $*' >$dir/test.conf"
	guest_run 'systemctl daemon-reload && systemctl restart guest-tools-agent'
	agent_wait
}

# deadline_thaws: with a deadline shorter than the writers' patience
deadline_thaws()
{
	agent_starts_with --freeze-timeout=8
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
}

stop_thaws()
{
	run -0 host_agent freeze
	guest_run 'systemctl stop guest-tools-agent'
	writer_goes_on /srv/1
	guest_run 'systemctl start guest-tools-agent'
	agent_wait
}

# uninstall_leaves_nothing: by its name, and by what files there were before
uninstall_leaves_nothing()
{
	writer_stop /srv/1
	writer_stop /srv/2
	guest_run 'rm -rf /run/systemd/system/guest-tools-agent.service.d'
	GUEST_DEADLINE=400 run -0 guest_run '/mnt/setup uninstall --yes'
	guest_reboot
	run -0 guest_run 'find / -xdev \( -path /proc -o -path /sys -o -path /var/log \) -prune -o \
		\( -name "*guest-tools*" -o -name "*guest_tools*" -o -name "*fsfreeze-hook*" \
		-o -name "*virtio[-_]fsfreeze*" \) -print'
	[ -z "$output" ]
	system_files >"$BATS_TEST_TMPDIR/after"
	diff "$GUEST_DIR/before" "$BATS_TEST_TMPDIR/after"
	run guest_run 'systemctl status guest-tools-agent; lsmod | grep fsfreeze; ls /dev/fsfreeze'
	[[ $output == *"could not be found"* && $output != *virtio_fsfreeze* ]]
	run -3 host_agent status --timeout=2
}
