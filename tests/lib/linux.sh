#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Kernels of our own: Debian's source of one release with kmod/ inside its tree,
# configured for a guest. Sourced, by kernels.sh, to which they are kernels like the
# suites' own. Also a program: "tests/lib/linux.sh NAME..." builds them.
#
#   LINUX_NAMES            builtin: the module is part of the kernel, no modules
#                          debug: lockdep and KASAN, the module is one
#   linux_is_own NAME      whether it is one of these
#   linux_cached NAME      whether it was built before, so that building is a matter of seconds
#   linux_build NAME       build it with kmod/ as it is now, print the directory of its objects
#
# The first build takes many minutes: tests only use what "make kernels" has built.

LINUX_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=tests/lib/debian-suite.sh
. "$LINUX_TOP/tests/lib/debian-suite.sh"

LINUX_NAMES="builtin debug"
LINUX_SUITE=trixie
LINUX_PACKAGE=linux-source-6.12
LINUX_CONFIGS=$LINUX_TOP/tests/kmod/linux

linux_is_own() {
	[[ " $LINUX_NAMES " == *" $1 "* ]]
}

# linux_dir NAME: where its objects are, new when Debian's source or the configuration is
linux_dir() {
	local key
	key=$( (debian_suite_memo "$LINUX_SUITE" debian_suite_versions "$LINUX_SUITE" "$LINUX_PACKAGE" &&
		cat "$LINUX_CONFIGS"/{guest,"$1"}.config) | sha256sum | cut -c1-16) || return 1
	echo "$GUEST_TOOLS_CACHE/linux/$1-$key"
}

linux_cached() {
	[ -e "$(linux_dir "$1")/done" ]
}

# linux_source: Debian's source, unpacked, with kmod/ in its tree
linux_source() {
	local deb dir
	dir=$GUEST_TOOLS_CACHE/linux/source-$(debian_suite_memo "$LINUX_SUITE" debian_suite_versions \
		"$LINUX_SUITE" "$LINUX_PACKAGE" | sed -n 's/^Version: //p') || return 1
	if [ ! -d "$dir" ]; then
		deb=$(debian_suite_unpack "$LINUX_SUITE" "$LINUX_PACKAGE") || return 1
		rm -rf "$dir.new" && mkdir -p "$dir.new" &&
			tar -C "$dir.new" --strip-components=1 -xf "$deb/usr/src/$LINUX_PACKAGE.tar.xz" &&
			mv -T "$dir.new" "$dir" && rm -rf "$deb" || return 1
	fi
	make -s -C "$LINUX_TOP/kmod" intree TREE="$dir" >&2 && echo "$dir"
}

# linux_make SOURCE DIR ARG...: by the kernel's own rules, whatever make we run under says
linux_make() {
	env -u ARCH -u MAKEFLAGS -u MAKELEVEL make -s -C "$1" O="$2" "${@:3}"
}

# linux_configure SOURCE DIR NAME: the smallest kernel, and what the two files add; all of it must be had
linux_configure() {
	local source=$1 dir=$2 config=$LINUX_CONFIGS line
	linux_make "$source" "$dir" tinyconfig >/dev/null &&
		env -u ARCH "$source/scripts/kconfig/merge_config.sh" -m -O "$dir" "$dir/.config" \
			"$config/guest.config" "$config/$3.config" >/dev/null &&
		linux_make "$source" "$dir" olddefconfig >/dev/null || return 1
	cat "$config"/{guest,"$3"}.config | grep ^CONFIG_ | while read -r line; do
		grep -qxF "$line" "$dir/.config" || debian_suite_fail "the kernel has no $line" || return 1
	done
}

linux_build() {
	local dir source
	dir=$(linux_dir "$1") && mkdir -p "$dir" || return 1
	(
		flock 9 || exit 1
		source=$(linux_source) || exit 1
		[ -e "$dir/.config" ] || linux_configure "$source" "$dir" "$1" || exit 1
		linux_make "$source" "$dir" -j"${JOBS:-2}" bzImage modules &&
			linux_make "$source" "$dir" INSTALL_MOD_PATH="$dir/image" modules_install &&
			touch "$dir/done"
	) 9>"$GUEST_TOOLS_CACHE/linux/lock" >&2 || return 1
	echo "$dir"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	set -e
	for name; do
		linux_is_own "$name" || debian_suite_fail "no kernel is called $name; there are: $LINUX_NAMES"
		linux_build "$name"
	done
fi
