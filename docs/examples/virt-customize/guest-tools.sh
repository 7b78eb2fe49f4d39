#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# guest-tools.sh IMAGE ISO: the guest tools into a disk image that is not running, by virt-customize.
set -eu

[ $# -eq 2 ] || { echo "usage: $0 IMAGE ISO" >&2; exit 2; }
image=$1 iso=$2

# The ISO is a disk of the appliance in which the image's programs run; setup sees that it is in a
# chroot, and starts nothing.
# shellcheck disable=SC2016 # for the shell in there
virt-customize --no-network -a "$image" --attach "$iso" --run-command '
	set -eu
	dir=$(mktemp -d)
	mount -o ro LABEL=GUEST_TOOLS "$dir"
	status=0
	sh "$dir/setup" install --yes || status=$?
	umount "$dir"
	rmdir "$dir"
	exit $status'
