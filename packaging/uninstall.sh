#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# uninstall.sh MAKE ROOM...: remove from DESTDIR what "make -C ROOM install" puts there,
# and the directories that are then empty and only ours. Told by installing it once more.
set -eu

make=$1
shift
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
for room; do
	$make -s -C "$room" install DESTDIR="$stage" >/dev/null
done
(cd "$stage" && find . ! -type d) | while IFS= read -r path; do
	rm -f "${DESTDIR:-}/$path"
done
(cd "$stage" && find . -depth -type d) | grep -E '/(guest-tools|virtio-fsfreeze-)' | while IFS= read -r path; do
	[ ! -d "${DESTDIR:-}/$path" ] || rmdir --ignore-fail-on-non-empty "${DESTDIR:-}/$path"
done
