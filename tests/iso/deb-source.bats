# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian source package, built and judged as Debian does; make check-deb does it in a
# root that has nothing else.

bats_load_library bats-support
bats_load_library bats-assert

top=$(cd "${BATS_TEST_DIRNAME}/../.." && pwd)
version=$(cat "$top/VERSION")

setup_file() {
	command -v lintian >/dev/null || skip "lintian is not installed"
	command -v dh_dkms >/dev/null || skip "dh-dkms is not installed"
	cd "$BATS_FILE_TMPDIR"
	git -C "$top" log -1 --format=%ct >epoch 2>/dev/null || stat -c %Y "$top/VERSION" >epoch
	mkdir source
	VERSION=$version SOURCE_DATE_EPOCH=$(cat epoch) BUILD=${BUILD:-$top/build} "$top/packaging/dist.sh" "$PWD/dist.tar.xz"
	VERSION=$version SOURCE_DATE_EPOCH=$(cat epoch) "$top/packaging/deb/source.sh" dist.tar.xz source
	dpkg-source --no-check -x "source/guest-tools_$version-1.dsc" tree >/dev/null
	# What the tests' own make exported is not for the package's.
	cd tree && env -i PATH="$PATH" HOME="$HOME" LC_ALL=C.UTF-8 dpkg-buildpackage -us -uc -b >../log 2>&1 ||
		{ tail -n 30 ../log >&2; return 1; }
}

# content NAME: the paths of the files in a package
content() {
	dpkg-deb -c "$BATS_FILE_TMPDIR/$1"_*.deb | awk '$1 ~ /^-/ { print $6 }'
}

@test "lintian finds neither errors nor warnings in the packages and their source" {
	cd "$BATS_FILE_TMPDIR"
	run lintian --allow-root --pedantic --fail-on error,warning guest-tools_"$version"-1_*.changes "source/guest-tools_$version-1.dsc"
	assert_success
	refute_output --regexp '(^|
)[EW]: '
}

@test "the same tarball and date give the same source package" {
	cd "$BATS_FILE_TMPDIR"
	VERSION=$version SOURCE_DATE_EPOCH=$(cat epoch) "$top/packaging/deb/source.sh" dist.tar.xz again
	run diff -r source again
	assert_success
}

@test "agent and hooks, module and host tools are in a package each" {
	run content guest-tools-agent
	assert_line ./usr/sbin/guest-tools-agent
	assert_line ./usr/libexec/guest-tools/fsfreeze-hook
	assert_line ./etc/init.d/guest-tools-agent
	run content virtio-fsfreeze-dkms
	assert_line "./usr/src/virtio-fsfreeze-$version/dkms.conf"
	run content guest-tools-host
	assert_line ./usr/bin/fsfreezectl
	assert_line ./usr/libexec/guest-tools/vhost-user-fsfreeze
}

@test "programs are linked with the system's libraries, and the packages depend on them" {
	run dpkg-deb -f "$BATS_FILE_TMPDIR"/guest-tools-agent_*.deb Depends
	assert_output --partial libglib2.0-0
	assert_output --partial libjansson4
	run dpkg-deb -f "$BATS_FILE_TMPDIR"/virtio-fsfreeze-dkms_*.deb Depends
	assert_output --partial dkms
}
