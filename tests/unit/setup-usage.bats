#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The command line: help on stdout in 80 columns, errors on stderr, documented exit codes.

bats_require_minimum_version 1.5.0
load ../installer/setup-lib

@test "help goes to stdout, fits 80 columns and names every command and exit code" {
	run "$SETUP" --help
	expect_status 0
	[ "$("$SETUP" --help 2>/dev/null | awk 'length > 80' | wc -l)" -eq 0 ]
	[ -z "$("$SETUP" --help 2>&1 >/dev/null)" ]
	for word in detect plan install status verify extract uninstall recover --yes --root --medium \
		--module --agent --replace-agent --downgrade --self-test --json --quiet --log; do
		expect_output "$word"
	done
	[ "$(sed -n '/^Exit codes/,$p' <<<"$output" | grep -cE '^ +[0-9]+  ')" -eq 14 ]
}

@test "the man page names every command, option and exit code of the help" {
	local man=$HERE/../../docs/man/guest-tools-setup.8 word
	for word in $("$SETUP" --help | sed -n '/^Commands/,/^$/p' | awk 'NR > 1 { print $1 }') \
		$("$SETUP" --help | grep -oE '^  --[a-z-]+'); do
		sed 's/\\-/-/g' "$man" | grep -qF -- "$word" || { echo "not in the man page: $word"; return 1; }
	done
	for word in $("$SETUP" --help | sed -n '/^Exit codes/,$p' | awk 'NR > 1 { print $1 }'); do
		grep -qE "^\.B $word\$" "$man" || { echo "not in the man page: exit code $word"; return 1; }
	done
}

@test "wrong usage ends with 2, says why on stderr and nothing on stdout" {
	local args
	for args in "frobnicate" "plan install" "extract" "extract a b" "plan --self-test" "--frobnicate" "plan --module=magic" \
		"plan --agent=magic" "plan --root"; do
		# shellcheck disable=SC2086 # words
		run --separate-stderr "$SETUP" $args
		expect_status 2
		[ -z "$output" ]
		# shellcheck disable=SC2154 # set by run
		[[ $stderr == "setup: "*"Try: setup --help"* ]]
	done
}

@test "version is the project's" {
	run "$SETUP" --version
	expect_status 0
	[ "$output" = "guest-tools-setup $(cat "$HERE/../../VERSION")" ]
}

@test "setup is one static program without a run-time library" {
	[ "$(od -An -tx1 -N4 "$SETUP" | tr -d ' ')" = 7f454c46 ]
	if readelf -l "$SETUP" | grep -q INTERP; then
		skip "built without the static libraries"
	fi
	[ -z "$(readelf -d "$SETUP" | grep NEEDED)" ]
	[ "$(stat -c %s "$SETUP")" -lt 1572864 ]
}

@test "install asks for --yes when there is no terminal, and changes nothing" {
	local r=$BATS_TEST_TMPDIR/r
	need_as_root
	medium_static "$BATS_TEST_TMPDIR/m" 1.0.0
	root_debian "$r"
	rm "$r/usr/bin/dpkg"
	snapshot "$r" >"$BATS_TEST_TMPDIR/before"
	run as_root "$SETUP" install --root "$r" --medium "$BATS_TEST_TMPDIR/m" </dev/null
	expect_status 8
	expect_output "--yes"
	expect_output "Steps to install"
	snapshot "$r" | cmp - "$BATS_TEST_TMPDIR/before"
}

@test "install as an ordinary user is refused in one line" {
	local as_nobody=() setup=$BATS_TEST_TMPDIR/setup

	medium_static "$BATS_TEST_TMPDIR/m" 1.0.0
	mkdir "$BATS_TEST_TMPDIR/r"
	cp "$SETUP" "$setup"
	if [ "$(id -u)" -eq 0 ]; then
		as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
		chmod -R a+rX "$BATS_RUN_TMPDIR"
	fi
	run "${as_nobody[@]}" "$setup" install --yes --root "$BATS_TEST_TMPDIR/r" --medium "$BATS_TEST_TMPDIR/m"
	expect_status 3
	[ "${#lines[@]}" -eq 1 ]
	expect_output "not root"
}

@test "with --json stdout is one document, in success and in failure" {
	run --separate-stderr "$SETUP" plan --json --root "$FIXTURES/odd-missing" \
		--medium "$BATS_TEST_TMPDIR"
	expect_status 5
	[ "$(jq -r .exit <<<"$output")" = 5 ]
	[ -n "$(jq -r .error <<<"$output")" ]
	run --separate-stderr "$SETUP" status --json --root "$FIXTURES/odd-missing"
	expect_status 10
	[ "$(jq -r .installed <<<"$output")" = false ]
}
