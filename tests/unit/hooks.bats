# SPDX-License-Identifier: GPL-2.0-or-later
# The hook runner, on a directory of its own.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load agent/agent

setup()
{
	hooks=$BATS_TEST_TMPDIR/hooks.d
	calls=$BATS_TEST_TMPDIR/calls
	record=$BATS_TEST_TMPDIR/record
	mkdir -m 755 "$hooks"
	touch "$calls"
}

# hook NAME [LINE]: a hook that notes its call and then runs LINE
hook()
{
	printf '#!/bin/sh\necho "%s $1" >>"%s"\n%s\n' "$1" "$calls" "${2-}" >"$hooks/$1"
	chmod 755 "$hooks/$1"
}

# A process is over when it is gone, or only waits for its parent to notice.
is_over() { ! grep -qs '^State:[[:space:]]*[^Z]' "/proc/$1/status"; }

runner() { "$HOOK" --directory="$hooks" --record="$record" "$@"; }

@test "hooks freeze in the order of their names and thaw in reverse" {
	hook 20-b
	hook 10-a
	hook 30-c
	run runner freeze
	assert_success
	run runner thaw
	assert_success
	assert_equal "$(cat "$calls")" $'10-a freeze\n20-b freeze\n30-c freeze\n30-c thaw\n20-b thaw\n10-a thaw'
	assert [ ! -e "$record" ]
}

@test "a hook that fails vetoes with its last words; those begun are thawed" {
	hook 10-a
	hook 20-b 'if [ $1 = freeze ]; then echo first; echo "database is locked"; exit 3; fi'
	hook 30-c
	run runner freeze
	assert_failure 1
	assert_line --partial "hook $hooks/20-b freeze failed with status 3: database is locked"
	assert_equal "$(cat "$calls")" $'10-a freeze\n20-b freeze\n20-b thaw\n10-a thaw'
}

@test "a thaw without a freeze calls nothing" {
	hook 10-a
	run runner thaw
	assert_success
	assert_equal "$(cat "$calls")" ""
}

@test "a hook that hangs is ended with all it started, and vetoes" {
	hook 10-a 'if [ $1 = freeze ]; then trap "" TERM; sleep 300 & echo $! >"$0.pid"; wait; fi'
	run runner --hook-timeout=1 freeze
	assert_failure 1
	assert_output --partial "took too long and was ended"
	wait_for is_over "$(cat "$hooks/10-a.pid")"
	assert_equal "$(cat "$calls")" $'10-a freeze\n10-a thaw'
}

@test "a child in the background that keeps the output open is not waited for" {
	hook 10-a 'sleep 30 & echo $! >"$0.pid"'
	SECONDS=0
	run bash -c "'$HOOK' --directory='$hooks' --record='$record' freeze >/dev/null"
	assert_success
	assert [ "$SECONDS" -lt 10 ]
	kill "$(cat "$hooks/10-a.pid")"
}

@test "the time of all hooks together is bounded" {
	hook 10-a 'sleep 0.7'
	hook 20-b 'if [ $1 = freeze ]; then sleep 30; fi'
	run runner --timeout=1 freeze
	assert_failure 1
	assert_output --partial "20-b freeze took too long"
}

@test "hooks that others can write are refused, and nothing is run" {
	hook 10-a
	hook 20-b
	chmod 775 "$hooks/20-b"
	run runner freeze
	assert_failure 1
	assert_output --partial "cannot use hook $hooks/20-b: others than root can write it"
	chmod 755 "$hooks/20-b"
	chmod 777 "$hooks"
	run runner freeze
	assert_failure 1
	assert_equal "$(cat "$calls")" ""
}

@test "leftovers of editors and packages and plain files are not run" {
	for name in a~ b.bak c.orig d.sample e.rpmnew f.dpkg-old .hidden; do
		hook "$name"
	done
	echo text >"$hooks/README"
	run runner freeze
	assert_success
	assert_equal "$(cat "$calls")" ""
}

@test "a freeze whose runner was killed is thawed by the next runner" {
	hook 10-a 'if [ $1 = freeze ]; then echo $PPID >"$0.runner"; sleep 60; fi'
	runner freeze >/dev/null 2>&1 3>&- &
	wait_for test -s "$hooks/10-a.runner"
	kill -9 "$(cat "$hooks/10-a.runner")"
	run runner thaw
	assert_success
	assert_equal "$(cat "$calls")" $'10-a freeze\n10-a thaw'
	pkill -f "$hooks/10-a" || true
}

@test "a runner told to stop ends its hook and thaws those begun" {
	hook 10-a
	hook 20-b 'if [ $1 = freeze ]; then echo $PPID >"$0.runner"; sleep 60; fi'
	local status=0
	runner freeze >/dev/null 2>&1 3>&- &
	wait_for test -s "$hooks/20-b.runner"
	kill "$(cat "$hooks/20-b.runner")"
	wait $! || status=$?
	assert_equal "$status" 1
	assert_equal "$(cat "$calls")" $'10-a freeze\n20-b freeze\n20-b thaw\n10-a thaw'
}

@test "the agent runs the hooks around a freeze, and names the one that vetoes" {
	hook 10-a
	hook 20-b 'if [ $1 = freeze ]; then echo "not now"; exit 1; fi'
	printf '#!/bin/sh\nshift $(($# - 1))\nexec %s --directory=%s --record=%s "$1"\n' "$HOOK" "$hooks" "$record" \
		>"$BATS_TEST_TMPDIR/runner"
	chmod 755 "$BATS_TEST_TMPDIR/runner"
	agent_config
	agent_start --engine userland -F "$BATS_TEST_TMPDIR/runner"
	run ask_command guest-fsfreeze-freeze-list '{"mountpoints":["/proc"]}'
	agent_stop
	assert_output --partial "the freeze hooks failed: "
	assert_output --partial "20-b freeze failed with status 1: not now"
	assert_equal "$(cat "$calls")" $'10-a freeze\n20-b freeze\n20-b thaw\n10-a thaw'
}

@test "wrong usage says what is right" {
	run "$HOOK"
	assert_failure 2
	run "$HOOK" melt
	assert_failure 2
	assert_output --partial "no verb 'melt'"
	run --separate-stderr "$HOOK" --help
	assert_success
	assert_equal "$stderr" ""
}
