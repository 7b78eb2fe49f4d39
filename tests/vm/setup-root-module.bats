#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The module without DKMS, on a real Debian root with its real kernel, headers and compiler.
# shellcheck disable=SC2154 # run sets status and output

load ../installer/root-lib

setup() {
	root_setup
	medium "$WORK/m1" 1.0.0
	medium_module "$WORK/m1" 1.0.0
	rm "$R/usr/sbin/dkms" "$R/etc/kernel/"*/dkms
	K=$(ls "$R/lib/modules")
	MODULE=$R/lib/modules/$K/updates/virtio_fsfreeze.ko
	changes >"$WORK/before"
}

teardown() {
	root_teardown
}

run_setup() {
	run "$WORK/${MEDIUM:-m1}/amd64/setup" "$1" --yes --root "$R" "${@:2}"
}

# Nothing but what depmod writes anew, with the same lines.
nothing_is_left() {
	changes | diff "$WORK/before" -
}

# hook DIR RELEASE: as Debian's packages of kernels and headers call it.
hook() {
	in_root "/etc/kernel/$1/guest-tools-module" "$2" "/boot/vmlinuz-$2"
}

# built_for_this: a module that is really built for the root's kernel, as the maker of a medium would.
built_for_this() {
	cp -r "$WORK/m1/module/source" "$R/tmp/source"
	in_root make -s -C "/lib/modules/$K/build" M=/tmp/source modules >/dev/null
	strip --strip-debug "$R/tmp/source/virtio_fsfreeze.ko"
	mv "$R/tmp/source/virtio_fsfreeze.ko" "$WORK/built.ko"
	rm -r "$R/tmp/source"
}

# prebuilt RELEASE FILE: it is what the medium has for that kernel
prebuilt() {
	rm -rf "$WORK/m1/modules"
	install -D -m 644 "$2" "$WORK/m1/modules/amd64/$1/virtio_fsfreeze.ko"
	add_manifest "$WORK/m1" 1.0.0
}

# rejected TEXT: the plan says why not
rejected() {
	run "$WORK/m1/amd64/setup" plan --json --replace-agent --root "$R"
	expect_status 0
	[ "$(jq -r '.plan.modules[0].way' <<<"$output")" = none ]
	output=$(jq -r '.plan.modules[0].rejected[] | select(.way == "prebuilt").reason' <<<"$output")
	expect_output "$1"
}

@test "a prebuilt module goes in only where release and vermagic are the kernel's, and needs no compiler" {
	built_for_this
	rm "$R/usr/bin/gcc"
	changes >"$WORK/before"

	rejected "the medium has no prebuilt modules for amd64"
	prebuilt 6.1.0-99-amd64 "$WORK/built.ko"
	rejected "the medium has one for the kernels 6.1.0-99-amd64, and not for $K"
	LC_ALL=C sed "s/vermagic=$K/vermagic=${K/6/7}/" "$WORK/built.ko" >"$WORK/other.ko"
	prebuilt "$K" "$WORK/other.ko"
	rejected "is for another kernel: its vermagic is \"${K/6/7} "
	LC_ALL=C sed "s/vermagic=$K SMP preempt/vermagic=$K SMP PREEMPT/" "$WORK/built.ko" >"$WORK/other.ko"
	! cmp -s "$WORK/built.ko" "$WORK/other.ko"
	prebuilt "$K" "$WORK/other.ko"
	rejected "is for another build of this kernel: its vermagic is \"$K SMP PREEMPT "
	for size in 0 4 63 64 5000 -65; do
		head -c "$size" "$WORK/built.ko" >"$WORK/other.ko"
		prebuilt "$K" "$WORK/other.ko"
		rejected "is no kernel module"
	done

	prebuilt "$K" "$WORK/built.ko"
	run_setup install --replace-agent
	expect_status 0
	expect_output "$K: prebuilt: the medium has it built for exactly this kernel"
	cmp "$WORK/built.ko" "$MODULE"
	[ "$(in_root modinfo -k "$K" -n virtio_fsfreeze)" = "/lib/modules/$K/updates/virtio_fsfreeze.ko" ]
	[ ! -e "$R/usr/share/guest-tools/module" ]
	run_setup install --replace-agent
	expect_output "already current"
	run_setup uninstall
	expect_status 0
	nothing_is_left
}

@test "without DKMS the module is built directly, again for each new kernel, and all of it goes" {
	local new=9.9.9-test path
	run_setup install --replace-agent
	expect_status 0
	expect_output "not dkms: dkms is not installed"
	expect_output "again for each new kernel by /etc/kernel/postinst.d/guest-tools-module"
	[ "$(modinfo -F version "$MODULE")" = 1.0.0 ]
	[[ $(modinfo -F description "$MODULE") != Stub* ]]
	[ "$(in_root modinfo -k "$K" -n virtio_fsfreeze)" = "/lib/modules/$K/updates/virtio_fsfreeze.ko" ]
	[ -z "$(ls "$R/var/tmp")" ]
	run_setup install --replace-agent
	expect_output "already current"

	# Headers may come before their kernel: not yet.
	mkdir "$R/lib/modules/$new"
	ln -s "$(readlink "$R/lib/modules/$K/build")" "$R/lib/modules/$new/build"
	run hook header_postinst.d "$new"
	expect_status 0
	path=$R/lib/modules/$new/updates/virtio_fsfreeze.ko
	[ ! -e "$path" ]
	: >"$R/lib/modules/$new/modules.order"
	: >"$R/lib/modules/$new/modules.builtin"
	run hook postinst.d "$new"
	expect_status 0
	[ -s "$path" ]
	grep -q updates/virtio_fsfreeze.ko "$R/lib/modules/$new/modules.dep"
	run hook prerm.d "$new"
	[ ! -e "$path" ]

	# kernel-install calls the same otherwise; and a compiler that fails is no failed kernel.
	cp "$R/etc/kernel/postinst.d/guest-tools-module" "$R/tmp/40-guest-tools.install"
	run in_root /tmp/40-guest-tools.install add "$new" /boot /boot/vmlinuz
	[ -s "$path" ]
	run in_root /tmp/40-guest-tools.install remove "$new" /boot
	[ ! -e "$path" ]
	printf '#!/bin/sh\necho "error: no compiler today" >&2; exit 1\n' >"$R/tmp/make"
	chmod 755 "$R/tmp/make"
	mount --bind "$R/tmp/make" "$R/usr/bin/make"
	run hook postinst.d "$new"
	umount "$R/usr/bin/make"
	expect_status 0
	expect_output "no compiler today"
	expect_output "kernel $new is without the freeze module"
	run hook postinst.d "$new"
	[ -s "$path" ]

	run_setup uninstall
	expect_status 0
	[ ! -e "$path" ]
	rm -r "$R/lib/modules/$new" "$R/tmp/make" "$R/tmp/40-guest-tools.install"
	nothing_is_left
}

@test "a direct build that fails is a warning; --module=direct asks for it, and an upgrade builds anew" {
	MEDIUM=m2
	medium "$WORK/m2" 2.0.0
	medium_module "$WORK/m2" 2.0.0
	sed -i '1i #error "not today"' "$WORK/m1/module/source/build.c"
	add_manifest "$WORK/m1" 1.0.0
	MEDIUM=m1 run_setup install --replace-agent --module=direct
	expect_status 0
	expect_output "cannot build the module for kernel $K: make says:"
	expect_output "not today"
	[ ! -e "$MODULE" ]
	run_setup install
	expect_status 0
	[ "$(modinfo -F version "$MODULE")" = 2.0.0 ]
	run_setup uninstall
	expect_status 0
	nothing_is_left
}
