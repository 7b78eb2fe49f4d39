#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# prebuilt.sh DIR [RELEASE]...
#
# Builds the module for the Debian kernels of these releases, by their suite's own compiler:
# DIR/RELEASE/virtio_fsfreeze.ko. Others that are in DIR go. Headers and compiler are
# fetched, from the mirror of this machine's apt, to the cache; they are used in a chroot,
# which needs root. Variables: BUILD.
set -eu -o pipefail
umask 022

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/kmod/lib/module.sh
. "$top/tests/kmod/lib/module.sh"
name=virtio_fsfreeze.ko

die() {
	echo "prebuilt: $*" >&2
	exit 1
}

build() {
	local release=$1 suite
	suite=$(kernel_suite_of "$release") || die "cannot build for kernel $release (above)"
	rm -rf "$work/source"
	cp -r "$source" "$work/source"
	kernel_named_build "$suite" "$release" "$work/source" modules >"$work/log" 2>&1 ||
		die "cannot build for kernel $release: $(tail -n 20 "$work/log")"
	! grep FSFREEZE_MISSING "$work/source/compat-config.h" >&2 ||
		die "cannot build for kernel $release: it lacks what is named above"
	strip --strip-debug "$work/source/$name"
	install -D -m 644 "$work/source/$name" "$dir/$release/$name"
	printf '  MODULE  %s\n' "$release"
}

dir=${1:?}
shift
mkdir -p "$dir"
find "$dir" -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
[ $# -gt 0 ] || exit 0
[ "$(id -u)" = 0 ] || die "cannot build for $*: the chroot needs root"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source=$(module_source)
for release; do
	case $release in
	*[!0-9A-Za-z.+~_-]* | [!0-9]*) die "\"$release\" is no release of a kernel" ;;
	esac
	build "$release"
done
