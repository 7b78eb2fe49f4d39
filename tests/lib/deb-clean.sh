#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# deb-clean.sh DIR/NAME.dsc OUT: builds a Debian source package in a root that holds build-essential
# and its build dependencies, and nothing else, without a network; the packages go to OUT.
# The root is of this machine's Debian release. It is kept in the cache, as long as the build
# dependencies are the same, and each build has a copy of it. Needs root, and the network once.
set -eu

dsc=$1 out=$2
. "$(dirname "$0")/debian-suite.sh"

# shellcheck disable=SC1091
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
mirror=$(debian_suite_mirror)
wanted=$(sed -n 's/^Build-Depends: //p' "$dsc" | sed 's/debhelper-compat (= [0-9]*)/debhelper/; s/dh-sequence-dkms/dh-dkms/; s/ //g')
root=$GUEST_TOOLS_CACHE/roots/build-$suite-$(echo "$wanted" | sha256sum | cut -c1-16)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ ! -e "$root.tar" ]; then
	mkdir -p "${root%/*}"
	mmdebstrap --quiet --mode=root --variant=buildd --include="$wanted" --format=tar "$suite" "$work/root.tar" "$mirror"
	mv "$work/root.tar" "$root.tar"
fi
mkdir "$work/root"
tar -C "$work/root" --exclude='./dev/*' -xf "$root.tar"
mknod -m 666 "$work/root/dev/null" c 1 3
install -d -m 777 "$work/root/build"
parts=$(sed -n '/^Files:/,/^[^ ]/s/^ [0-9a-f]* [0-9]* //p' "$dsc")
for file in ${dsc##*/} $parts; do cp "${dsc%/*}/$file" "$work/root/build/"; done
chown -R 65534:65534 "$work/root/build"

# Not by root, as a build daemon does it.
unshare --net --mount --pid --fork sh -c "mount -t proc proc '$work/root/proc' && exec chroot '$work/root' \
	setpriv --reuid=65534 --regid=65534 --clear-groups env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/nonexistent \
	sh -ec 'cd /build && dpkg-source -x ${dsc##*/} tree && cd tree && dpkg-buildpackage -us -uc'"
mkdir -p "$out"
find "$work/root/build" -maxdepth 1 -type f -exec cp {} "$out" \;
