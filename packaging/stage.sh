#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# stage.sh ROOM NAME DIR: what a package NAME of "make -C ROOM install" holds, into DIR.
# Variables: VERSION, BUILD.
set -eu
umask 022

room=$1 name=$2 dir=$3
top=$(cd "$(dirname "$0")/.." && pwd)

make -s -C "$top/$room" install DESTDIR="$dir" BUILD="$BUILD" VERSION="$VERSION" >/dev/null
find "$dir/usr/share/man" -type f -exec gzip -n9 {} +
mkdir -p "$dir/usr/share/doc/$name"
cp "$top/packaging/copyright" "$dir/usr/share/doc/$name/"
