#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# pack.sh RECIPE STAGE OUT.deb
#
# Makes a binary package of a staged tree and a directory with control.in and
# perhaps conffiles and maintainer scripts. STAGE is changed. The same content
# gives the same bytes; any dpkg from 1.15.6 on can read them.
# Variables: VERSION, ARCH, SOURCE_DATE_EPOCH, and DEPENDS where control.in has it.
set -eu
export LC_ALL=C
umask 022

recipe=$1 stage=$2 out=$3
: "${VERSION:?}" "${ARCH:?}" "${SOURCE_DATE_EPOCH:?}"

mkdir "$stage/DEBIAN"
# As dpkg-gencontrol counts: du would count what this file system needs for a directory.
size=$(find "$stage" -mindepth 1 -path "$stage/DEBIAN" -prune -o -type f -printf '%s\n' -o -printf '1\n' |
	awk '{ kib += int(($1 + 1023) / 1024) } END { print kib }')
sed -e "s/@VERSION@/$VERSION/" -e "s/@ARCH@/$ARCH/" -e "s/@INSTALLED_SIZE@/$size/" \
	-e "s/@DEPENDS@/${DEPENDS-}/" \
	"$recipe/control.in" >"$stage/DEBIAN/control"
if [ -e "$recipe/conffiles" ]; then
	cp "$recipe/conffiles" "$stage/DEBIAN/"
fi
for script in preinst postinst prerm postrm; do
	if [ -e "$recipe/$script" ]; then
		sed "s/@VERSION@/$VERSION/" "$recipe/$script" >"$stage/DEBIAN/$script"
		chmod 755 "$stage/DEBIAN/$script"
	fi
done
(cd "$stage" && find . -path ./DEBIAN -prune -o -type f -printf '%P\n' | sort | xargs -d '\n' md5sum) \
	>"$stage/DEBIAN/md5sums"
chmod -R u=rwX,go=rX "$stage"
dpkg-deb --root-owner-group -Zxz --no-uniform-compression -b "$stage" "$out.new" >/dev/null
mv "$out.new" "$out"
