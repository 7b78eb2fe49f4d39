#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The examples for image builders that need nothing but a guest: the very files of docs/examples.
# Those that need the builder itself are in tests/examples.

bats_require_minimum_version 1.5.0

setup()
{
	load lib/guest.sh
	load lib/freeze.sh
	load lib/image.sh
	EXAMPLES=$GUEST_TOP/docs/examples
	ISO=${SETUP_ISO:-$BUILD/iso/guest-tools-$(cat "$GUEST_TOP/VERSION").iso}
	[ -e "$ISO" ] || skip "no $ISO: make iso"
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	guest_select guest
}

teardown() { guest_teardown; }

@test "Packer's provisioner leaves a guest whose next boot has the agent answering" {
	guest_start --kernel debian12-noheaders --cdrom "$ISO"
	guest_put "$EXAMPLES/packer/guest-tools.sh" /tmp/script.sh
	run -0 guest_run 'sh /tmp/script.sh && ! grep GUEST_TOOLS /proc/mounts'
	guest_cdrom ''
	guest_reboot
	agent_wait
}

@test "Packer's provisioner fails where there is no medium, and leaves nothing" {
	guest_start --kernel debian12-noheaders
	guest_put "$EXAMPLES/packer/guest-tools.sh" /tmp/script.sh
	run guest_run 'sh /tmp/script.sh'
	echo "$output"
	[ "$status" -ne 0 ]
	[[ $output == *GUEST_TOOLS* ]]
	guest_run '[ ! -e /usr/sbin/guest-tools-agent ] && [ -z "$(ls -d /tmp/tmp.* 2>/dev/null)" ]'
}

@test "cloud-init's user-data has the agent answering in the first boot, and in the next" {
	local image

	image=$(image_new debian12-cloud)
	mkdir "$BATS_TEST_TMPDIR/seed"
	cp "$EXAMPLES/cloud-init/user-data" "$BATS_TEST_TMPDIR/seed"
	echo 'instance-id: vm1' >"$BATS_TEST_TMPDIR/seed/meta-data"
	# The guest has no locales to choose from.
	printf '#cloud-config\nlocale: false\n' >"$BATS_TEST_TMPDIR/seed/vendor-data"
	xorriso -as mkisofs -quiet -V cidata -J -r -o "$GUEST_DIR/disk1.raw" "$BATS_TEST_TMPDIR/seed"
	image_boots "$image/root.img" raw -blockdev \
		"driver=raw,node-name=medium,read-only=on,file.driver=file,file.filename=$ISO" \
		-device scsi-cd,bus=scsi0.0,drive=medium
	guest_put "$EXAMPLES/cloud-init/user-data" /root/user-data
	run guest_run 'cloud-init schema --config-file /root/user-data && cloud-init status --wait'
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"status: done"* ]]
	guest_reboot
	agent_wait
}
