# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Guests without a distribution: a Debian kernel, busybox, the module, and a
# program that runs scenarios. Sourced.
#
#   mini_prepare DIR               disks' contents and the program, once for all kernels
#   mini_run SUITE MODULE DIR LOG  boot, run all scenarios, power off
#   mini_ask SUITE MODULE DIR LOG PART   only those with PART in the title
#
# To look at a failure by hand: MINI_KEEP=1 leaves DIR behind and says where.

MINI_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
MINI_TOP=$(cd "$MINI_HERE/../.." && pwd)
# shellcheck source=tests/lib/kernels.sh
. "$MINI_TOP/tests/lib/kernels.sh"
# shellcheck source=tests/lib/qemu.sh
. "$MINI_TOP/tests/lib/qemu.sh"

# Modules the guest needs. Those a kernel has not got, or has built in, do no harm.
MINI_MODULES="virtio_pci virtio_blk loop dm_mod crc32c_generic crc32c_intel crc32c xxhash_generic
	sha256_generic blake2b_generic nls_cp437 nls_ascii nls_iso8859-1 nls_utf8
	ext4 xfs btrfs vfat f2fs jfs raid1"
# A whole guest, with all scenarios; several run side by side.
MINI_SECONDS=${MINI_SECONDS:-150}
# By how much a kernel may be slower than others: a factor of each scenario's limit.
MINI_PATIENCE=${MINI_PATIENCE:-1}

# mini_image FILE TYPE MIB [DIR]: a file system, with DIR's content for ext4.
mini_image() {
	local file=$1 type=$2 mib=$3 from=${4-}
	truncate -s "${mib}M" "$file"
	case $type in
	ext[24]) mke2fs -qF -t "$type" ${from:+-d "$from"} "$file" ;;
	xfs) mkfs.xfs -q "$file" ;;
	btrfs) mkfs.btrfs -q "$file" ;;
	vfat) mkfs.vfat "$file" >/dev/null ;;
	f2fs) mkfs.f2fs -q "$file" >/dev/null ;;
	jfs) mkfs.jfs -q "$file" >/dev/null ;;
	esac
}

# mini_disks DIR: see guest/init for what is mounted where.
mini_disks() {
	local dir=$1 i
	mkdir -p "$dir"/tree/{looploop,loop,xfs,many}
	mini_image "$dir/tree/loop/looploop.img" ext4 16 &&
		mini_image "$dir/tree/looploop/loop.img" ext4 48 "$dir/tree/loop" &&
		mini_image "$dir/vda" ext4 128 "$dir/tree/looploop" &&
		mini_xfs_with_images "$dir" &&
		mini_image "$dir/vdc" btrfs 128 &&
		mini_image "$dir/vdd" vfat 32 &&
		mini_image "$dir/vde" ext4 8 &&
		mini_image "$dir/vdf" ext2 8 &&
		mini_image "$dir/vdg" ext4 8 &&
		mini_pair "$dir/vdi" "$dir/vdj" &&
		mini_image "$dir/vdk" f2fs 64 &&
		mini_image "$dir/vdl" jfs 32 &&
		mini_image "$dir/one.img" ext4 8 || return 1
	for ((i = 0; i < 50; i++)); do
		cp --sparse=always "$dir/one.img" "$dir/tree/many/$i.img" || return 1
	done
	mini_image "$dir/vdh" ext4 256 "$dir/tree/many"
}

# mini_pair FILE FILE: a btrfs of two disks
mini_pair() {
	truncate -s 128M "$1" "$2" && mkfs.btrfs -q -d raid1 -m raid1 "$1" "$2"
}

# An xfs can be filled without mounting it only from a prototype.
mini_xfs_with_images() {
	mini_image "$1/tree/xfs/dm.img" ext4 8 &&
		mini_image "$1/tree/xfs/btrfs.img" btrfs 120 &&
		printf '%s\n' / '0 0' 'd--755 0 0' "dm.img ---644 0 0 $1/tree/xfs/dm.img" \
			"btrfs.img ---644 0 0 $1/tree/xfs/btrfs.img" '$' >"$1/proto" &&
		truncate -s 512M "$1/vdb" && mkfs.xfs -q -p "$1/proto" "$1/vdb"
}

# mini_prepare DIR
mini_prepare() {
	mkdir -p "$1" && mini_disks "$1" &&
		gcc -Wall -Wextra -Werror -O2 -static -D_GNU_SOURCE -I"$MINI_TOP/kmod/include/uapi" \
			-o "$1/scenario" "$MINI_HERE"/guest/*.c
}

# mini_modules SUITE DIR: the modules' files, decompressed, numbered in the order to load.
mini_modules() {
	local image release module file n=100
	image=$(kernel_image "$1") && release=$(kernel_release "$1") || return 1
	[ -e "$image/lib/modules/$release/modules.dep.bin" ] ||
		depmod -b "$image" "$release" || return 1
	mkdir -p "$2"
	for module in $MINI_MODULES; do
		modprobe -d "$image" -S "$release" --show-depends "$module" 2>/dev/null
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
		n=$((n + 1))
		case $file in
		*.xz) xz -dc "$file" >"$2/$n-$(basename "$file" .xz)" ;;
		*) cp "$file" "$2/$n-$(basename "$file")" ;;
		esac
	done
}

# mini_initrd SUITE MODULE DIR FILE
mini_initrd() {
	local root=$3/root.$1
	mkdir -p "$root/bin" && mini_modules "$1" "$root/modules" &&
		cp "$(command -v busybox)" "$root/bin/busybox" &&
		install -m 755 "$MINI_HERE/guest/init" "$root/init" &&
		cp "$3/scenario" "$root/scenario" &&
		objcopy --strip-debug "$2" "$root/virtio_fsfreeze.ko" &&
		(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$4"
}

# mini_run SUITE MODULE DIR LOG [APPEND]: the console goes to LOG. Fails when the
# guest did not come to its end; what the scenarios said is in LOG.
mini_run() {
	local status=0
	mini_boot "$@" || status=1
	rm -rf "$3/disks.$1"
	return $status
}

# mini_boot SUITE MODULE DIR LOG [APPEND]: the same, and its disks are left in DIR/disks.SUITE
mini_boot() {
	local suite=$1 module=$2 dir=$3 log=$4 vmlinuz disk
	vmlinuz=$(kernel_vmlinuz "$suite") || return 1
	mini_initrd "$suite" "$module" "$dir" "$dir/initrd.$suite" || return 1
	mkdir -p "$dir/disks.$suite"
	qemu_new 512 2
	# On a busy host the emulated timer can come too late for the kernel's test of it.
	qemu_kernel "$vmlinuz" "$dir/initrd.$suite" "panic=-1 quiet no_timer_check patience=$MINI_PATIENCE ${5-}"
	qemu_serial stdio
	for disk in vda vdb vdc vdd vde vdf vdg vdh vdi vdj vdk vdl; do
		cp --sparse=always "$dir/$disk" "$dir/disks.$suite/$disk" || return 1
		qemu_disk "$disk" "$dir/disks.$suite/$disk" raw
	done
	qemu_run "$MINI_SECONDS" 2>&1 | tr -d '\r' >"$log"
	rm -rf "$dir/root.$suite"
	grep -q '^scenarios over' "$log"
}

# mini_ask SUITE MODULE DIR LOG PART
mini_ask() {
	mini_run "$1" "$2" "$3" "$4" "scenario=${5// /_}"
}
