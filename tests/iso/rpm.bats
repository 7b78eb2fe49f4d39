# SPDX-License-Identifier: GPL-2.0-or-later
# The rpm packages: what an old rpm reads, and the real rpm in a root of its own.

bats_load_library bats-support
bats_load_library bats-assert

top=$(cd "${BATS_TEST_DIRNAME}/../.." && pwd)
export BUILD=${BUILD:-$top/build} VERSION ARCH=${ARCH:-amd64}
VERSION=$(cat "$top/VERSION")
load ../installer/rpm-lib

setup_file() {
	make -s -C "$top" packages >&2
	rpm_version "$BATS_FILE_TMPDIR/next" "$VERSION.1"
}

setup() {
	AGENT=$(echo "$BUILD/packages/guest-tools-agent-$VERSION-1."*.rpm)
	MODULE=$BUILD/packages/virtio-fsfreeze-dkms-$VERSION-1.noarch.rpm
	R=$BATS_TEST_TMPDIR/root
}

# content: every path of the root, what is in it, but not rpm's database
content() {
	(cd "$R" && find . -path ./var/lib/rpm -prune -o -path ./dev -prune -o -type f -exec sha256sum {} + -o \
		-printf '%p\n' | sort -k 2)
}

@test "the packages need nothing that the rpm of RHEL 6 lacks" {
	local package

	for package in "$AGENT" "$MODULE"; do
		run rpm -qp --qf '%{PAYLOADFORMAT} %{PAYLOADCOMPRESSOR} %{FILEDIGESTALGO} %{BUILDHOST} %{SIGMD5}' "$package"
		assert_output --regexp '^cpio gzip 8 reproducible [0-9a-f]{32}$'
		run bash -c "rpm -qp --requires '$package' | sort -u | grep -vx dkms"
		assert_output "/bin/sh
rpmlib(CompressedFileNames) <= 3.0.4-1
rpmlib(FileDigests) <= 4.6.0-1
rpmlib(PayloadFilesHavePrefix) <= 4.0-1"
	done
}

@test "a package of rpm holds the files of the package of dpkg, with the same modes and content" {
	local pair rpm deb

	for pair in "$AGENT $(echo "$BUILD/packages/guest-tools-agent_${VERSION}_"*.deb)" \
		"$MODULE $BUILD/packages/virtio-fsfreeze-dkms_${VERSION}_all.deb"; do
		read -r rpm deb <<<"$pair"
		dpkg-deb -x "$deb" "$BATS_TEST_TMPDIR/deb"
		mkdir "$BATS_TEST_TMPDIR/rpm"
		(cd "$BATS_TEST_TMPDIR/rpm" && rpm2cpio "$rpm" | cpio -id --quiet)
		# Debian alone has init scripts in their places; all are in /usr/share in both.
		rm -rf "$BATS_TEST_TMPDIR"/deb/etc/init "$BATS_TEST_TMPDIR"/deb/etc/init.d
		for side in deb rpm; do
			(cd "$BATS_TEST_TMPDIR/$side" && find . ! -type d -printf '%P %m\n' | sort &&
				find . -type f -exec sha256sum {} + | sort) >"$BATS_TEST_TMPDIR/$side.list"
		done
		run diff "$BATS_TEST_TMPDIR/deb.list" "$BATS_TEST_TMPDIR/rpm.list"
		assert_output ''
		assert [ "$(wc -l <"$BATS_TEST_TMPDIR/deb.list")" -gt 10 ]
		rm -r "$BATS_TEST_TMPDIR/deb" "$BATS_TEST_TMPDIR/rpm"
	done
}

@test "the agent's package is installed, upgraded over a changed configuration, and erased" {
	need_rpm
	rpm_root "$R"
	content >"$BATS_TEST_TMPDIR/before"
	run in_rpm_root "$R" -i "$AGENT"
	assert_success
	assert_output ''
	run in_rpm_root "$R" -V guest-tools-agent
	assert_success
	assert_output ''
	run "$R/usr/sbin/guest-tools-agent" --version
	assert_success
	assert_equal "$(grep -c 'enable guest-tools-agent.service' "$R/systemctl.log")" 1
	echo '# mine' >>"$R/etc/guest-tools/agent.conf"
	run in_rpm_root "$R" -U "$BATS_FILE_TMPDIR/next/guest-tools-agent"*
	assert_success
	run in_rpm_root "$R" -q guest-tools-agent --qf '%{VERSION}\n'
	assert_output "$VERSION.1"
	run tail -n 1 "$R/etc/guest-tools/agent.conf"
	assert_output '# mine'
	run tail -n 1 "$R/etc/guest-tools/agent.conf.rpmnew"
	assert_output "# $VERSION.1"
	# An upgrade leaves the service as the admin has it.
	run cat "$R/systemctl.log"
	assert_output '--no-reload enable guest-tools-agent.service'
	run in_rpm_root "$R" -e guest-tools-agent
	assert_success
	assert_equal "$(tail -n 1 "$R/systemctl.log")" '--no-reload disable guest-tools-agent.service'
	rm "$R/systemctl.log" "$R/etc/guest-tools/agent.conf".rpm{save,new}
	rmdir "$R/etc/guest-tools"
	content | diff "$BATS_TEST_TMPDIR/before" -
}

@test "the module's package builds the new version before it removes the old, and is erased" {
	need_rpm
	rpm_root "$R"
	mkdir -p "$R/lib/modules/9.9/build"
	touch "$R/lib/modules/9.9/build/Makefile"
	content >"$BATS_TEST_TMPDIR/before"
	run in_rpm_root "$R" -i "$MODULE"
	assert_success
	run in_rpm_root "$R" -V virtio-fsfreeze-dkms
	assert_output ''
	run in_rpm_root "$R" -U "$BATS_FILE_TMPDIR/next/virtio"*
	assert_success
	assert [ -e "$R/usr/src/virtio-fsfreeze-$VERSION.1/dkms.conf" ]
	assert [ ! -e "$R/usr/src/virtio-fsfreeze-$VERSION" ]
	run in_rpm_root "$R" -e virtio-fsfreeze-dkms
	assert_success
	run cat "$R/dkms.log"
	assert_output "add -m virtio-fsfreeze -v $VERSION
install -m virtio-fsfreeze -v $VERSION -k 9.9
add -m virtio-fsfreeze -v $VERSION.1
install -m virtio-fsfreeze -v $VERSION.1 -k 9.9
remove -m virtio-fsfreeze -v $VERSION --all
remove -m virtio-fsfreeze -v $VERSION.1 --all"
	rm "$R/dkms.log"
	content | diff "$BATS_TEST_TMPDIR/before" -
}

@test "a module that cannot be built does not keep the package from being installed" {
	need_rpm
	rpm_root "$R"
	mkdir -p "$R/lib/modules/9.9/build"
	touch "$R/lib/modules/9.9/build/Makefile" "$R/dkms-fails"
	run in_rpm_root "$R" -i "$MODULE"
	assert_success
	assert_output --partial "not built for kernel 9.9"
	run in_rpm_root "$R" -q virtio-fsfreeze-dkms
	assert_success
}
