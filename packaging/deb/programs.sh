#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# programs.sh ROOM OUT.deb: the package guest-tools-ROOM of what "make -C ROOM install"
# installs. Variables: as pack.sh, and BUILD.
set -eu

room=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
top=$here/../..
name=guest-tools-$room
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

# Of the libraries of those that are not static, as dpkg knows them here.
depends() {
	mkdir "$stage.deps" "$stage.deps/debian"
	: >"$stage.deps/debian/control"
	(cd "$stage.deps" && find "$stage/usr" -path '*bin/*' -type f -exec \
		dpkg-shlibdeps -O --warnings=0 --ignore-missing-info {} + | sed -n 's/^shlibs:Depends=//p')
	rm -r "$stage.deps"
}

make -s -C "$top/$room" install DESTDIR="$stage" BUILD="$BUILD" VERSION="$VERSION" >/dev/null
find "$stage/usr/share/man" -type f -exec gzip -n9 {} +
mkdir -p "$stage/usr/share/doc/$name"
cp "$top/packaging/copyright" "$stage/usr/share/doc/$name/"
DEPENDS=$(depends) "$here/pack.sh" "$here/$name" "$stage" "$out"
