# SPDX-License-Identifier: GPL-2.0-or-later
# The OCI image of the ISO, read back by the tool that container engines are tested with.

bats_load_library bats-support
bats_load_library bats-assert

top=$(cd "${BATS_TEST_DIRNAME}/../.." && pwd)
export BUILD=${BUILD:-$top/build} ARCH=${ARCH:-amd64}
version=$(cat "$top/VERSION")

setup_file() {
	make -s -C "$top" containerdisk >&2
	tar -C "$BATS_FILE_TMPDIR" -xf "$BUILD/containerdisk/guest-tools-$version-$ARCH.tar"
}

@test "the image has the ISO below /disk, whole, and readable by the user who runs QEMU there" {
	[ "$(id -u)" = 0 ] || skip "to see whose files they are, root unpacks them"
	umoci unpack --image "$BATS_FILE_TMPDIR:$version" "$BATS_TEST_TMPDIR/bundle"
	cd "$BATS_TEST_TMPDIR/bundle/rootfs"
	assert_equal "$(find . -mindepth 1 -printf '%P %U:%G %m\n' | sort)" "$(printf '%s\n' 'disk 107:107 755' \
		'disk/guest-tools.iso 107:107 444')"
	cmp disk/guest-tools.iso "$BUILD/iso/guest-tools-$version.iso"
}

@test "the image says its version, platform and licence" {
	local config

	run umoci stat --image "$BATS_FILE_TMPDIR:$version" --json
	assert_success
	config=$BATS_FILE_TMPDIR/blobs/sha256/$(jq -r '.manifests[0].digest' "$BATS_FILE_TMPDIR/index.json" | cut -d : -f 2)
	config=$BATS_FILE_TMPDIR/blobs/sha256/$(jq -r .config.digest "$config" | cut -d : -f 2)
	run jq -r '.os, .architecture, (.config.Labels | .["org.opencontainers.image.version", "org.opencontainers.image.licenses"])' "$config"
	assert_output "$(printf '%s\n' linux "$ARCH" "$version" GPL-2.0-or-later)"
}

@test "an ISO that is not there is an error that names it, and leaves nothing" {
	VERSION=1 SOURCE_DATE_EPOCH=0 run "$top/iso/containerdisk.sh" "$BATS_TEST_TMPDIR/none.iso" "$BATS_TEST_TMPDIR/out.tar"
	assert_failure
	assert_output --partial none.iso
	assert_equal "$(ls "$BATS_TEST_TMPDIR")" ""
}
