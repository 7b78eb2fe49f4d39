# SPDX-License-Identifier: GPL-2.0-or-later
# The agent on a unix socket: protocol, options, stopping. Nothing is frozen here.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load agent/agent

setup() { agent_config; }
teardown() { agent_stop; }

is_error() { jq -e --arg c "$1" --arg d "$2" '.error.class == $c and (.error.desc | contains($d))' <<<"$output"; }

@test "ping, sync and info are answered, each on a line" {
	agent_start
	run ask '{"execute":"guest-ping"}{"execute":"guest-sync","arguments":{"id":7}}'
	assert_line --index 0 '{"return": {}}'
	assert_line --index 1 '{"return": 7}'
	run ask_command guest-info
	run jq -r '.return.version, (.return.supported_commands[] | select(.enabled) | .name)' <<<"$output"
	assert_line --index 0 "$(cat "$top/VERSION")"
	assert_line guest-fsfreeze-freeze
	assert_line guest-fsfreeze-thaw
}

@test "the answer to guest-sync-delimited begins with 0xFF" {
	agent_start
	run bash -c "printf '{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":5}}' |
		socat -t 5 - UNIX-CONNECT:$SOCKET | od -An -tx1"
	assert_output --partial "ff 7b 22"
}

@test "the request's id comes back" {
	agent_start
	run ask '{"execute":"guest-ping","id":{"a":[1]}}'
	assert_output '{"return": {}, "id": {"a": [1]}}'
	run ask '{"execute":"nonsense","id":"x"}'
	assert_output --partial '"id": "x"'
}

@test "half a request of a client that left does not reach the next one" {
	agent_start
	ask '{"execute":"guest-sync","arguments":{"id":'
	run ask '{"execute":"guest-ping"}'
	assert_output '{"return": {}}'
}

@test "0xFF forgets what came before it, silently" {
	agent_start
	run ask '{"execute":"guest-\xff{"execute":"guest-ping"}'
	assert_output '{"return": {}}'
}

