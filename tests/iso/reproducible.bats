# SPDX-License-Identifier: GPL-2.0-or-later
# The same source gives the same bits, wherever, whenever and by whomever it is built.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

top=$(cd "${BATS_TEST_DIRNAME}/../.." && pwd)
export BUILD=${BUILD:-$top/build}
dist=$BUILD/dist/guest-tools-$(cat "$top/VERSION").tar.xz

setup_file() {
	make -s -C "$top" dist iso packages containerdisk sysext >&2
}

setup() {
	local base=${TMPDIR:-/tmp}

	# In memory, where a directory is listed in another order than on a disk.
	[ ! -w /dev/shm ] || base=/dev/shm
	W=$(mktemp -d "$base/elsewhere.XXXXXX")
	chmod 755 "$W"
}

teardown() {
	if [ -n "${view:-}" ]; then umount "$view" && rmdir "$view"; fi
	rm -rf "${W:?}"
}

# elsewhere: the tarball's content, and all that a build needs of this machine, in $W; sets
# $view, the same in a random order, and $as, the words before a command, to be another user
elsewhere() {
	tar -xf "$dist" -C "$W"
	mkdir "$W/tmp" "$W/cache" "$W/locale"
	cp -RL "$BUILD/static" "$W/static"
	cp "${SIGNING_KEY:-${GUEST_TOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/guest-tools}/signing-key.pem}" "$W/key.pem"
	localedef -i fr_FR -f UTF-8 "$W/locale/fr_FR.UTF-8"
	source=$(echo "$W"/guest-tools-*)
	mkdir "$source/build"
	touch "$source/build/static.stamp"
	as=() here=$W
	[ "$(id -u)" = 0 ] || return 0
	chown -R 65534:65534 "$W"
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	[ -e /dev/fuse ] || return 0
	mkdir "$W.view"
	# It stays, and must not hold what bats waits for.
	disorderfs --multi-user=yes --shuffle-dirents=yes --reverse-dirents=no -q "$W" "$W.view" \
		>/dev/null 2>&1 3>&- || { rmdir "$W.view"; return 0; }
	view=$W.view here=$W.view
	source=$here/${source##*/}
}

# build TARGET...: there, as somebody else who lives next year, far away
build() (
	umask 077
	cd "$source" || exit
	"${as[@]}" env -i PATH="$PATH" HOME=/nonexistent TMPDIR="$here/tmp" TZ=Pacific/Kiritimati \
		LOCPATH="$here/locale" LC_ALL=fr_FR.UTF-8 LANGUAGE=fr NO_FAKE_STAT=1 \
		faketime -f +400d make -j2 "$@" STATIC_PREFIX="$here/static" \
		GUEST_TOOLS_CACHE="$here/cache" SIGNING_KEY="$here/key.pem"
)

# assert_same A B
assert_same() {
	cmp "$1" "$2" || {
		"$top/tests/iso/explain.sh" "$1" "$2" || true
		fail "$2 is not the same when it is built again"
	}
}

@test "the tarball, built at another time and place by another user, gives the same ISO and packages" {
	local path

	elsewhere
	run build iso packages containerdisk sysext
	assert_success
	while read -r path; do
		assert_same "$source/build/$path" "$BUILD/$path"
	done < <(cd "$source/build" && find iso packages containerdisk sysext -type f)
	[ -e "$source/build/iso" ] && [ -e "$source/build/packages" ]
}

@test "the tarball has every file of the tree, and of itself gives the same tarball" {
	if [ -e "$top/.git" ]; then
		assert_equal "$(tar -tf "$dist" | cut -d / -f 2- | sort)" \
			"$(cd "$top" && git ls-files -co --exclude-standard | sort)"
	fi
	tar -xf "$dist" -C "$W"
	cd "$W"/guest-tools-*
	run env -u BUILD -u SOURCE_DATE_EPOCH make dist
	assert_success
	cmp "$dist" build/dist/*.tar.xz
}
