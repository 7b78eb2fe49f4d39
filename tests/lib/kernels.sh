# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The Debian kernels that modules are built for and guests are booted with.
# Sourced. A kernel is named by its suite, or is one of linux.sh.
#
#   KERNEL_SUITES                     oldest to newest
#   kernel_release SUITE              as uname -r says it
#   kernel_image SUITE                directory with lib/modules/*
#   kernel_vmlinuz SUITE              the file to boot
#   kernel_buildroot SUITE            directory: headers, compiler, make, to chroot into
#   kernel_build SUITE SRC ARG...     "make ARG..." in a copy of SRC inside that root;
#                                     prints the directory of the copy
#   kernel_layered DIR:DIR WORK CMD...  run in a root made of layers, WORK being /mnt
#
# Any kernel of which Debian has headers, by the name that uname -r gives it:
#
#   KERNEL_SOURCES                    suites that may have it, and KERNEL_COMPILER of each
#   kernel_suite_of RELEASE           the first of them that has
#   kernel_named_build SUITE RELEASE WORK ARG...  "make ARG..." in WORK, which holds the source

# shellcheck source=tests/lib/linux.sh
. "$(dirname "${BASH_SOURCE[0]}")/linux.sh"

# shellcheck disable=SC2034 # for those who source this
KERNEL_SUITES=${KERNEL_SUITES:-bullseye bookworm trixie forky}

# shellcheck disable=SC2034 # for those who source this
KERNEL_SOURCES=${KERNEL_SOURCES:-bullseye bookworm bookworm-backports trixie trixie-backports forky sid experimental}
# The suite whose compiler and make build for it.
declare -A KERNEL_COMPILER=([bullseye]=bullseye [bookworm]=bookworm [bookworm-backports]=bookworm
	[trixie]=trixie [trixie-backports]=trixie [forky]=forky [sid]=forky [experimental]=forky)
# What such a kernel's build wants beside them.
declare -A KERNEL_TOOLS=([bookworm-backports]="pahole libdw1 libelf1 libbpf1 zlib1g")

# What make needs beside the compiler: Debian takes these for granted.
KERNEL_BUILD_BASE="bash coreutils dash diffutils findutils gawk grep gzip kmod make mawk
	perl-base sed xz-utils"

# kernel_release SUITE: the newest kernel of that suite.
kernel_release() {
	local image dir
	if linux_is_own "$1"; then
		dir=$(linux_dir "$1") && cat "$dir/include/config/kernel.release"
		return
	fi
	image=$(debian_suite_memo "$1" debian_suite_depends "$1" linux-image-amd64 '^linux-image-') ||
		return 1
	[ -n "$image" ] || debian_suite_fail "$1 has no linux-image-amd64" || return 1
	echo "${image#linux-image-}"
}

# kernel_image SUITE: newer suites split the image into several packages.
kernel_image() {
	local release parts dir
	if linux_is_own "$1"; then
		dir=$(linux_dir "$1") && echo "$dir/image"
		return
	fi
	release=$(kernel_release "$1") || return 1
	parts=$(debian_suite_memo "$1" debian_suite_tool "$1" apt-cache depends \
		"linux-image-$release" |
		awk '$1 == "Depends:" && $2 ~ /^linux-(base|binary|modules)-[0-9]/ { print $2 }')
	# shellcheck disable=SC2086 # a list
	debian_suite_unpack "$1" "linux-image-$release" $parts
}

# kernel_vmlinuz SUITE: newer suites keep it with the modules.
kernel_vmlinuz() {
	local image release file
	image=$(kernel_image "$1") && release=$(kernel_release "$1") || return 1
	for file in "$image/boot/vmlinuz-$release" "$image/lib/modules/$release/vmlinuz" \
		"$image/lib/modules/$release/build/arch/x86/boot/bzImage"; do
		[ ! -f "$file" ] || { echo "$file"; return 0; }
	done
	debian_suite_fail "no vmlinuz in $image"
}

