#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Modules on the ISO, built for Debian kernels that are named: in a copy of what is built, as the
# ISO of the other tests has none.

bats_load_library bats-support
bats_load_library bats-assert

setup() {
	load ../kmod/lib/module.sh
	[ "$(id -u)" = 0 ] || skip "building in a chroot needs root"
	top=$MODULE_TOP
	shared=${BUILD:-$top/build}
	copy=$BATS_TEST_TMPDIR/build
	make -s -C "$top" iso BUILD="$shared" >/dev/null
	mkdir "$copy"
	for part in agent installer kmod packages prebuilt epoch static.stamp; do
		cp -a "$shared/$part" "$copy/"
	done
}

iso_with() {
	make -C "$top" iso BUILD="$copy" STATIC_PREFIX="$shared/static" KERNELS="$1" 2>&1
}

extract() {
	rm -rf "$BATS_TEST_TMPDIR/medium"
	xorriso -osirrox on -indev "stdio:$copy/iso/guest-tools-$(cat "$top/VERSION").iso" \
		-extract / "$BATS_TEST_TMPDIR/medium" >/dev/null 2>&1
}

@test "make iso KERNELS puts the module for that kernel on the ISO, in its manifest; without, none is left" {
	local release path
	release=$(kernel_release bookworm)
	path=modules/amd64/$release/virtio_fsfreeze.ko
	run iso_with "$release"
	assert_success
	extract
	run modinfo -F vermagic "$BATS_TEST_TMPDIR/medium/$path"
	assert_output --regexp "^$release SMP "
	run modinfo -F description "$BATS_TEST_TMPDIR/medium/$path"
	refute_output --partial Stub
	run grep -c "^[0-9a-f]*  $path\$" "$BATS_TEST_TMPDIR/medium/MANIFEST"
	assert_output 1
	run "$copy/installer/setup" verify --medium "$BATS_TEST_TMPDIR/medium"
	assert_success

	run iso_with "$release"
	refute_output --partial ISO
	run iso_with ""
	assert_success
	extract
	assert [ ! -e "$BATS_TEST_TMPDIR/medium/modules" ]
}

@test "a kernel that Debian has no headers of stops the build, and is named" {
	export KERNEL_SOURCES=bookworm
	run iso_with "1.2.3-nobody"
	assert_failure
	assert_output --partial "no suite has headers of a kernel 1.2.3-nobody"
	assert [ ! -e "$copy/iso" ]
	run iso_with "../../etc"
	assert_failure
	assert_output --partial "is no release of a kernel"
}