@test "wrong requests are answered with what is wrong" {
	agent_start
	local i=0 cases=(
		'[1]' GenericError 'must be a JSON object'
		'{}' GenericError "lacks member 'execute'"
		'{"execute":1}' GenericError "'execute' must be a string"
		'{"execute":"guest-ping","arguments":1}' GenericError "'arguments' must be an object"
		'{"execute":"guest-ping","more":1}' GenericError "'more' is unexpected"
		'{"execute":"guest-ping","arguments":{"a":1}}' GenericError "Parameter 'a' is unexpected"
		'{"execute":"guest-sync"}' GenericError "Parameter 'id' is missing"
		'{"execute":"guest-sync","arguments":{"id":"x"}}' GenericError "expected: integer"
		'{"execute":"guest-ping",,}' GenericError "JSON parse error"
		'garbage\n' GenericError "JSON parse error"
		'{"execute":"guest-nothing"}' CommandNotFound "guest-nothing has not been found"
	)

	for ((i = 0; i < ${#cases[@]}; i += 3)); do
		run ask "${cases[i]}"
		is_error "${cases[i + 1]}" "${cases[i + 2]}" || fail "${cases[i]}: $output"
	done
	run ask_command guest-ping
	assert_output '{"return": {}}'
}

@test "blocked commands are refused and reported as disabled" {
	agent_config 'block-rpcs = guest-ping; guest-fsfreeze-freeze'
	agent_start
	run ask_command guest-ping
	is_error CommandNotFound "guest-ping has been disabled"
	run bash -c "$(declare -f ask ask_command); SOCKET=$SOCKET ask_command guest-info |
		jq -r '.return.supported_commands[] | select(.enabled | not) | .name'"
	assert_output $'guest-ping\nguest-fsfreeze-freeze'
}

@test "an unknown name in a list of commands keeps the agent from starting" {
	run timeout 5 "$AGENT" -m unix-listen -p "$BATS_TEST_TMPDIR/s" -b guest-pong
	assert_failure 1
	assert_output --partial "'guest-pong': no such command"
	assert [ ! -e "$BATS_TEST_TMPDIR/s" ]
}

@test "a path where nothing can be frozen is an error that names it" {
	agent_start --engine userland
	run ask_command guest-fsfreeze-freeze-list '{"mountpoints":["/no/such/mount"]}'
	is_error GenericError "/no/such/mount: nothing is mounted there"
	run ask_command guest-fsfreeze-freeze-list '{"mountpoints":["/proc"]}'
	is_error GenericError "/proc: not a writable file system on a block device"
	run ask_command guest-fsfreeze-status
	assert_output '{"return": "thawed"}'
	run ask_command guest-fsfreeze-thaw
	assert_output '{"return": 0}'
}

@test "a stalled reader makes the agent wait, not spin or grow" {
	agent_start
	# Nobody reads the answers of this client.
	(yes '{"execute":"guest-info"}' | timeout 3 socat -u - "UNIX-CONNECT:$SOCKET" 3>&- || true) &
	local client=$! before after
	sleep 1.5
	before=$(awk '{ print $14 + $15 }' "/proc/$AGENT_PID/stat")
	sleep 1
	after=$(awk '{ print $14 + $15 }' "/proc/$AGENT_PID/stat")
	# Less than a tenth of the second, in ticks of 10 ms.
	assert [ $((after - before)) -lt 10 ]
	assert [ "$(awk '/RssAnon/ { print $2 }' "/proc/$AGENT_PID/status")" -lt 16384 ]
	wait "$client" || true
	run ask_command guest-ping
	assert_output '{"return": {}}'
}

@test "SIGTERM ends the agent and removes its socket" {
	agent_start
	kill "$AGENT_PID"
	wait "$AGENT_PID"
	assert [ ! -e "$SOCKET" ]
	AGENT_PID=
}

@test "a socket left by a killed agent is taken over, one in use is not" {
	agent_start
	run timeout 5 "$AGENT" -m unix-listen -p "$SOCKET"
	assert_failure 1
	assert_output --partial "Address in use"
	run ask_command guest-ping
	assert_output '{"return": {}}'
	kill -9 "$AGENT_PID"
	wait "$AGENT_PID" || true
	agent_start
	wait_for ask_command guest-ping
}

@test "the agent has one thread, and sleeps when nobody asks" {
	agent_start
	ask_command guest-ping
	assert_equal "$(ls "/proc/$AGENT_PID/task" | wc -l)" 1
	local before after
	before=$(awk '/ctxt/ { n += $2 } END { print n }' "/proc/$AGENT_PID/status")
	sleep 2
	after=$(awk '/ctxt/ { n += $2 } END { print n }' "/proc/$AGENT_PID/status")
	assert_equal "$before" "$after"
}

@test "help fits a terminal and goes to stdout, usage errors go to stderr" {
	run --separate-stderr "$AGENT" --help
	assert_success
	assert_equal "$stderr" ""
	assert [ "$(awk 'length > 79' <<<"$output" | wc -l)" = 0 ]
	assert_line --partial guest-fsfreeze-freeze-list
	run --separate-stderr "$AGENT" --no-such-option
	assert_failure 2
	assert_equal "$output" ""
	[[ $stderr == *"Unknown option --no-such-option"* ]]
	run "$AGENT" --freeze-timeout=0x
	assert_failure 2
	run "$AGENT" --version
	assert_output "guest-tools-agent $(cat "$top/VERSION")"
}

@test "a wrong config stops the agent with its name; the command line wins" {
	agent_config 'freeze-timeout = 9999'
	run "$AGENT" -c "$BATS_TEST_TMPDIR/agent.conf" -D
	assert_failure 2
	assert_output --partial "$BATS_TEST_TMPDIR/agent.conf: freeze-timeout must be 1 to 110 seconds"
	agent_config 'freeze-timeout = 30' 'method = isa-serial'
	run "$AGENT" -c "$BATS_TEST_TMPDIR/agent.conf" -D --freeze-timeout=20
	assert_line freeze-timeout=20
	assert_line method=isa-serial
	run "$AGENT" -c "$BATS_TEST_TMPDIR/missing.conf" -D
	assert_failure 2
}

@test "-d returns when the agent answers, and the pidfile has its process" {
	local pidfile=$BATS_TEST_TMPDIR/pid
	SOCKET=$BATS_TEST_TMPDIR/agent.sock
	run timeout 10 "$AGENT" -dv -c "$BATS_TEST_TMPDIR/agent.conf" -munix-listen -p "$SOCKET" \
		-f "$pidfile" -l "$BATS_TEST_TMPDIR/log" 3>&-
	assert_success
	assert_output ""
	AGENT_PID=$(cat "$pidfile")
	run ask_command guest-ping
	assert_output '{"return": {}}'
	assert_equal "$(readlink "/proc/$AGENT_PID/fd/0" "/proc/$AGENT_PID/fd/2")" $'/dev/null\n/dev/null'
	kill "$AGENT_PID"
	wait_for test ! -e "$pidfile"
	AGENT_PID=
}

@test "a daemon that cannot serve says so and fails before it returns" {
	run timeout 10 "$AGENT" -d -c "$BATS_TEST_TMPDIR/agent.conf" -m unix-listen -p /no/such/dir/s 3>&-
	assert_failure 1
	assert_output --partial "cannot listen on /no/such/dir/s"
}

@test "a pidfile in use names its holder, one left behind is taken over" {
	local pidfile=$BATS_TEST_TMPDIR/pid
	echo 99999999999 >"$pidfile"
	agent_start -f "$pidfile"
	assert_equal "$(cat "$pidfile")" "$AGENT_PID"
	run timeout 5 "$AGENT" -c "$BATS_TEST_TMPDIR/agent.conf" -m unix-listen \
		-p "$BATS_TEST_TMPDIR/other" -f "$pidfile"
	assert_failure 1
	assert_output --partial "cannot use pidfile $pidfile: process $AGENT_PID has it"
	assert_equal "$(cat "$pidfile")" "$AGENT_PID"
}

@test "a socket that a service manager passes is served, and left where it is" {
	SOCKET=$BATS_TEST_TMPDIR/agent.sock
	"${BATS_TEST_DIRNAME}/agent/activate" "$SOCKET" "$AGENT" -c "$BATS_TEST_TMPDIR/agent.conf" \
		-m unix-listen -p "$SOCKET" -F "" >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
	AGENT_PID=$!
	wait_for test -S "$SOCKET"
	run ask_command guest-ping
	assert_output '{"return": {}}'
	agent_stop
	assert [ -S "$SOCKET" ]
	run timeout 5 "${BATS_TEST_DIRNAME}/agent/activate" "$SOCKET.2" "$AGENT" \
		-c "$BATS_TEST_TMPDIR/agent.conf" -m vsock-listen -F ""
	assert_failure 1
	assert_output --partial "cannot use the 1 sockets that were passed: method vsock-listen wants one"
}

@test "SIGHUP reads the options again, and a wrong config changes nothing" {
	local log=$BATS_TEST_TMPDIR/log
	agent_start -l "$log"
	run ask_command guest-get-host-name
	assert_success
	refute_output --partial error
	mv "$log" "$log.1"
	agent_config 'block-rpcs = guest-get-host-name'
	kill -HUP "$AGENT_PID"
	wait_for grep -q "options are read again" "$log"
	run ask_command guest-get-host-name
	is_error CommandNotFound "guest-get-host-name has been disabled"
	agent_config 'block-rpcs = guest-nothing'
	kill -HUP "$AGENT_PID"
	wait_for grep -q "cannot reload: .*guest-nothing" "$log"
	run ask_command guest-get-host-name
	is_error CommandNotFound "guest-get-host-name has been disabled"
	agent_config 'freeze-timeout = 9999'
	kill -HUP "$AGENT_PID"
	wait_for grep -q "cannot reload: .*freeze-timeout" "$log"
	run ask_command guest-ping
	assert_output '{"return": {}}'
}

@test "options are not read again before a freeze is over" {
	printf '#!/bin/sh\n[ $1 = thaw ] || sleep 60\n' >"$BATS_TEST_TMPDIR/hook"
	chmod 755 "$BATS_TEST_TMPDIR/hook"
	agent_start --engine userland -F "$BATS_TEST_TMPDIR/hook"
	ask_command guest-fsfreeze-freeze-list '{"mountpoints":["/proc"]}' 3>&- &
	wait_for pgrep -P "$AGENT_PID" hook
	kill -HUP "$AGENT_PID"
	sleep 0.3
	run grep "options are read again" "$AGENT_LOG"
	assert_failure
	pkill -P "$AGENT_PID" hook
	wait_for grep -q "options are read again" "$AGENT_LOG"
	wait $! || true
}

@test "a reload that fails half way leaves what was in force" {
	agent_config "logfile = $BATS_TEST_TMPDIR/log" 'block-rpcs = guest-get-host-name'
	agent_start
	agent_config 'logfile = /no/such/dir/log'
	kill -HUP "$AGENT_PID"
	wait_for grep -q "cannot reload: cannot open log file /no/such/dir/log" "$BATS_TEST_TMPDIR/log"
	run ask_command guest-get-host-name
	is_error CommandNotFound "guest-get-host-name has been disabled"
}

@test "the read-only profile leaves freeze, status and info" {
	agent_start --profile=read-only -a "guest-ping,guest-info,guest-exec;guest-fsfreeze-status"
	run ask_command guest-exec '{"path":"/bin/true"}'
	is_error CommandNotFound "guest-exec has been disabled"
	agent_stop
	agent_start --profile=read-only
	run bash -c "$(declare -f ask ask_command); SOCKET=$SOCKET ask_command guest-info |
		jq -r '.return.supported_commands[] | select(.enabled) | .name' | sort"
	assert_output "guest-fsfreeze-freeze
guest-fsfreeze-freeze-list
guest-fsfreeze-status
guest-fsfreeze-thaw
guest-info
guest-ping
guest-sync
guest-sync-delimited
guest-tools-fsfreeze-extend
guest-tools-fsfreeze-info"
	run timeout 5 "$AGENT" -m unix-listen -p "$SOCKET.2" --profile=half
	assert_failure 1
	assert_output --partial "no profile 'half'; there are: full, read-only"
}

@test "the command line of the QEMU guest agent is understood in all its forms" {
	cat >"$BATS_TEST_TMPDIR/qga.conf" <<-END
		[general]
		blacklist = guest-exec
		fsfreeze-hook = /etc/qemu/fsfreeze-hook
		verbose = true
		statedir = /run
		path = /dev/of-qga
	END
	QGA_CONF=$BATS_TEST_TMPDIR/qga.conf run "$AGENT" -D
	assert_success
	assert_line block-rpcs=guest-exec
	assert_line fsfreeze-hook=/usr/libexec/guest-tools/fsfreeze-hook
	assert_line path=/dev/of-qga
	assert_line verbose=true
	QGA_CONF=$BATS_TEST_TMPDIR/qga.conf run "$AGENT" -D -bguest-ping -b guest-info -p/dev/x -F -vt /run \
		--blacklist=guest-sync -r
	assert_success
	assert_line block-rpcs=guest-ping,guest-info,guest-sync
	assert_line path=/dev/x
	assert_line fsfreeze-hook=/usr/libexec/guest-tools/fsfreeze-hook
	run "$AGENT" -D -c "$BATS_TEST_TMPDIR/agent.conf" -F/my/hook
	assert_line fsfreeze-hook=/my/hook
	QGA_CONF=/no/such/file run "$AGENT" -D
	assert_failure 2
	run "$AGENT" -b help
	assert_success
	assert_line guest-fsfreeze-freeze
}

@test "1500 stops with requests of all kinds in flight" {
	gcc -D_GNU_SOURCE -Wall -Wextra -Werror -O1 -o "$BATS_TEST_TMPDIR/stops" "$BATS_TEST_DIRNAME/agent/stops.c"
	agent_config
	TMPDIR=$BATS_TEST_TMPDIR run "$BATS_TEST_TMPDIR/stops" 1500 "$AGENT" -c "$BATS_TEST_TMPDIR/agent.conf" \
		-m unix-listen -p "$BATS_TEST_TMPDIR/none" -F ""
	assert_success
	assert_output --regexp '^1500 stops, [0-9]{3,} with a reply before$'
}
