# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Freezing a guest from the host, and seeing what it does to those who write there.
# To be loaded after guest.sh.

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
	guest_run_bg "writer-${1//\//_}" "cd $1 && n=0; while :; do
		n=\$((n + 1))
		mkdir d\$n && echo \$n >d\$n/new && mv d\$n/new now && rmdir d\$n || exit 1
		head -c 20000 /dev/zero >>data && sync data now || exit 1
		[ \$((n % 50)) -ne 0 ] || : >data
		echo \$n >$GUEST_RUN/rounds-${1//\//_}
		sleep 0.05
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
