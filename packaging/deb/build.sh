#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# build.sh ROOM NAME OUT.deb: the package NAME of what "make -C ROOM install" installs.
# Variables: as pack.sh, and BUILD.
set -eu

room=$1 name=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
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

"$here/../stage.sh" "$room" "$name" "$stage"
# In Debian, sysvinit and OpenRC both run the script in init.d.
init=$stage/usr/share/guest-tools/init
if [ -d "$init" ]; then
	mkdir -p "$stage/etc/init.d" "$stage/etc/init"
	cp "$init/sysvinit" "$stage/etc/init.d/$name"
	cp "$init/upstart" "$stage/etc/init/$name.conf"
fi
DEPENDS=$(depends) "$here/pack.sh" "$here/$name" "$stage" "$out"
