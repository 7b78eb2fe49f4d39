#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A provisioner of Packer's (shell, as root): installs the guest tools from the cdrom, or from the
# device or ISO file that GUEST_TOOLS_MEDIUM names.
set -eu

medium=${GUEST_TOOLS_MEDIUM:-/dev/disk/by-label/GUEST_TOOLS}

dir=$(mktemp -d)
trap 'umount "$dir" 2>/dev/null || :; rmdir "$dir"' EXIT
mount -o ro "$medium" "$dir"
sh "$dir/setup" install --yes
