#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Nothing of a medium is believed but what its signed MANIFEST vouches for. No root needed.

load ../installer/setup-lib

setup() {
	M=$BATS_TEST_TMPDIR/medium
	mkdir -p "$M/packages"
	echo one >"$M/packages/one"
	echo two >"$M/two"
	add_manifest "$M" 1.2.3
}

verify() {
	run "$SETUP" verify --medium "$M"
}

@test "verify accepts a medium whose files are as listed" {
	verify
	expect_status 0
	expect_output "guest-tools 1.2.3"
	(cd "$M" && grep -v '^#' MANIFEST | sha256sum -c --quiet)
}

@test "verify names a file whose content was changed at the same size" {
	echo ONE >"$M/packages/one"
	verify
	expect_status 5
	expect_output "packages/one: its SHA-256"
}

@test "verify names a file that grew, one that shrank and one that is gone" {
	echo more >>"$M/two"
	verify
	expect_status 5
	expect_output "cannot use two"
	: >"$M/two"
	verify
	expect_status 5
	expect_output "cannot use two"
	rm "$M/two"
	verify
	expect_status 5
	expect_output "cannot read two"
}

@test "verify refuses a manifest that names a path outside of the medium" {
	local path
	for path in ../two /etc/passwd a/../../two './two' 'a//b'; do
		printf '# guest-tools 1\n# mode=0444 size=4\n%064d  %s\n' 0 "$path" >"$M/MANIFEST"
		sign "$M"
		verify
		expect_status 5
		expect_output "MANIFEST line 3"
	done
}

@test "verify does not follow a link out of the medium" {
	echo two >"$BATS_TEST_TMPDIR/secret"
	ln -sf ../secret "$M/two"
	verify
	expect_status 5
}

@test "verify refuses what is no manifest, with the line" {
	local bad
	for bad in 'nonsense' '# key=12' '# mode=0999 size=1' '# mode=0444 size=x' '# mode=0444 size=1 more' \
		"$(printf '%064d  two' 0)" "$(printf '%063d  two' 0)"; do
		printf '# guest-tools 1\n%s\n' "$bad" >"$M/MANIFEST"
		sign "$M"
		verify
		expect_status 5
		expect_output "MANIFEST line 2"
	done
	for bad in '' '# another project 1' '# guest-tools '; do
		echo "$bad" >"$M/MANIFEST"
		sign "$M"
		verify
		expect_status 5
		expect_output "not one of guest-tools"
	done
	echo '# guest-tools 1' >"$M/MANIFEST"
	sign "$M"
	verify
	expect_status 5
	expect_output "lists no file"
}

@test "a manifest with a NUL in it, one that is absent and a medium that is absent are refused" {
	printf '\0' >>"$M/MANIFEST"
	sign "$M"
	verify
	expect_status 5
	rm "$M/MANIFEST"
	verify
	expect_status 5
	expect_output "No such file"
	M=$BATS_TEST_TMPDIR/nothing
	verify
	expect_status 5
}

@test "a damaged medium is refused before a plan is made or anything is touched" {
	local r=$BATS_TEST_TMPDIR/r
	need_as_root
	rm -r "$M"
	medium_static "$M" 1.0.0
	chmod u+w "$M/amd64/tree/usr/sbin/guest-tools-agent"
	echo 'agent 1.0.1' >"$M/amd64/tree/usr/sbin/guest-tools-agent"
	root_debian "$r"
	snapshot "$r" >"$BATS_TEST_TMPDIR/before"
	run as_root "$SETUP" install --yes --root "$r" --medium "$M"
	expect_status 5
	snapshot "$r" | cmp - "$BATS_TEST_TMPDIR/before"
}

@test "setup finds the medium it lies on" {
	mkdir "$M/amd64"
	cp "$SETUP" "$M/amd64/setup"
	add_manifest "$M" 1.2.3
	run "$M/amd64/setup" verify
	expect_status 0
	expect_output "$M"
}
