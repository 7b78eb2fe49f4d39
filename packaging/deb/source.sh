#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# source.sh DIST.tar.xz DIR: the Debian source package of that tarball, into DIR.
# Variables: VERSION, SOURCE_DATE_EPOCH.
set -eu
export LC_ALL=C
umask 022

dist=$1 dir=$2
here=$(cd "$(dirname "$0")" && pwd)
: "${VERSION:?}" "${SOURCE_DATE_EPOCH:?}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$dist" "$work/guest-tools_$VERSION.orig.tar.xz"
tar -C "$work" -xf "$dist"
tree=$work/guest-tools-$VERSION
cp -r "$here/../debian" "$tree/debian"
cp "$here/../copyright" "$tree/debian/"
sed -e "s/@VERSION@/$VERSION/" -e "s/@DATE@/$(date -u -R -d "@$SOURCE_DATE_EPOCH")/" \
	"$tree/debian/changelog.in" >"$tree/debian/changelog"
rm "$tree/debian/changelog.in"
(cd "$work" && dpkg-source -b "$tree" >/dev/null)
mkdir -p "$dir"
mv "$work"/guest-tools_* "$dir"
