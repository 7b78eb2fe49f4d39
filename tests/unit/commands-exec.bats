# SPDX-License-Identifier: GPL-2.0-or-later
# guest-exec and guest-exec-status

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load agent/agent
load agent/commands

setup()
{
	agent_config
	agent_start
}

teardown() { agent_stop; }

# sh_result SCRIPT [MORE]: run by sh, with further arguments of guest-exec
sh_result()
{
	exec_result "{\"path\":\"sh\",\"arg\":[\"-c\",$(jq -n --arg s "$1" '$s')]${2:+,$2}}"
}

out() { jq -r '."out-data"' <<<"$1" | base64 -d; }

@test "status and output are told, and then forgotten" {
	local pid

	run sh_result 'echo out; echo err >&2; exit 3' '"capture-output":true'
	assert_output '{"err-data":"ZXJyCg==","err-truncated":false,"exitcode":3,"exited":true,"out-data":"b3V0Cg==","out-truncated":false}'
	run sh_result 'kill -9 $$'
	assert_output '{"exited":true,"signal":9}'
	pid=$(result guest-exec '{"path":"true"}' | jq .pid)
	wait_for eval "result guest-exec-status '{\"pid\":$pid}' | jq -e .exited"
	assert_equal "$(error_of guest-exec-status "{\"pid\":$pid}")" "PID $pid does not exist"
}

@test "each way to capture" {
	local mode

	for mode in false '"none"' '"stdout"' '"stderr"' '"separated"' '"merged"'; do
		sh_result 'echo o; echo e >&2' "\"capture-output\":$mode" |
			jq -r '[(."out-data" // "-"), (."err-data" // "-")] | join(" ")'
	done >"$BATS_TEST_TMPDIR/modes"
	run cat "$BATS_TEST_TMPDIR/modes"
	assert_output $'- -\n- -\nbwo= -\n- ZQo=\nbwo= ZQo=\nbwplCg== -'
	assert_equal "$(error_of guest-exec '{"path":"true","capture-output":"all"}')" \
		"Parameter 'capture-output' does not accept value 'all'"
	assert_equal "$(error_of guest-exec '{"path":"true","capture-output":1}')" \
		"Invalid parameter type for 'capture-output', expected: GuestExecCaptureOutput"
}

@test "input is fed, however long, and environment is replaced" {
	local input

	run out "$(exec_result '{"path":"cat","input-data":"aGVsbG8K","capture-output":true}')"
	assert_output hello
	input=$(head -c 3000000 /dev/zero | base64 -w0)
	printf '{"execute":"guest-exec","arguments":{"path":"wc","arg":["-c"],"capture-output":true,"input-data":"%s"}}' \
		"$input" >"$BATS_TEST_TMPDIR/request"
	pid=$(timeout 10 socat -t 5 - "UNIX-CONNECT:$SOCKET" <"$BATS_TEST_TMPDIR/request" | jq .return.pid)
	wait_for eval "result guest-exec-status '{\"pid\":$pid}' >$BATS_TEST_TMPDIR/status; jq -e .exited $BATS_TEST_TMPDIR/status"
	run out "$(cat "$BATS_TEST_TMPDIR/status")"
	assert_output 3000000
	run out "$(exec_result '{"path":"env","env":["A=1","B=x y"],"capture-output":true}')"
	assert_output $'A=1\nB=x y'
}

@test "a program that reads no input and one that stays do not hold the agent" {
	run sh_result 'exit 0' "\"input-data\":\"$(head -c 90000 /dev/zero | base64 -w0)\""
	assert_output '{"exitcode":0,"exited":true}'
	pid=$(result guest-exec '{"path":"sleep","arg":["60"],"capture-output":true}' | jq .pid)
	run result guest-exec-status "{\"pid\":$pid}"
	assert_output '{"exited":false}'
	run ask_command guest-ping
	assert_output '{"return": {}}'
	kill "$pid"
	wait_for eval "result guest-exec-status '{\"pid\":$pid}' | grep -F '\"signal\":15'"
}

@test "what cannot be run says why" {
	local before pid=${HELPER_PID:-$AGENT_PID}

	# A helper has a client from now on.
	error_of guest-exec-status '{"pid":0}'
	before=$(ls "/proc/$pid/fd" | wc -l)
	assert_equal "$(error_of guest-exec '{"path":"/none"}')" \
		"Failed to execute child process “/none” (No such file or directory)"
	assert_equal "$(error_of guest-exec '{"path":"/etc/passwd"}')" \
		"Failed to execute child process “/etc/passwd” (Permission denied)"
	assert_equal "$(error_of guest-exec '{"path":"cat","input-data":"!"}')" \
		"Base64 data contains invalid characters"
	# Neither a descriptor nor a zombie is left of those.
	assert_equal "$(ls "/proc/$pid/fd" | wc -l)" "$before"
	run pgrep -P "$pid"
	assert_failure
}

@test "16 MiB of each output are kept, the rest is read and dropped" {
	local pid file=$BATS_TEST_TMPDIR/status

	pid=$(result guest-exec '{"path":"sh","arg":["-c",
		"head -c 17000000 /dev/zero; head -c 16777216 /dev/zero >&2"],"capture-output":true}' | jq .pid)
	wait_for eval "ask_command guest-exec-status '{\"pid\":$pid}' >$file; ! grep -q '\"exited\": false' $file"
	run jq -r '.return | ."out-truncated", ."err-truncated", (."out-data" | length),
		(."err-data" | length), .exitcode' "$file"
	assert_output $'true\nfalse\n22369624\n22369624\n0'
}

@test "what ended and was never asked for makes room, what runs does not" {
	local many='' first i answers=$BATS_TEST_TMPDIR/answers

	first=$(result guest-exec '{"path":"true"}' | jq .pid)
	wait_for eval "! kill -0 $first 2>/dev/null"
	for ((i = 0; i < 128; i++)); do
		many+='{"execute":"guest-exec","arguments":{"path":"sleep","arg":["60"]}}'
	done
	ask "$many{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"true\"}}" >"$answers"
	jq -r '.return.pid // empty' "$answers" | xargs kill
	assert_equal "$(grep -c '"pid"' "$answers")" 128
	run tail -1 "$answers"
	assert_output --partial "cannot run the program: 128 others are running"
	assert_equal "$(error_of guest-exec-status "{\"pid\":$first}")" "PID $first does not exist"
}

@test "a program has the signals, umask and descriptors of a service" {
	run out "$(sh_result 'umask; grep -E "Sig(Blk|Ign)" /proc/self/status; ls /proc/$$/fd' '"capture-output":true')"
	assert_line 0022
	assert_line --regexp 'SigBlk:.0+$'
	# What the agent was started with is ignored, and no more: SIGPIPE is the agent's own.
	# Of grep itself: a shell that has just forked has all signals blocked for a moment.
	grep SigIgn /proc/self/status >"$BATS_TEST_TMPDIR/ignored" &
	wait $!
	assert_line "$(cat "$BATS_TEST_TMPDIR/ignored")"
	refute_line --regexp '^([3-9]|[1-9][0-9]+)$'
}
