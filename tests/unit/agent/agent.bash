# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# An agent on a unix socket, for tests without a guest.

top=$(cd "${BASH_SOURCE[0]%/*}/../../.." && pwd)
BUILD=${BUILD:-$top/build}
AGENT=$BUILD/agent/guest-tools-agent
HOOK=$BUILD/agent/fsfreeze-hook

# wait_for COMMAND...: until it succeeds, for at most five seconds
wait_for()
{
	local i

	for ((i = 0; i < 100; i++)); do
		"$@" && return
		sleep 0.05
	done
	echo "still not so after 5 s: $*" >&2
	return 1
}

# agent_start [OPTION...]: an agent that listens on $SOCKET; RUN_UNDER is put before it. With
# AGENT_HELPER it has a helper, as in its unit.
agent_start()
{
	SOCKET=$BATS_TEST_TMPDIR/agent.sock
	AGENT_LOG=$BATS_TEST_TMPDIR/agent.log
	[ -z "${AGENT_HELPER-}" ] || helper_start
	${RUN_UNDER:+$RUN_UNDER} "$AGENT" -c "$BATS_TEST_TMPDIR/agent.conf" -m unix-listen \
		-p "$SOCKET" -F "" ${AGENT_HELPER:+"--helper=$AGENT_HELPER"} "$@" >"$AGENT_LOG" 2>&1 3>&- &
	AGENT_PID=$!
	wait_for test -S "$SOCKET"
}

helper_start()
{
	AGENT_HELPER=$BATS_TEST_TMPDIR/helper.sock
	"$AGENT" -c "$BATS_TEST_TMPDIR/agent.conf" -m helper -p "$AGENT_HELPER" -F "" \
		>"$BATS_TEST_TMPDIR/helper.log" 2>&1 3>&- &
	HELPER_PID=$!
	wait_for test -S "$AGENT_HELPER"
}

agent_config() { printf '%s\n' "[general]" "$@" >"$BATS_TEST_TMPDIR/agent.conf"; }

agent_stop()
{
	local pid

	for pid in ${AGENT_PID-} ${HELPER_PID-}; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" || true
	done
	AGENT_PID='' HELPER_PID=''
}

# ask TEXT: send it as it is, print the answers
ask() { printf '%b' "$1" | timeout 10 socat -t 5 - "UNIX-CONNECT:$SOCKET"; }

# ask_command NAME [ARGUMENTS]: one command with its arguments as JSON
ask_command() { ask "{\"execute\":\"$1\"${2:+,\"arguments\":$2}}"; }
