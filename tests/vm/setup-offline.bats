#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# An image that nobody has booted: setup installs into it from the ISO, offline, and then it boots.

bats_require_minimum_version 1.5.0

setup()
{
	load lib/guest.sh
	load lib/freeze.sh
	ISO=${SETUP_ISO:-$BUILD/iso/guest-tools-$(cat "$GUEST_TOP/VERSION").iso}
	[ -e "$ISO" ] || skip "no $ISO: make iso"
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	[ -e /dev/loop-control ] || skip "no loop devices here"
}

teardown()
{
	umount -q "$BATS_TEST_TMPDIR/root" || true
	guest_teardown
}

@test "an image with the tools put in by --root boots, the agent answers and the kernel freezes" {
	local saved root=$BATS_TEST_TMPDIR/root iso=$BATS_TEST_TMPDIR/iso

	guest_select guest
	saved=$(guest_saved debian12)
	mkdir -p "$GUEST_DIR" "$root"
	ln -s "$saved" "$GUEST_DIR/saved"
	cp --sparse=always --reflink=auto "$saved/image/root.img" "$GUEST_DIR/root.img"
	mount -o loop "$GUEST_DIR/root.img" "$root"
	xorriso -osirrox on -indev "$ISO" -extract / "$iso" 2>/dev/null
	run "$iso/amd64/setup" install --yes --root "$root"
	echo "$output"
	[ "$status" -eq 0 ]
	# This machine's kernel is none of its, and nothing that was started is still there.
	[ ! -e "$root/lib/modules/$(uname -r)" ]
	umount "$root"
	machine_overlay "$GUEST_DIR/root.img" raw "$GUEST_DIR/root.qcow2"
	guest_boot ''
	agent_wait
	run -0 guest_run 'guest-tools-setup status --json --self-test'
	jq -e '.health.active and .health.channel and .self_test.result == "works" and
		.self_test.engine == "kernel"' <<<"$output"
	run -0 guest_run 'systemctl list-units --failed --no-legend "guest-tools*"'
	[ -z "$output" ]
	host_agent freeze
	host_agent thaw
}
