#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# preflight.sh BUILD TOOL...: one clear line for what would make a build fail later.
set -eu

build=$1
shift

die() {
	printf 'make: cannot build: %s\n' "$*" >&2
	exit 1
}

reason=$(mkdir -p "$build" 2>&1 && touch "$build/.writable" 2>&1) ||
	die "$build cannot be written (${reason##*: }); try 'make BUILD=DIR' with another directory"
for tool; do
	command -v "$tool" >/dev/null || die "$tool is not installed; try 'make deps' as root"
done
free=$(df -Pk "$build" | awk 'NR == 2 { print $4 }')
[ "$free" -ge 102400 ] ||
	die "no space left below $build: $((free / 1024)) MiB free, 100 MiB needed"
