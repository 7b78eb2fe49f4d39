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
gzip -n9 "$stage/usr/share/man/man4/fsfreeze.4"
"$top/packaging/deb/pack.sh" "$top/packaging/deb/virtio-fsfreeze-dkms" "$stage" "$1"
