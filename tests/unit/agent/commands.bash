# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# One command and what came of it. To be loaded after agent.bash.

# result NAME [ARGUMENTS]: what it returns, compact; an error fails and is printed
result()
{
	local answer

	answer=$(ask_command "$@")
	jq -ceS 'if has("return") then .return else error(.error.desc) end' <<<"$answer" ||
		[ "$(jq -c .return <<<"$answer")" = false ]
}

# error_of NAME [ARGUMENTS]: the description of the error it gives, which must be generic
error_of()
{
	ask_command "$@" | jq -er '.error | select(.class == "GenericError") | .desc'
}

# exec_result ARGUMENTS: guest-exec, and its status when it is over
exec_result()
{
	local pid status i

	pid=$(result guest-exec "$1" | jq .pid) || return
	for ((i = 0; i < 100; i++)); do
		status=$(result guest-exec-status "{\"pid\":$pid}")
		[ "$(jq .exited <<<"$status")" = false ] || break
		sleep 0.1
	done
	echo "$status"
}
