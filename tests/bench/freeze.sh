#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How long freezing takes, and how long writers stall: our engines and our agent against
# Debian's qemu-guest-agent and plain FIFREEZE, in turn, in one guest. See guest/bench.c.
#
# usage: tests/bench/freeze.sh [SUITE]
#
# The table is kept in build/bench/freeze-SUITE.txt. Fails when a demand is missed.
# BENCH_IMAGES=50: only with so many images; 0, 1, 50 and 200 there are.
set -u -o pipefail

BENCH_HERE=$(cd "$(dirname "$0")" && pwd)
BENCH_TOP=$(cd "$BENCH_HERE/../.." && pwd)
BUILD=${BUILD:-$BENCH_TOP/build}
# shellcheck source=tests/kmod/lib/module.sh
. "$BENCH_TOP/tests/kmod/lib/module.sh"
# shellcheck source=tests/kmod/lib/mini-guest.sh
. "$BENCH_TOP/tests/kmod/lib/mini-guest.sh"

MINI_MODULES="virtio_pci virtio_blk loop crc32c_generic crc32c_intel crc32c ext4"
IMAGES=200

# bench_root DIR: qemu-ga with all it needs, and what is ours
bench_root() {
	local packages tree=$1/tree
	packages=$(debian_suite_memo "$suite" debian_suite_closure "$suite" qemu-guest-agent |
		grep -vE '^(systemd|udev|libsystemd-shared)$') || return 1
	# shellcheck disable=SC2086 # a list
	tree=$(debian_suite_unpack "$suite" qemu-guest-agent $packages) &&
		cp -a "$tree" "$1/tree" && tree=$1/tree || return 1
	# Debian's service does not run this one either; our agent would.
	rm -f "$tree/etc/qemu/fsfreeze-hook"
	mkdir -p "$tree"/{proc,sys,dev,run,tmp,mnt,srv,etc/guest-tools/fsfreeze-hook.d} &&
		install -D -m 755 "$BUILD/agent/guest-tools-agent" "$tree/usr/sbin/guest-tools-agent" &&
		install -D -m 755 "$BUILD/agent/fsfreeze-hook" \
			"$tree/usr/libexec/guest-tools/fsfreeze-hook" &&
		gcc -Wall -Wextra -Werror -O2 -static -D_GNU_SOURCE -I"$BENCH_TOP/kmod/include/uapi" \
			-o "$tree/bench" "$BENCH_HERE"/guest/*.c "$BENCH_TOP"/tests/kmod/guest/{clock,device,disk}.c &&
		mini_image "$1/vda" ext4 1024 "$tree"
}

# bench_images DIR: the disk with the file systems in files
bench_images() {
	local i
	mkdir -p "$1/images" && mini_image "$1/one.img" ext4 8 || return 1
	for ((i = 0; i < IMAGES; i++)); do
		cp --sparse=always "$1/one.img" "$1/images/$i.img" || return 1
	done
	mini_image "$1/vdb" ext4 2048 "$1/images"
}

bench_initrd() {
	local root=$1/root
	mkdir -p "$root/bin" && mini_modules "$suite" "$root/modules" &&
		cp "$(command -v busybox)" "$root/bin/busybox" &&
		install -m 755 "$BENCH_HERE/guest/init" "$root/init" &&
		objcopy --strip-debug "$(module_for "$suite")/virtio_fsfreeze.ko" "$root/virtio_fsfreeze.ko" &&
		(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$1/initrd"
}

suite=${1:-bookworm}
[ "$(id -u)" = 0 ] || { echo "bench: unpacking packages of $suite needs root" >&2; exit 1; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
bench_root "$dir" && bench_images "$dir" && bench_initrd "$dir" || exit 1
table=$BUILD/bench/freeze-$suite.txt
mkdir -p "$BUILD/bench"
qemu_new 1024 2
qemu_kernel "$(kernel_vmlinuz "$suite")" "$dir/initrd" \
	"panic=-1 ${BENCH_APPEND-quiet} no_timer_check ${BENCH_IMAGES:+only=$BENCH_IMAGES}"
qemu_serial stdio
qemu_disk vda "$dir/vda" raw
qemu_disk vdb "$dir/vdb" raw
qemu_run "${BENCH_SECONDS:-1500}" 2>&1 | sed -u 's,\r$,,' | tee "$table"
grep -q '^bench over, 0 missed$' "$table"
