# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Guests that boot an image which a test made. To be loaded after guest.sh and freeze.sh.

# image_new KERNEL: the directory of a guest that has no disk yet and was never booted; print the
# directory with the image of that row, which is to be copied
image_new()
{
	local image

	image=$("$GUEST_TOP/tests/vm/image/build" "$1") || return
	mkdir -p "$GUEST_DIR/unbooted" && ln -s "$image" "$GUEST_DIR/unbooted/image" &&
		ln -s unbooted "$GUEST_DIR/saved" || return
	echo "$image"
}

# image_boots FILE FORMAT [QEMU-ARG]...: its first boot has the agent answering, and nothing of ours failed
image_boots()
{
	machine_overlay "$(readlink -f "$1")" "$2" "$GUEST_DIR/root.qcow2" &&
		guest_boot '' "${@:3}" && agent_wait || return
	guest_run '! systemctl list-units --failed --no-legend "guest-tools*" | grep .'
}
