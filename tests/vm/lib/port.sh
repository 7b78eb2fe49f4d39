# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Commands for the agent of a guest, over its port as a host sends them.
# To be loaded after guest.sh.

# port_ask REQUEST [COUNT]: send it as it is; print so many lines of answers, one if not told
port_ask()
{
	local line i status=0 to from pid

	coproc PORT { exec socat - "UNIX-CONNECT:$(guest_agent_socket)"; }
	to=${PORT[1]} from=${PORT[0]} pid=$PORT_PID
	printf '%s\n' "$1" >&"$to"
	for ((i = 0; i < ${2:-1}; i++)); do
		IFS= read -r -t "${PORT_DEADLINE:-30}" line <&"$from" || { status=124; break; }
		printf '%s\n' "$line"
	done
	kill "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	[ "$status" = 0 ] || echo "no answer to $1" >&2
	return $status
}

# port_command NAME [ARGUMENTS]: the whole answer
port_command() { port_ask "{\"execute\":\"$1\"${2:+,\"arguments\":$2}}"; }

# port_result NAME [ARGUMENTS]: what it returns, compact; an error fails and is printed
port_result()
{
	port_command "$@" | jq -cS 'if has("return") then .return else error(.error.desc) end'
}

# port_error NAME [ARGUMENTS]: the description of the error that it gives
port_error() { port_command "$@" | jq -er .error.desc; }

# port_wait: until the agent in the guest answers
port_wait()
{
	local i

	for ((i = 0; i < 40; i++)); do
		! PORT_DEADLINE=1 port_ask '{"execute":"guest-ping"}' >/dev/null 2>&1 || return 0
	done
	echo "no agent answers" >&2
	return 1
}

# agent_put: our agent in the guest, as its service
agent_put()
{
	local unit

	for unit in guest-tools-agent.service guest-tools-helper.socket guest-tools-helper.service; do
		guest_put "$GUEST_TOP/agent/$unit" "/usr/lib/systemd/system/$unit" || return
	done
	guest_put "${AGENT:-$BUILD/agent/guest-tools-agent}" /usr/sbin/guest-tools-agent &&
		guest_run 'systemctl daemon-reload' && agent_use guest-tools-agent
}

# agent_use SERVICE: have that one answer, and no other
agent_use()
{
	guest_run "systemctl stop qemu-guest-agent guest-tools-agent 2>/dev/null; systemctl start $1" &&
		port_wait
}
