#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What setup would do, and its reasons. Plans read only, so none of this needs root.

load ../installer/setup-lib

setup() {
	R=$BATS_TEST_TMPDIR/r
	M=$BATS_TEST_TMPDIR/m
	root_debian "$R"
	medium_debian "$M" 1.0.0
}

plan() {
	run "$SETUP" plan --root "$R" --medium "$M" "$@"
}

json() {
	jq -r "$1" <<<"$output"
}

@test "plan on Debian installs packages, and the module for the kernels that have headers" {
	root_kernel "$R" 6.1.0-1-amd64 headers
	root_kernel "$R" 6.1.0-2-amd64
	plan --json
	expect_status 0
	[ "$(json '.plan.agent.way')" = package ]
	[ "$(json '[.plan.modules[] | "\(.release) \(.way)"] | join(",")')" = \
		"6.1.0-1-amd64 dkms,6.1.0-2-amd64 none" ]
	[ "$(json '[.plan.steps[] | select(.kind == "build-module") | .object] | join(",")')" = \
		6.1.0-1-amd64 ]
	[ "$(json '.plan.steps[0].kind')" = stage ]
}

@test "plan changes nothing" {
	root_kernel "$R" 6.1.0-1-amd64 headers
	snapshot "$R" >"$BATS_TEST_TMPDIR/before"
	plan
	expect_status 0
	snapshot "$R" | cmp - "$BATS_TEST_TMPDIR/before"
}

@test "plan says which package brings the headers that are missing" {
	root_kernel "$R" 6.1.0-2-amd64
	plan
	expect_status 0
	expect_output "no headers for kernel 6.1.0-2-amd64: the agent freezes by itself; install linux-headers-6.1.0-2-amd64 and run setup again"
	[[ $output != *"virtio-fsfreeze-dkms"* ]]
}

@test "plan says that dkms or a compiler is missing" {
	root_kernel "$R" 6.1.0-2-amd64 headers
	rm "$R/usr/bin/gcc"
	plan
	expect_output "no compiler"
	rm "$R/usr/bin/dkms"
	plan
	expect_status 0
	expect_output "dkms is not installed"
}

@test "without dkms the module is built directly where that can be, and the plan says what then builds it again" {
	root_kernel "$R" 6.1.0-2-amd64 headers
	rm "$R/usr/bin/dkms"
	plan
	expect_output "not direct: there is no depmod"
	install -m 755 /dev/null "$R/usr/sbin/depmod"
	plan
	expect_output "not direct: the medium has no source of the module"
	mkdir -p "$M/module/source"
	touch "$M/module/source/Kbuild" "$M/module/build-module" "$M/module/kernel-hook"
	add_manifest "$M" 1.0.0
	plan --json
	expect_status 0
	[ "$(json '.plan.modules[0].way')" = direct ]
	[ "$(json '.plan.modules[0].rejected[-1].reason')" = "dkms is not installed" ]
	[ "$(json '[.plan.steps[] | select(.kind == "build-direct").object] | join(",")')" = 6.1.0-2-amd64 ]
	[ "$(json '[.plan.steps[].object | select(startswith("/etc/kernel/"))] | join(",")')" = \
		"/etc/kernel/postinst.d/guest-tools-module,/etc/kernel/header_postinst.d/guest-tools-module,/etc/kernel/prerm.d/guest-tools-module" ]

	cp "$FIXTURES/rocky-9.3/etc/"* "$R/etc/"
	plan --json
	[ "$(json '[.plan.steps[].object | select(startswith("/etc/kernel/"))] | length')" = 0 ]
	[[ $(json '.plan.modules[0].reason') == *"run setup again after a new kernel" ]]
	install -m 755 /dev/null "$R/usr/bin/kernel-install"
	plan
	expect_output "again for each new kernel by /etc/kernel/install.d/40-guest-tools.install"

	mkdir -p "$R/lib/modules/6.1.0-2-amd64/updates/dkms"
	touch "$R/lib/modules/6.1.0-2-amd64/updates/dkms/virtio_fsfreeze.ko"
	plan --module=direct
	expect_status 3
	expect_output "DKMS has built the module for this kernel"
}

