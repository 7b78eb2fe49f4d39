# SPDX-License-Identifier: GPL-2.0-or-later
# make install, as a distribution's recipe calls it.

bats_load_library bats-support
bats_load_library bats-assert

top=$(cd "${BATS_TEST_DIRNAME}/../.." && pwd)

# recipe TARGET: with every place where no default has it, and the system's libraries
recipe() {
	env -u BUILD make -C "$top" "$@" STATIC=no BUILD="$BATS_FILE_TMPDIR/build" DESTDIR="$D" prefix=/opt/gt \
		sbindir=/opt/gt/s libexecdir=/opt/gt/x mandir=/opt/gt/m sysconfdir=/opt/gt/e \
		unitdir=/opt/gt/u
}

setup() {
	D=$BATS_TEST_TMPDIR/d
}

@test "everything is installed where the variables say, and looks for the rest there" {
	run recipe install
	assert_success
	assert_equal "$(ls "$D" "$D/opt")" "$D:
opt

$D/opt:
gt"
	cd "$D/opt/gt"
	local path

	for path in s/guest-tools-agent s/guest-tools-setup x/guest-tools/fsfreeze-hook \
		bin/fsfreezectl x/guest-tools/vhost-user-fsfreeze "src/virtio-fsfreeze-$(cat "$top/VERSION")/dkms.conf" \
		e/guest-tools/agent.conf u/guest-tools-agent.service m/man8/guest-tools-agent.8 \
		m/man8/guest-tools-setup.8 m/man4/fsfreeze.4 m/man1/fsfreezectl.1; do
		assert [ -f "$path" ]
	done
	run grep -rIl -e /usr/sbin/guest-tools -e /usr/libexec/guest-tools s x u
	assert_output ''
	run strings -a s/guest-tools-agent
	assert_line /opt/gt/e/guest-tools/agent.conf
	assert_line --partial /opt/gt/x/guest-tools/fsfreeze-hook
	run readelf -d s/guest-tools-agent s/guest-tools-setup
	assert_line --partial 'NEEDED'
	assert_line --partial libsodium
	# Again over itself, then away: without what was not ours.
	touch e/guest-tools/mine
	run recipe install
	assert_success
	run recipe uninstall
	assert_success
	assert_equal "$(find "$D" ! -type d)" "$D/opt/gt/e/guest-tools/mine"
	rm "$D/opt/gt/e/guest-tools/mine"
	run recipe uninstall
	assert_success
	assert_equal "$(find "$D" -name '*guest-tools*' -o -name '*fsfreeze*')" ''
}
