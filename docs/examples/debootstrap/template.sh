#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# template.sh DIR ISO: a Debian template with the guest tools in it: DIR/root.img, an ext4 file system,
# and the kernel and initramfs to boot it with. Needs root and xorriso.
set -eu

SUITE=${SUITE:-bookworm}
MIRROR=${MIRROR:-http://deb.debian.org/debian}
DEBOOTSTRAP=${DEBOOTSTRAP:-debootstrap} # or mmdebstrap
PACKAGES=${PACKAGES:-systemd-sysv,udev,dbus,initramfs-tools,linux-image-amd64}
SIZE=${SIZE:-4G}

[ $# -eq 2 ] || { echo "usage: $0 DIR ISO" >&2; exit 2; }
dir=$1 iso=$2

mkdir -p "$dir"
work=$(mktemp -d "$dir/work.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT

"$DEBOOTSTRAP" --variant=minbase --include="$PACKAGES" "$SUITE" "$work/root" "$MIRROR"
echo '/dev/vda / ext4 defaults 0 1' >"$work/root/etc/fstab"

xorriso -osirrox on -indev "$iso" -extract / "$work/iso" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
sh "$work/iso/setup" install --yes --root "$work/root"

cp "$work"/root/boot/vmlinuz-* "$dir/vmlinuz"
cp "$work"/root/boot/initrd.img-* "$dir/initrd"
rm -rf "$work"/root/var/cache/apt/archives/*.deb "$work"/root/var/lib/apt/lists/*
: >"$work/root/etc/machine-id"
mke2fs -q -t ext4 -L root -d "$work/root" "$dir/root.img" "$SIZE"
