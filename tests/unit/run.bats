#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/run: what it prints and with which status it ends, for each way a test file can go.

bats_require_minimum_version 1.5.0

setup()
{
	cd "$BATS_TEST_DIRNAME/fixtures/run" || return
}

# run_tests ARG...: tests/run without anything of the bats that runs us, its inner programs on PATH
# included; no longer than a minute
run_tests()
{
	env -i PATH="${PATH##*/bats-core:}" HOME="$HOME" HANGS_PID="$BATS_TEST_TMPDIR/hangs" \
		TAP_GRACE=2 timeout 60 "$BATS_TEST_DIRNAME/../run" "$@"
}

last_line()
{
	[ "${lines[-1]}" = "$1" ]
}

# gone PID: ended, if perhaps not yet waited for by whoever inherited it
gone()
{
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}

has_line()
{
	grep -qxF -e "$1" <<<"$output"
}

@test "each test has one line, with a skip's reason and a failure's output" {
	run -1 run_tests mixed.bats
	has_line 'ok   mixed.bats: passes'
	has_line $'\ta figure: 12'
	has_line 'FAIL mixed.bats: fails here'
	has_line $'\twhat it said'
	has_line 'skip mixed.bats: skips # with a hash (no such tool)'
	has_line '      1 no such tool'
	last_line '1 passed, 1 failed, 1 skipped'
}

@test "several files are counted together" {
	run -1 run_tests passes.bats mixed.bats passes.bats only-skips.bats
	has_line '      2 no such tool'
	[[ ${lines[-1]} == *' passed, 1 failed, 2 skipped' ]]
	run -0 run_tests passes.bats only-skips.bats
	last_line '1 passed, 0 failed, 1 skipped'
}

@test "nothing but skips is not a success" {
	run -1 run_tests only-skips.bats
	last_line '0 passed, 0 failed, 1 skipped'
}

@test "a filter that leaves nothing is not a success" {
	run -1 run_tests --filter 'no test is called so' passes.bats
	last_line '0 passed, 0 failed, 0 skipped'
	run -0 run_tests --filter 'passes' passes.bats only-skips.bats
	last_line '1 passed, 0 failed, 0 skipped'
}

@test "a file that cannot be loaded, or has no test, has failed" {
	for file in syntax-error library-missing empty not-there; do
		run -1 run_tests "$file.bats" passes.bats
		grep -q "^FAIL $file.bats: " <<<"$output"
		last_line '1 passed, 1 failed, 0 skipped'
	done
}

@test "a failing setup_file fails all tests of the file, a failing teardown_file is one more" {
	run -1 run_tests setup-fails.bats
	last_line '0 passed, 2 failed, 0 skipped'
	run -1 run_tests teardown-fails.bats
	last_line '1 passed, 1 failed, 0 skipped'
}

@test "tests that were killed have failed, and are not waited for" {
	run -1 run_tests test-killed.bats
	has_line 'FAIL test-killed.bats: test 2 of 3 gave no result'
	last_line '2 passed, 1 failed, 0 skipped'
	run -1 run_tests file-killed.bats
	last_line '0 passed, 2 failed, 0 skipped'
}

@test "a process left behind does not hold the run up, and is ended" {
	run -1 run_tests leaves-process.bats
	has_line 'FAIL leaves-process.bats: does not end: something that a test started goes on'
	last_line '1 passed, 1 failed, 0 skipped'
	gone "$(cat "$BATS_TEST_TMPDIR/hangs")"
}

@test "a test that takes too long is ended" {
	run -1 run_tests --timeout 1 hangs.bats
	# bats 1.8.2 says "timeout after 1s" as well, unless the killed test is told of first.
	grep -q '^FAIL hangs.bats: hangs' <<<"$output"
	last_line '0 passed, 1 failed, 0 skipped'
}

@test "interrupted, it ends what runs and still counts" {
	env -i PATH="${PATH##*/bats-core:}" HANGS_PID="$BATS_TEST_TMPDIR/hangs" \
		"$BATS_TEST_DIRNAME/../run" passes.bats hangs.bats >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
	runner=$!
	for ((i = 0; i < 100; i++)); do
		[ ! -s "$BATS_TEST_TMPDIR/hangs" ] || ! grep -q passes "$BATS_TEST_TMPDIR/log" || break
		sleep 0.1
	done
	hanging=$(cat "$BATS_TEST_TMPDIR/hangs")
	kill -0 "$hanging"
	kill -TERM "$runner"
	status=0
	wait "$runner" || status=$?
	[ "$status" = 143 ]
	tail -n 1 "$BATS_TEST_TMPDIR/log" | grep -E '^1 passed, [01] failed, 0 skipped$'
	gone "$hanging"
}

@test "results can be had as JUnit XML" {
	command -v xmllint >/dev/null || skip "xmllint is not installed"
	run -1 run_tests --junit "$BATS_TEST_TMPDIR/junit.xml" mixed.bats
	xmllint --noout "$BATS_TEST_TMPDIR/junit.xml"
	[ "$(xmllint --xpath 'count(//testcase)' "$BATS_TEST_TMPDIR/junit.xml")" = 3 ]
	[ "$(xmllint --xpath 'string(//skipped/@message)' "$BATS_TEST_TMPDIR/junit.xml")" = "no such tool" ]
	[[ $(xmllint --xpath 'string(//failure)' "$BATS_TEST_TMPDIR/junit.xml") == *'what it said'* ]]
}

@test "help goes to standard output and fits 80 columns, wrong usage to standard error" {
	run -0 --separate-stderr run_tests --help
	[ -z "$stderr" ]
	[ -z "$(awk 'length > 80' <<<"$output")" ]
	run -2 --separate-stderr run_tests --no-such-option
	[ -z "$output" ]
	[[ $stderr == usage:* ]]
}

@test "two files of the same name in two directories both count" {
	mkdir "$BATS_TEST_TMPDIR"/{a,b}
	printf '@test "one" { false; }\n' >"$BATS_TEST_TMPDIR/a/same.bats"
	printf '@test "two" { true; }\n' >"$BATS_TEST_TMPDIR/b/same.bats"
	run run_tests --jobs 1 "$BATS_TEST_TMPDIR"/{a,b}/same.bats
	[ "$status" -eq 1 ]
	last_line "1 passed, 1 failed, 0 skipped"
}
