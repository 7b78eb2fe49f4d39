# SPDX-License-Identifier: GPL-2.0-or-later
# setup on a guest whose package manager is rpm: the real one, in a root of its own.

load ../installer/setup-lib
load ../installer/rpm-lib

BUILD=$(realpath "$BUILD")
export BUILD ARCH=${ARCH:-amd64}

setup_file() {
	local version

	make -s -C "$HERE/../.." agent installer >&2
	for version in 1.0.0 2.0.0; do
		rpm_version "$BATS_FILE_TMPDIR/$version/packages" $version
		install -D -m 555 "$SETUP" "$BATS_FILE_TMPDIR/$version/amd64/setup"
		add_manifest "$BATS_FILE_TMPDIR/$version" $version
	done
}

setup() {
	need_rpm
	R=$BATS_TEST_TMPDIR/root
	rpm_root "$R"
	rpm_real "$R"
	cp "$FIXTURES/rocky-9.3/etc/os-release" "$R/etc/"
	ln -s /usr/lib/systemd/systemd "$R/usr/sbin/init"
	ln -s usr/sbin "$R/sbin"
	install -m 755 /dev/null "$R/usr/lib/systemd/systemd"
	install -m 755 /dev/null "$R/usr/bin/gcc"
	install -m 755 /dev/null "$R/usr/bin/make"
	root_kernel "$R" 5.14.0-1.el9.x86_64 headers
}

# on VERSION COMMAND...
on() {
	run "${PROGRAM:-$SETUP}" "$2" --yes --root "$R" --medium "$BATS_FILE_TMPDIR/$1" "${@:3}"
}

# version PACKAGE
version() {
	in_rpm_root "$R" -q --qf '%{VERSION}' "$1"
}

# what_is: all of the root but rpm's database and what the fakes noted
what_is() {
	(cd "$R" && find . \( -path ./var/lib/rpm -o -path ./dev -o -name '*.log' \) -prune -o -type f \
		-exec sha256sum {} + -o -printf '%p %l\n' | LC_ALL=C sort -k 2)
}

@test "both packages are installed by rpm, upgraded over a changed configuration, and removed" {
	what_is >"$BATS_TEST_TMPDIR/before"
	on 1.0.0 install
	expect_status 0
	expect_output "package: rpm manages this system's packages"
	[ "$(version guest-tools-agent)" = 1.0.0 ]
	[ "$(version virtio-fsfreeze-dkms)" = 1.0.0 ]
	[ "$(cat "$R/lib/modules/5.14.0-1.el9.x86_64/updates/dkms/virtio_fsfreeze.ko")" = 1.0.0 ]
	in_rpm_root "$R" -V guest-tools-agent
	on 1.0.0 install
	expect_status 0
	expect_output "already current"

	echo '# mine' >>"$R/etc/guest-tools/agent.conf"
	on 2.0.0 install
	expect_status 0
	[ "$(version guest-tools-agent)" = 2.0.0 ]
	[ "$(cat "$R/lib/modules/5.14.0-1.el9.x86_64/updates/dkms/virtio_fsfreeze.ko")" = 2.0.0 ]
	[ "$(tail -n 1 "$R/etc/guest-tools/agent.conf")" = '# mine' ]
	on 1.0.0 install
	expect_status 9
	on 1.0.0 install --downgrade
	expect_status 0
	[ "$(version guest-tools-agent)" = 1.0.0 ]

	run "$SETUP" uninstall --yes --root "$R"
	expect_status 0
	expect_output "kept /etc/guest-tools/agent.conf"
	[ "$(in_rpm_root "$R" -qa --qf '%{NAME}\n')" = base ]
	[ "$(tail -n 1 "$R/etc/guest-tools/agent.conf")" = '# mine' ]
	rm -f "$R/etc/guest-tools/agent.conf"{,.rpmnew}
	rmdir "$R/etc/guest-tools"
	what_is | diff "$BATS_TEST_TMPDIR/before" -
}

@test "an install that rpm refuses is undone, with rpm's own words" {
	what_is >"$BATS_TEST_TMPDIR/before"
	# A package of somebody else's that owns the same file.
	mkdir "$BATS_TEST_TMPDIR/other"
	printf '%s\n' 'Name: other' 'Version: 1' 'Release: 1' 'Summary: other' 'License: none' \
		'BuildArch: noarch' 'Conflicts: guest-tools-agent' '%description' '%files' \
		>"$BATS_TEST_TMPDIR/other.spec"
	rpmbuild -bb --quiet --nodeps --define "_topdir $BATS_TEST_TMPDIR/other" \
		--define "_rpmdir $BATS_TEST_TMPDIR/other" --define '_rpmfilename other.rpm' \
		--define "_dbpath $BATS_TEST_TMPDIR/db" "$BATS_TEST_TMPDIR/other.spec"
	in_rpm_root "$R" -i "$BATS_TEST_TMPDIR/other/other.rpm"
	on 1.0.0 install
	expect_status 1
	expect_output "rpm ended with status 1 and says: error: Failed dependencies: guest-tools-agent conflicts with"
	run in_rpm_root "$R" -q guest-tools-agent
	[ "$status" -ne 0 ]
	what_is | diff "$BATS_TEST_TMPDIR/before" -
}

@test "an upgrade that is killed after any of its steps is undone, to the version before" {
	local n
	[ -x "$SETUP_TEST" ] || skip "no $SETUP_TEST"
	on 1.0.0 install
	expect_status 0
	what_is >"$BATS_TEST_TMPDIR/before"
	for ((n = 1; n < 40; n++)); do
		PROGRAM=$SETUP_TEST GUEST_TOOLS_SETUP_FAULT=kill:$n on 2.0.0 install
		# Either was all done, or none of it is.
		! grep -q '"version": "2.0.0"' "$R/var/lib/guest-tools/state.json" || break
		run "$SETUP" recover --yes --root "$R"
		expect_status 0
		[ "$(version guest-tools-agent)" = 1.0.0 ]
		[ "$(version virtio-fsfreeze-dkms)" = 1.0.0 ]
		what_is | diff "$BATS_TEST_TMPDIR/before" -
	done
	[ "$n" -gt 5 ] && [ "$n" -lt 40 ]
}
