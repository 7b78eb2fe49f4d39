#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The module is built for kernels of four Debian releases, by their own compilers.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
	load lib/module.sh
	[ "$(id -u)" = 0 ] || skip "building in a chroot needs root"
}

@test "the module builds without a warning for every kernel" {
	for suite in $KERNEL_SUITES; do
		run module_for "$suite"
		assert_success
		dir=$output
		run grep -vF 'Skipping BTF generation' "$dir/make.log"
		refute_output
		run grep FSFREEZE_MISSING "$dir/compat-config.h"
		refute_output
	done
}

@test "the module's version is that of the project" {
	for suite in $KERNEL_SUITES; do
		run modinfo -F version "$(module_for "$suite")/virtio_fsfreeze.ko"
		assert_output "$(cat "$MODULE_TOP/VERSION")"
	done
}

@test "each kernel is recognised by what it has" {
	declare -A want=([bullseye]=HAVE_FREEZE_ONE_ARGUMENT [bookworm]=HAVE_FREEZE_ONE_ARGUMENT
		[trixie]=HAVE_FREEZE_HOLDER [forky]=HAVE_FREEZE_OWNER)
	for suite in $KERNEL_SUITES; do
		run grep -Eo 'HAVE_FREEZE_(ONE_ARGUMENT|HOLDER|OWNER) ' \
			"$(module_for "$suite")/compat-config.h"
		assert_output "${want[$suite]} "
	done
}

# broken_source EDIT: a copy of the source in which a probe fails.
broken_source() {
	cp -r "$(module_source)" "$BATS_TEST_TMPDIR/source"
	sed -i "$1" "$BATS_TEST_TMPDIR/source/compat/probes.c"
}

@test "a kernel without what is needed gets a stub that builds and names it" {
	broken_source 's/iterate_supers_type(t, f, NULL)/no_such_function(t)/'
	for suite in bullseye forky; do
		run --separate-stderr kernel_build "$suite" "$BATS_TEST_TMPDIR/source" \
			KCFLAGS=-Werror modules
		assert_success
		dir=$output
		run modinfo -F description "$dir/virtio_fsfreeze.ko"
		assert_output --partial 'Stub'
		run grep -o '"HAVE_.*"$' "$dir/compat-config.h"
		assert_output '"HAVE_ITERATE_SUPERS_TYPE"'
	done
}

@test "a kernel whose headers do not compile gets a stub that builds" {
	broken_source '/HAVE_FREEZE_ONE_ARGUMENT/i #error no such luck'
	run --separate-stderr kernel_build bookworm "$BATS_TEST_TMPDIR/source" KCFLAGS=-Werror modules
	assert_success
	run strings "$output/virtio_fsfreeze.ko"
	assert_output --partial 'headers that compile'
}

# backported SUITE COMMAND: build where COMMAND has edited the kernel's headers first
backported() {
	local root release
	root=$(kernel_buildroot "$1") && release=$(kernel_release "$1")
	rm -rf "$BATS_TEST_TMPDIR/work" && cp -r "$(module_source)" "$BATS_TEST_TMPDIR/work"
	kernel_layered "$root" "$BATS_TEST_TMPDIR/work" sh -ec "cd /usr/src/linux-headers-$release
		common=/usr/src/linux-headers-${release%-amd64}-common; $2
		make -s M=/mnt KCFLAGS=-Werror modules"
	refute grep FSFREEZE_MISSING "$BATS_TEST_TMPDIR/work/compat-config.h"
}

# Red Hat's 3.10, 4.18 and 5.14 have parts of later kernels: their version says little.
@test "a kernel that says a much older version than it has is built for as what it is" {
	backported bookworm 'sed -i "s/VERSION_CODE .*/VERSION_CODE 199168/" include/generated/uapi/linux/version.h'
	run diff "$BATS_TEST_TMPDIR/work/compat-config.h" "$(module_for bookworm)/compat-config.h"
	assert_success
}

@test "what an older kernel has got from a newer one is used" {
	# shellcheck disable=SC2016 # for the shell in the chroot
	backported bookworm '
		fs=$common/include/linux/fs.h
		sed -i "/freeze_super\|thaw_super/s/struct super_block \*\(super\|sb\|\));/&WHO/;
			s/);WHO/, enum freeze_holder who);/" $fs
		sed -i "/^struct super_operations {/i enum freeze_holder { FREEZE_HOLDER_KERNEL = 1, FREEZE_MAY_NEST = 4 };" $fs'
	run grep -Eo 'HAVE_FREEZE_(ONE_ARGUMENT|HOLDER|MAY_NEST|OWNER) ' "$BATS_TEST_TMPDIR/work/compat-config.h"
	assert_output "HAVE_FREEZE_HOLDER 
HAVE_FREEZE_MAY_NEST "
}
