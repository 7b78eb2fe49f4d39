# SPDX-License-Identifier: GPL-2.0-or-later
# The agent's helper: what an agent in a sandbox asks of it, and what becomes of that without it.
# shellcheck disable=SC2016,SC2034 # another shell expands; ask uses SOCKET

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load agent/agent
load agent/commands

setup()
{
	agent_config
	AGENT_HELPER=$BATS_TEST_TMPDIR/helper.sock
	agent_start
}

teardown()
{
	kill -CONT "$HELPER_PID" || true
	agent_stop
}

# What the unit's sandbox forbids.
helped()
{
	printf 'guest-%s\n' exec exec-status file-close file-flush file-open file-read file-seek \
		file-write set-time set-user-password ssh-add-authorized-keys \
		ssh-get-authorized-keys ssh-remove-authorized-keys
}

disabled() { result guest-info | jq -r '.supported_commands | map(select(.enabled | not).name) | sort[]'; }

@test "programs are the helper's children, and all that the agent told of them is true through it" {
	local file

	run exec_result '{"path":"sh","arg":["-c","echo $PPID"],"capture-output":true}'
	assert_equal "$(jq -r '."out-data"' <<<"$output" | base64 -d)" "$HELPER_PID"
	for file in commands-exec commands-file; do
		AGENT_HELPER=yes bats "$BATS_TEST_DIRNAME/$file.bats" || return
	done
}

@test "without the helper guest-info tells what is missing, and all else goes on" {
	assert_equal "$(disabled)" ""
	# Killed, it leaves the file of its socket.
	kill -KILL "$HELPER_PID"
	wait_for eval '[ "$(disabled)" != "" ]'
	assert [ -S "$AGENT_HELPER" ]
	assert_equal "$(disabled)" "$(helped)"
	run ask_command guest-exec '{"path":"true"}'
	assert_output '{"error": {"class": "CommandNotFound", "desc": "Command guest-exec has been disabled: the agent'"'"'s helper is turned off"}}'
	run result guest-ping
	assert_output '{}'
	run -0 result guest-get-host-name
}

@test "a helper that dies fails what it was doing, and the next one is asked then" {
	local answers=$BATS_TEST_TMPDIR/answers

	result guest-exec '{"path":"true"}'
	kill -STOP "$HELPER_PID"
	ask '{"execute":"guest-exec","arguments":{"path":"true"},"id":7}{"execute":"guest-ping"}' >"$answers" 3>&- &
	# The agent itself waits for nobody.
	wait_for grep -qxF '{"return": {}}' "$answers"
	kill -KILL "$HELPER_PID"
	wait_for grep -qxF '{"error": {"class": "GenericError", "desc": "the helper that did the work has ended"}, "id": 7}' "$answers"
	helper_start
	run -0 exec_result '{"path":"true"}'
}

@test "a sync voids what the helper is slow with, and later answers are not mixed up" {
	result guest-exec '{"path":"true"}'
	kill -STOP "$HELPER_PID"
	run ask '{"execute":"guest-exec","arguments":{"path":"true"},"id":1}{"execute":"guest-sync","arguments":{"id":2}}{"execute":"guest-get-host-name"}'
	assert_line --index 0 '{"return": 2}'
	assert_equal "${#lines[@]}" 2
	kill -CONT "$HELPER_PID"
	run ask '{"execute":"guest-file-open","arguments":{"path":"/none"},"id":3}{"execute":"guest-exec-status","arguments":{"pid":-4},"id":4}'
	assert_line --index 0 --partial '/none'
	assert_line --index 0 --partial '"id": 3'
	assert_line --index 1 '{"error": {"class": "GenericError", "desc": "PID -4 does not exist"}, "id": 4}'
}

@test "the helper does nothing else, keeps to the lists, and leaves its agent's files alone" {
	agent_stop
	agent_config "block-rpcs = guest-exec" "pidfile = $BATS_TEST_TMPDIR/pid" \
		"path = $BATS_TEST_TMPDIR/elsewhere"
	agent_start
	assert_equal "$(cat "$BATS_TEST_TMPDIR/pid")" "$AGENT_PID"
	SOCKET=$AGENT_HELPER
	# The agent has not come yet, or we would not be served.
	run ask_command guest-ping
	assert_output --partial "guest-ping has been disabled"
	run ask_command guest-fsfreeze-freeze
	assert_output --partial "guest-fsfreeze-freeze has been disabled"
	run ask_command guest-exec '{"path":"true"}'
	assert_output --partial "guest-exec has been disabled"
	run ask_command guest-tools-run-hooks '{"verb":"melt"}'
	assert_output --partial "there are no melt hooks"
}

@test "what is for the helper alone is not for a host" {
	run ask_command guest-tools-run-hooks '{"verb":"freeze"}'
	assert_output --partial '"class": "CommandNotFound"'
	run "$AGENT" -b help
	refute_output --partial hooks
}