# kernel_buildroot SUITE: the suite's own compiler builds for the suite's kernel.
kernel_buildroot() {
	local packages release
	release=$(kernel_release "$1") || return 1
	# shellcheck disable=SC2086 # a list
	packages=$(debian_suite_memo "$1" debian_suite_closure "$1" \
		"linux-headers-$release" $KERNEL_BUILD_BASE |
		grep -vE '^(systemd|udev|libsystemd-shared|initramfs-tools.*|linux-image-.*|init)$') ||
		return 1
	# shellcheck disable=SC2086 # a list
	debian_suite_unpack "$1" "linux-headers-$release" $packages
}

# kernel_build SUITE SRC ARG...: the copy is below $TMPDIR and the caller's to remove.
kernel_build() {
	local suite=$1 src=$2 root work
	shift 2
	root=$(kernel_buildroot "$suite") || return 1
	work=$(mktemp -d) || return 1
	cp -r "$src/." "$work/" || return 1
	kernel_chroot "$root" "$work" make -s -C "/usr/src/linux-headers-$(kernel_release "$suite")" \
		M=/mnt "$@" >&2 || return 1
	echo "$work"
}

# kernel_layered DIR[:DIR]... WORK CMD...: kernel_chroot, in a root of these layers, the first on
# top. What is written to it is gone afterwards.
kernel_layered() {
	local lower=$1
	shift
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private bash -c '
		. "$0"
		mount -t tmpfs tmpfs /mnt && mkdir /mnt/{upper,work,root} &&
			mount -t overlay -o "lowerdir=$1,upperdir=/mnt/upper,workdir=/mnt/work" \
				overlay /mnt/root &&
			kernel_chroot /mnt/root "${@:2}"
	' "${BASH_SOURCE[0]}" "$lower" "$@"
}

# kernel_chroot ROOT DIR CMD...: DIR is /mnt there. Mounts end with the command.
kernel_chroot() {
	local root=$1 dir=$2
	shift 2
	mkdir -p "$root/proc" "$root/mnt" "$root/tmp" "$root/dev"
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private sh -c '
		root=$1 dir=$2; shift 2
		mount -t proc proc "$root/proc" && mount --bind "$dir" "$root/mnt" &&
		mount -t tmpfs tmpfs "$root/tmp" && mount --bind /dev "$root/dev" &&
		exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/ LC_ALL=C "$@"
	' sh "$root" "$dir" "$@"
}

# kernel_suite_of RELEASE
kernel_suite_of() {
	local suite
	for suite in $KERNEL_SOURCES; do
		debian_suite_update "$suite" || return 1
		if [ -n "$(debian_suite_tool "$suite" apt-cache madison "linux-headers-$1" 2>/dev/null)" ]; then
			echo "$suite"
			return
		fi
	done
	debian_suite_fail "no suite has headers of a kernel $1 ($KERNEL_SOURCES)"
}

# kernel_headers SUITE RELEASE: only what is the kernel's own, unpacked
kernel_headers() {
	local common
	common=$(debian_suite_memo "$1" debian_suite_tool "$1" apt-cache depends "linux-headers-$2" |
		awk '$1 == "Depends:" && $2 ~ /^linux-(headers|kbuild)-/ { print $2 }') || return 1
	# shellcheck disable=SC2086 # a list
	debian_suite_unpack "$1" "linux-headers-$2" $common
}

# kernel_named_build SUITE RELEASE WORK ARG...
kernel_named_build() {
	local suite=$1 release=$2 work=$3 own root tool
	shift 3
	# shellcheck disable=SC2086 # a list
	own=$(kernel_headers "$suite" "$release") && root=$(kernel_buildroot "${KERNEL_COMPILER[$suite]}") &&
		tool=$(debian_suite_unpack "${KERNEL_COMPILER[$suite]}" ${KERNEL_TOOLS[$suite]-make}) &&
		kernel_layered "$own:$tool:$root" "$work" make -s -C "/usr/src/linux-headers-$release" M=/mnt "$@"
}
