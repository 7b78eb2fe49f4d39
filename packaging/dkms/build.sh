#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# build.sh OUT.deb: the package of the kernel module's source. Variables: as
# packaging/deb/pack.sh, and BUILD.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

make -s -C "$top/kmod" install DESTDIR="$stage" BUILD="$BUILD" VERSION="$VERSION" >/dev/null
doc=$stage/usr/share/doc/virtio-fsfreeze-dkms
mkdir -p "$doc"
cp "$top/packaging/copyright" "$doc/"
if [ -e "$top/docs/man/fsfreeze.4" ]; then
	mkdir -p "$stage/usr/share/man/man4"
	gzip -n9 <"$top/docs/man/fsfreeze.4" >"$stage/usr/share/man/man4/fsfreeze.4.gz"
fi
"$top/packaging/deb/pack.sh" "$top/packaging/deb/virtio-fsfreeze-dkms" "$stage" "$1"
