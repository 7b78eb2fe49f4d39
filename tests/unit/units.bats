# SPDX-License-Identifier: GPL-2.0-or-later
# The service files, by the tools that read them. What they do is in tests/vm/sandbox.bats.
# shellcheck disable=SC2154 # top is of agent.bash

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load agent/agent

teardown() { agent_stop; }

@test "the agent's unit is rated at 4.0 or better by systemd-analyze" {
	command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
	systemd-analyze security --help | grep -q -e --offline || skip "systemd-analyze is older than 250"
	run systemd-analyze security --offline=yes --threshold=40 "$top/agent/guest-tools-agent.service"
	assert_success
	assert_line --partial 'Overall exposure level for guest-tools-agent.service'
}

@test "systemd understands every line of the units" {
	command -v systemd-analyze >/dev/null || skip "systemd-analyze is not installed"
	cp "$top"/agent/guest-tools-*.service "$top"/agent/guest-tools-*.socket "$BATS_TEST_TMPDIR"
	sed -i "s,/usr/sbin/guest-tools-agent,$AGENT,; /^Documentation=/d" "$BATS_TEST_TMPDIR"/*.service
	sed -i '/^Documentation=/d' "$BATS_TEST_TMPDIR"/*.socket
	run systemd-analyze verify "$BATS_TEST_TMPDIR"/guest-tools-*
	assert_success
	assert_output ""
}

@test "the units name no setting that keeps old systemd from starting the agent" {
	# A list of what is allowed would be one of names that it does not know.
	run grep -h '^SystemCallFilter=' "$top/agent/guest-tools-agent.service"
	assert_line --regexp '^SystemCallFilter=~'
	refute_line --regexp '^SystemCallFilter=[^~]'
}

# stanzas FILE: of an upstart job; fails at a line that upstart 0.6.5 would not understand
stanzas()
{
	awk '
		/^[[:space:]]*(#|$)/ { next }
		script { if ($0 == "end script") script = 0; else if (/^[^[:space:]]/) bad(); next }
		/^description "[^"]*"$/ || /^(start|stop) on [a-z]+( \[!?[0-9]+\])?$/ ||
		/^respawn( limit [0-9]+ [0-9]+)?$/ || /^kill timeout [0-9]+$/ ||
		/^oom (never|-?[0-9]+)$/ || /^((pre-start|post-stop) )?exec ./ { print $1; next }
		/^((pre-start|post-stop) )?script$/ { script = 1; print $1; next }
		{ bad() }
		function bad() { print "line " NR ": " $0 >"/dev/stderr"; failed = 1; exit }
		END { exit failed || script }' "$1"
}

@test "the upstart job is one that the oldest upstart reads, and thaws before each start and at the end" {
	run stanzas "$top/agent/init/upstart"
	assert_success
	assert_equal "$(grep -cx -e respawn -e exec -e post-stop <<<"$output")" 4
	# The reader finds what is wrong.
	printf 'exec /bin/true\nconsole log\n' >"$BATS_TEST_TMPDIR/new"
	run stanzas "$BATS_TEST_TMPDIR/new"
	assert_failure
	printf 'post-stop script\n\ttrue\n' >"$BATS_TEST_TMPDIR/open"
	run stanzas "$BATS_TEST_TMPDIR/open"
	assert_failure
}

@test "the commands of the upstart job run, as upstart runs them" {
	local job=$BATS_TEST_TMPDIR/job

	agent_config
	printf '#!/bin/sh\necho "$@" >>"%s/calls"\nexec "%s" -c "%s/agent.conf" -m unix-listen -p "%s/sock" "$@"\n' \
		"$BATS_TEST_TMPDIR" "$AGENT" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR" >"$BATS_TEST_TMPDIR/agent"
	chmod 755 "$BATS_TEST_TMPDIR/agent"
	sed "s,/usr/sbin/guest-tools-agent,$BATS_TEST_TMPDIR/agent,; s/modprobe/false/" \
		"$top/agent/init/upstart" >"$job"
	run sh -ec "$(sed -n 's/^pre-start exec //p' "$job")"
	assert_success
	sh -ec "$(sed -n 's/^exec /exec /p' "$job")" >/dev/null 2>&1 3>&- &
	AGENT_PID=$!
	wait_for test -S "$BATS_TEST_TMPDIR/sock"
	# It stays in the foreground, and in that process.
	assert_equal "$(readlink "/proc/$AGENT_PID/exe")" "$(readlink -f "$AGENT")"
	kill "$AGENT_PID"
	wait "$AGENT_PID"
	AGENT_PID=
	run sh -ec "$(sed -n '/^post-stop script/,/^end script/{//!p}' "$job")"
	assert_success
	assert_equal "$(cat "$BATS_TEST_TMPDIR/calls")" $'\n--thaw'
}

@test "the init scripts are scripts" {
	run shellcheck -s dash "$top/agent/init/sysvinit"
	assert_success
	run sh -n "$top/agent/init/openrc"
	assert_success
	# What LSB wants at its top is there, and what is not understood is refused.
	run sh "$top/agent/init/sysvinit" melt
	assert_failure 2
	assert_output --partial 'start|stop'
}
