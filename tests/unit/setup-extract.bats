#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The packages out of the medium: verified, and nothing is ever written over. No root needed.

bats_require_minimum_version 1.5.0
load ../installer/setup-lib

setup() {
	M=$BATS_TEST_TMPDIR/medium
	D=$BATS_TEST_TMPDIR/out
	mkdir -p "$M/packages" "$M/amd64"
	echo one >"$M/packages/one_1.2.3_amd64.deb"
	echo two >"$M/packages/two-1.2.3-1.noarch.rpm"
	echo other >"$M/amd64/setup"
	add_manifest "$M" 1.2.3
}

extract() {
	run "$SETUP" extract "$D" --medium "$M" "$@"
}

@test "extract copies the packages, and nothing else, as the manifest lists them" {
	extract
	expect_status 0
	expect_output "guest-tools 1.2.3"
	diff -r "$M/packages" "$D"
	[ "$(stat -c %a "$D/one_1.2.3_amd64.deb")" = 644 ]
}

@test "extract verifies all of the medium before the first copy" {
	echo OTHER >"$M/amd64/setup"
	extract
	expect_status 5
	expect_output "amd64/setup: its SHA-256"
	[ ! -e "$D" ]
	rm "$M/MANIFEST.sig"
	extract
	expect_status 12
	[ ! -e "$D" ]
}

@test "extract never writes over a file, and then copies none" {
	mkdir "$D"
	echo mine >"$D/two-1.2.3-1.noarch.rpm"
	extract
	expect_status 3
	expect_output "cannot write $D/two-1.2.3-1.noarch.rpm: it is there already, and is another"
	[ "$(ls "$D")" = two-1.2.3-1.noarch.rpm ]
	[ "$(cat "$D/two-1.2.3-1.noarch.rpm")" = mine ]
}

@test "extract does not follow a link in the directory out of it" {
	mkdir "$D"
	ln -s ../elsewhere "$D/one_1.2.3_amd64.deb"
	extract
	expect_status 3
	[ ! -e "$BATS_TEST_TMPDIR/elsewhere" ]
	[ "$(ls "$D")" = one_1.2.3_amd64.deb ]
}

@test "extract again is done already, and its JSON tells what was written" {
	extract --json
	expect_status 0
	[ "$(jq -r '[.files[].result] | unique[]' <<<"$output")" = written ]
	rm "$D/one_1.2.3_amd64.deb"
	run --separate-stderr "$SETUP" extract "$D" --medium "$M" --json
	expect_status 0
	[ "$(jq -c '[.files[] | [.name, .result]]' <<<"$output")" = \
		'[["one_1.2.3_amd64.deb","written"],["two-1.2.3-1.noarch.rpm","present"]]' ]
	[ "$(jq -r '.files[0].sha256' <<<"$output")" = "$(sha256sum <"$D/one_1.2.3_amd64.deb" | cut -d' ' -f1)" ]
	diff -r "$M/packages" "$D"
}

@test "extract that fails on its way leaves nothing of its own" {
	local n status
	cc -O -o "$BATS_TEST_TMPDIR/inject" "$BATS_TEST_DIRNAME/../installer/inject.c"
	mkdir "$D"
	echo mine >"$D/mine"
	# The first is to make the directory, which is there.
	for ((n = 2; n < 40; n++)); do
		status=0
		"$BATS_TEST_TMPDIR/inject" once:ENOSPC "$n" "$SETUP" extract "$D" --medium "$M" \
			>"$BATS_TEST_TMPDIR/said" 2>&1 || status=$?
		[ "$status" -ne 125 ] || skip "no seccomp notifications here"
		grep -q '^fault:' "$BATS_TEST_TMPDIR/said" || break
		[ "$status" -eq 1 ]
		[ "$(ls -A "$D")" = mine ]
		grep -q "cannot write $D/.*: No space left on device" "$BATS_TEST_TMPDIR/said"
	done
	[ "$n" -gt 8 ]
	[ "$status" -eq 0 ]
	rm "$D/mine"
	diff -r "$M/packages" "$D"
}

@test "a medium without packages is told so" {
	rm -r "$M/packages"
	add_manifest "$M" 1.2.3
	extract
	expect_status 5
	expect_output "it has no packages"
}