@test "Secure Boot: a module that nobody signs is not built" {
	root_kernel "$R" 6.1.0-1-amd64 headers
	install -m 755 /dev/null "$R/usr/sbin/depmod"
	mkdir -p "$R/sys/firmware/efi/efivars" "$M/module"
	touch "$M/module/build-module"
	add_manifest "$M" 1.0.0
	printf '\6\0\0\0\1' >"$R/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
	plan --module=direct
	expect_status 3
	expect_output "Secure Boot is on, and what is built so is not signed"
}

@test "a way that is asked for and cannot be gone is refused with the reason" {
	root_kernel "$R" 6.1.0-2-amd64
	plan --module=dkms
	expect_status 3
	expect_output "no headers for kernel 6.1.0-2-amd64"
	plan --agent=static
	expect_status 3
	expect_output "no files for architecture amd64"
}

@test "--module=none plans no module although one could be built" {
	root_kernel "$R" 6.1.0-1-amd64 headers
	plan --json --module=none
	expect_status 0
	[ "$(json '[.plan.steps[] | select(.object | test("dkms"))] | length')" = 0 ]
}

@test "an unknown distribution with systemd takes the static files" {
	rm -r "$M"
	medium_static "$M" 1.0.0
	rm "$R/usr/bin/dpkg"
	cp "$FIXTURES/nixos-23.11/etc/os-release" "$R/etc/os-release"
	rm "$R/etc/debian_version"
	plan --json
	expect_status 0
	[ "$(json '.plan.agent.way')" = static ]
	[ "$(json '.plan.agent.rejected[0].reason')" = "no package manager is known in this root" ]
}

@test "another agent makes plan end with the code that install would be refused with" {
	install -D -m 755 /dev/null "$R/usr/sbin/qemu-ga"
	plan
	expect_status 4
	expect_output "--replace-agent"
	plan --json --replace-agent
	expect_status 0
	[ "$(json '[.plan.steps[].kind] | index("mask") < index("package")')" = true ]
}

@test "Secure Boot: the plan says that the module's key must be enrolled" {
	root_kernel "$R" 6.1.0-1-amd64 headers
	mkdir -p "$R/sys/firmware/efi/efivars"
	printf '\6\0\0\0\1' >"$R/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
	plan
	expect_status 0
	expect_output "mokutil --import"
}

@test "an older medium is refused, and taken with --downgrade" {
	mkdir -p "$R/var/lib/guest-tools"
	echo '{"format":1,"version":"1.10.0","agent_way":"package","records":[]}' \
		>"$R/var/lib/guest-tools/state.json"
	plan
	expect_status 9
	expect_output "1.10.0 is installed"
	plan --downgrade
	expect_status 0
}

@test "a state file that is not understood does not stop plan, and does stop install" {
	mkdir -p "$R/var/lib/guest-tools"
	echo nonsense >"$R/var/lib/guest-tools/state.json"
	plan
	expect_status 0
	need_as_root
	run as_root "$SETUP" install --yes --root "$R" --medium "$M"
	expect_status 3
	expect_output "state.json"
}

@test "a root without space is refused before anything is changed" {
	need_as_root
	# shellcheck disable=SC2016 # for the inner shell
	run as_root sh -c 'mount -t tmpfs -o size=600k tmpfs "$1" && cp -a "$2/." "$1/" &&
		"$3" plan --root "$1" --medium "$4"' sh \
		"$(mkdir "$BATS_TEST_TMPDIR/small" && echo "$BATS_TEST_TMPDIR/small")" "$R" "$SETUP" "$M"
	expect_status 3
	expect_output "MiB needed"
}

@test "a root that is mounted read-only is refused" {
	need_as_root
	# shellcheck disable=SC2016 # for the inner shell
	run as_root sh -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" &&
		"$2" plan --root "$1" --medium "$3"' sh "$R" "$SETUP" "$M"
	expect_status 3
	expect_output "/usr is read-only"
}
