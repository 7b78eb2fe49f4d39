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
