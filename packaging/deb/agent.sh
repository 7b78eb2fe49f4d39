#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# agent.sh OUT.deb: the package of the static agent. Variables: as pack.sh, and BUILD.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

make -s -C "$top/agent" install DESTDIR="$stage" BUILD="$BUILD" VERSION="$VERSION" >/dev/null
find "$stage/usr/share/man" -type f -exec gzip -n9 {} +
mkdir -p "$stage/usr/share/doc/guest-tools-agent"
cp "$top/packaging/copyright" "$stage/usr/share/doc/guest-tools-agent/"
"$here/pack.sh" "$here/guest-tools-agent" "$stage" "$1"
