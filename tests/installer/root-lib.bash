# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # run sets status and output
# Real Debian roots for setup: made once by mmdebstrap and cached, each test has a
# fresh one in a moment (an overlay), and what it changed can be told exactly.

# shellcheck source=tests/installer/setup-lib.bash
. "$(dirname "${BASH_SOURCE[0]}")/setup-lib.bash"
# shellcheck source=tests/lib/debian-suite.sh
. "$HERE/../lib/debian-suite.sh"

SUITE=${SUITE:-bookworm}
PACKAGES=${SETUP_PACKAGES:-$BUILD/packages}
BASE_PACKAGES=systemd-sysv,udev,kmod,dkms,linux-headers-amd64,linux-image-amd64,qemu-guest-agent

need_root() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	command -v mmdebstrap >/dev/null || skip "mmdebstrap is not installed"
	compgen -G "$PACKAGES/guest-tools-agent_*.deb" >/dev/null ||
		skip "no packages in $PACKAGES: make packages"
}

# base_root: print the directory of the pristine root, made if need be.
base_root() {
	local dir tmp mirror
	mirror=$(debian_suite_mirror) || return 1
	dir=$GUEST_TOOLS_CACHE/roots/$SUITE-$(sha256sum <<<"$BASE_PACKAGES" | cut -c1-16)
	if [ ! -d "$dir" ]; then
		mkdir -p "$GUEST_TOOLS_CACHE/roots"
		tmp=$(mktemp -d "$dir.XXXXXX") || return 1
		mmdebstrap --quiet --variant=minbase --include=$BASE_PACKAGES "$SUITE" "$tmp/root" \
			"$mirror" >&2 || { rm -rf "$tmp"; return 1; }
		mv -T "$tmp/root" "$dir" 2>/dev/null || [ -d "$dir" ] || return 1
		rm -rf "$tmp"
	fi
	echo "$dir"
}

# Each test's mounts are in a directory of its own, outside of what bats removes.
root_setup() {
	need_root
	BASE=$(base_root) || { echo "cannot make a Debian root"; return 1; }
	WORK=$(mktemp -d /var/tmp/setup-root.XXXXXX)
	# A file system of its own: one that an overlay may have as its upper layer.
	mkdir "$WORK/upper" "$WORK/work" "$WORK/root"
	R=$WORK/root
	fresh_root
}

root_teardown() {
	[ -n "${WORK:-}" ] || return 0
	umount "$R" 2>/dev/null
	rm -rf --one-file-system "$WORK"
}

fresh_root() {
	umount "$R" 2>/dev/null || true
	rm -rf --one-file-system "$WORK/upper" "$WORK/work"
	mkdir "$WORK/upper" "$WORK/work"
	mount -t overlay overlay -o "lowerdir=$BASE,upperdir=$WORK/upper,workdir=$WORK/work" "$R"
}

# What dpkg keeps of its doings, what a killed one leaves for its next run to clear away, and
# caches that are made anew.
not_compared() {
	case $1 in
	./var/lib/dpkg/tmp.ci* | ./var/lib/dpkg/updates/tmp.i) ;;
	./var/log/dpkg.log | ./var/lib/dpkg/status-old | ./var/cache/ldconfig* | ./tmp/*) ;;
	*) return 1 ;;
	esac
}

# changes: every path of the root that is not as in the pristine one, and how.
changes() {
	local path base
	(cd "$WORK/upper" && find . -mindepth 1) | LC_ALL=C sort | while IFS= read -r path; do
		base=$BASE/$path
		if not_compared "$path"; then
			continue
		elif [ ! -e "$R/$path" ] && [ ! -L "$R/$path" ]; then
			[ ! -e "$base" ] && [ ! -L "$base" ] || echo "removed $path"
		elif [ ! -e "$base" ] && [ ! -L "$base" ]; then
			echo "added $path"
		elif [ "$(stat -c '%f %u %g' "$R/$path")" != "$(stat -c '%f %u %g' "$base")" ]; then
			echo "mode $path"
		elif [ -L "$base" ]; then
			[ "$(readlink "$base")" = "$(readlink "$R/$path")" ] || echo "link $path"
		elif [ -f "$base" ]; then
			cmp -s "$base" "$R/$path" || echo "content $path"
		fi
	done
}

# expect_pristine: nothing differs.
expect_pristine() {
	local left
	left=$(changes)
	[ -z "$left" ] || { echo "not as it was:"; echo "$left"; return 1; }
}

# package_version DEB
package_version() {
	dpkg-deb -f "$1" Version
}

# repack DEB VERSION DIR: the same package as VERSION, in its files and directories too.
repack() {
	local tree old path
	tree=$(mktemp -d "$WORK/repack.XXXXXX")
	old=$(package_version "$1")
	dpkg-deb -R "$1" "$tree"
	find "$tree" -depth -name "*$old*" | while IFS= read -r path; do
		mv "$path" "${path%/*}/$(basename "$path" | sed "s/$old/$2/g")"
	done
	grep -rlIF "$old" "$tree/DEBIAN" "$tree/usr/src" 2>/dev/null | xargs -r sed -i "s/$old/$2/g"
	[ ! -f "$tree/DEBIAN/md5sums" ] ||
		(cd "$tree" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' |
			xargs -0 md5sum >DEBIAN/md5sums)
	dpkg-deb --root-owner-group -Zxz -b "$tree" "$3/$(basename "$1" | sed "s/$old/$2/")" >/dev/null
	rm -rf "$tree"
}

# medium DIR VERSION [SETUP]: a medium with the real packages, made to be VERSION.
medium() {
	local deb
	mkdir -p "$1/packages" "$1/amd64"
	for deb in "$PACKAGES"/guest-tools-agent_*_amd64.deb "$PACKAGES"/virtio-fsfreeze-dkms_*_all.deb; do
		[ -e "$deb" ] || continue
		if [ "$(package_version "$deb")" = "$2" ]; then
			cp "$deb" "$1/packages/"
		else
			repack "$deb" "$2" "$1/packages"
		fi
	done
	cp "${3:-$SETUP}" "$1/amd64/setup"
	chmod 555 "$1/amd64/setup"
	add_manifest "$1" "$2"
}

in_root() {
	chroot "$R" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"
}

# medium_module DIR VERSION: add the module's source and what builds it to such a medium.
medium_module() {
	make -s -C "$HERE/../../kmod" BUILD="$(realpath "$BUILD")" >/dev/null
	mkdir -p "$1/module"
	cp -r "$BUILD/kmod/dkms" "$1/module/source"
	echo "$2" >"$1/module/source/VERSION"
	cp "$HERE/../../kmod/direct/"* "$1/module/"
	add_manifest "$1" "$2"
}
