# SPDX-License-Identifier: GPL-2.0-or-later
# fsfreezectl and the real agent, with a channel between them that is not.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load agent/agent

setup() { agent_config; }

teardown() {
	[ -z "${channel-}" ] || kill -KILL "$channel" 2>/dev/null || true
	agent_stop
}

@test "a request that is lost when the agent restarts is sent again" {
	agent_start
	printf '#!/bin/sh\nread -r lost\nexec socat - UNIX-CONNECT:%s\n' "$SOCKET" >"$BATS_TEST_TMPDIR/lossy"
	chmod +x "$BATS_TEST_TMPDIR/lossy"
	socat "UNIX-LISTEN:$BATS_TEST_TMPDIR/channel" EXEC:"$BATS_TEST_TMPDIR/lossy" 3>&- &
	channel=$!
	wait_for test -S "$BATS_TEST_TMPDIR/channel"
	run "$BUILD/host/fsfreezectl" --agent="$BATS_TEST_TMPDIR/channel" --timeout=10 status
	assert_success
	assert_output thawed
}
