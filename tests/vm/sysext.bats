#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The agent as a system extension, merged into a guest's /usr and taken out again.
# The tests are about one guest, in their order.

bats_require_minimum_version 1.5.0

on_guest()
{
	load lib/guest.sh
	load lib/freeze.sh
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR guest_select guest
}

setup_file()
{
	on_guest
	make -s -C "$GUEST_TOP" sysext >&2
	guest_start --kernel debian12-noheaders --disk 64M:ext4
	guest_run 'mkdir -p /srv/1 /var/lib/extensions && mount /dev/disk/by-id/virtio-disk1 /srv/1'
	guest_put "$BUILD/sysext/guest-tools.raw" /var/lib/extensions/guest-tools.raw
}

setup() { on_guest; }
teardown() { guest_check; }
teardown_file() { guest_teardown; }

@test "an extension that is merged into a running guest has the agent answer, and freeze" {
	guest_run 'systemd-sysext merge && systemctl daemon-reload'
	run -0 guest_run 'systemd-sysext status; touch /usr/x 2>&1 || true'
	[[ $output == *guest-tools* && $output == *"Read-only file system"* ]]
	guest_run 'systemctl start multi-user.target'
	agent_wait
	run -0 host_agent freeze
	[[ $output == *"file systems frozen" ]]
	run -0 host_agent thaw
}

@test "the agent of an extension runs after a boot" {
	guest_reboot
	# systemd 252 does not read its units again after merging; later ones do as the extension says.
	guest_run 'systemd-sysext status | grep -q guest-tools || systemd-sysext merge
		systemctl daemon-reload; systemctl start multi-user.target'
	agent_wait
}

@test "without the extension nothing of it is left" {
	guest_run 'systemctl stop guest-tools-agent guest-tools-helper.socket; rm /var/lib/extensions/guest-tools.raw
		systemd-sysext unmerge && systemctl daemon-reload'
	run guest_run 'find /usr /etc -name "*guest-tools*"; systemctl is-active guest-tools-agent; pgrep -a guest-tools'
	echo "$output"
	[ "$output" = inactive ]
}
