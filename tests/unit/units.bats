# SPDX-License-Identifier: GPL-2.0-or-later
# The service files, by the tools that read them. What they do is in tests/vm/sandbox.bats.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load agent/agent

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
