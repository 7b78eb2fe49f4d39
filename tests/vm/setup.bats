#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# setup in a booted guest, from its cdrom: the service, another agent's service, a
# pulled plug. What it does to files is in setup-root.bats.

bats_require_minimum_version 1.5.0

setup()
{
	load lib/guest.sh
	ISO=${SETUP_ISO:-$BUILD/iso/guest-tools-$(cat "$GUEST_TOP/VERSION").iso}
	[ -e "$ISO" ] || skip "no $ISO: make iso"
}

teardown()
{
	guest_teardown
}

# The guest with the medium mounted as an admin would.
start_with_medium()
{
	guest_start "$@" --cdrom "$ISO"
	guest_run 'mkdir -p /mnt && mount -r /dev/sr0 /mnt'
}

# Paths of the root file system, but for logs, caches and what systemd keeps of its run.
list_files()
{
	guest_run 'find / -xdev \( -path /var/log -o -path /var/cache -o -path /var/tmp \
		-o -path /tmp -o -path /var/lib/systemd -o -path /mnt -o -path /root \) -prune \
		-o -type f -print -o -type l -print -o -type d -print | LC_ALL=C sort'
}

@test "setup installs from the cdrom, the service runs, and uninstall leaves no file behind" {
	start_with_medium
	list_files >"$BATS_TEST_TMPDIR/before"
	GUEST_DEADLINE=240 run -0 guest_run '/mnt/setup install --yes'
	[[ $output == *"Service:  running"* ]]
	guest_run 'systemctl is-active guest-tools-agent && systemctl is-enabled guest-tools-agent'
	run -0 guest_run 'guest-tools-setup status --json'
	jq -e '.installed and .health.active and .health.channel' <<<"$output"
	run -0 --separate-stderr guest_run 'guest-tools-setup status --self-test --json'
	jq -e '.self_test.result == "works" and .self_test.engine == "kernel"' <<<"$output"
	guest_run '! grep -s guest-tools-scratch /sys/block/loop*/loop/backing_file'
	GUEST_DEADLINE=120 run -0 guest_run 'guest-tools-setup uninstall --yes'
	run -3 guest_run 'systemctl is-active guest-tools-agent'
	list_files >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "without headers setup says so, installs the agent alone, and it runs" {
	start_with_medium --kernel debian12-noheaders
	GUEST_DEADLINE=240 run -0 guest_run '/mnt/setup install --yes'
	[[ $output == *"no headers for kernel"* ]]
	guest_run 'systemctl is-active guest-tools-agent'
	run -0 guest_run 'guest-tools-setup status --self-test'
	[[ $output == *"Self-test: works"*"userland engine"* ]]
}

@test "another agent that runs is refused, replaced when asked, and runs again after uninstall" {
	start_with_medium --kernel debian12-qemu-ga
	guest_run 'systemctl start qemu-guest-agent'
	run -4 guest_run '/mnt/setup install --yes --module=none'
	[[ $output == *"qemu-guest-agent is running"* ]]
	guest_run 'systemctl is-active qemu-guest-agent'
	run -0 guest_run '/mnt/setup install --yes --module=none --replace-agent'
	run -3 guest_run 'systemctl is-active qemu-guest-agent'
	guest_run 'systemctl is-active guest-tools-agent'
	run -1 guest_run 'systemctl start qemu-guest-agent'
	run -0 guest_run 'guest-tools-setup uninstall --yes'
	guest_run 'systemctl is-active qemu-guest-agent'
}

@test "setup runs from a medium that is mounted noexec, and the medium can be ejected meanwhile" {
	guest_start --cdrom "$ISO"
	guest_run 'mkdir -p /mnt && mount -o ro,noexec /dev/sr0 /mnt'
	run -0 guest_run '/bin/sh /mnt/setup install --yes --module=none && umount /mnt'
	guest_run 'systemctl is-active guest-tools-agent'
	run -0 guest_run 'ls -d /run/guest-tools-setup* 2>/dev/null || echo none'
	[ "$output" = none ]
}

@test "the plug pulled during an install: the next run repairs by itself" {
	start_with_medium
	list_files >"$BATS_TEST_TMPDIR/before"
	# While dpkg waits for its lock a part of the steps is done, and the journal on disk.
	guest_run_bg lock "python3 -c 'import fcntl, time
f = open(\"/var/lib/dpkg/lock-frontend\", \"w\"); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(1000)' ||
		perl -e 'use Fcntl; open(F, \">\", \"/var/lib/dpkg/lock-frontend\"); fcntl(F, F_SETLK, pack(\"s s l! l! i x8\", F_WRLCK, 0, 0, 0, 0)) or die; sleep 1000'"
	guest_run_bg setup '/mnt/setup install --yes --module=none'
	guest_run 'until [ -s /var/lib/guest-tools/journal ] &&
		grep -q package /var/lib/guest-tools/journal; do sleep 0.1; done'
	guest_qmp '{"execute": "system_reset"}'
	guest_wait_boot "$(cat "$GUEST_DIR/boot")"
	run -0 guest_run 'test -e /var/lib/guest-tools/journal && echo there'
	# Its driver may come after whoever runs this.
	guest_run 'until [ -b /dev/sr0 ]; do sleep 0.1; done; mkdir -p /mnt && mount -r /dev/sr0 /mnt'
	run -0 guest_run '/mnt/setup recover'
	[[ $output == *"did not come to its end: undoing it"* ]]
	list_files >"$BATS_TEST_TMPDIR/after"
	diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
	run -0 guest_run '/mnt/setup install --yes --module=none'
	guest_run 'systemctl is-active guest-tools-agent'
}
