#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# status --self-test with the real agent, on this machine's loop devices, in a mount namespace
# where the agent looks installed. In a guest, with the module too, it is in setup.bats.

bats_require_minimum_version 1.5.0
load ../installer/setup-lib

setup() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	[ -e /dev/loop-control ] || skip "no loop devices here"
	command -v mkfs.ext4 >/dev/null || skip "mkfs.ext4 is not installed"
	AGENT=$BUILD/agent/guest-tools-agent
	[ -x "$AGENT" ] || skip "no $AGENT"
	T=$(mktemp -d /var/tmp/setup-selftest.XXXXXX)
	mkdir "$T/upper" "$T/work"
	install -m 755 "$AGENT" "$T/upper/guest-tools-agent"
}

teardown() {
	[ -z "${T:-}" ] || rm -rf "$T"
}

# self_test: where /usr/sbin has the agent of $T/upper
self_test() {
	exec unshare --mount sh -c 'mount --make-rprivate / && mount -t overlay overlay \
		-o "lowerdir=/usr/sbin,upperdir=$1/upper,workdir=$1/work" /usr/sbin &&
		exec "$2" status --self-test --json' sh "$T" "$SETUP"
}

# nothing_left: within the time after which the agent thaws
nothing_left() {
	local try
	for ((try = 0; try < 150; try++)); do
		if ! grep -qs guest-tools-scratch /sys/block/loop*/loop/backing_file /proc/self/mounts &&
			! pgrep -f "config=/run/guest-tools-scratch.conf" >/dev/null; then
			[ ! -e /run/guest-tools-scratch ]
			return
		fi
		sleep 0.1
	done
	grep -s . /sys/block/loop*/loop/backing_file
	pgrep -fa "config=/run/guest-tools-scratch.conf"
	return 1
}

# frozen: start a self-test in the background, and return while a writer is held back
frozen() {
	local try
	self_test >"$T/out" 2>"$T/err" 3>&- &
	PID=$!
	for ((try = 0; try < 600; try++)); do
		[ "$(wc -w <"/proc/$PID/task/$PID/children" 2>/dev/null)" != 2 ] || return 0
		sleep 0.02
	done
	cat "$T/out" "$T/err"
	return 1
}

@test "the self-test sees a write wait while frozen, names the engine, and leaves nothing" {
	run --separate-stderr self_test
	echo "$output"
	jq -e '.self_test.result == "works" and .self_test.file_system == "ext4" and
		(.self_test.engine | IN("userland", "kernel"))' <<<"$output"
	nothing_left
}

@test "an agent that answers but does not freeze fails the self-test" {
	cat >"$T/upper/guest-tools-agent" <<-'END'
		#!/usr/bin/python3
		import json, socket
		s = socket.socket(socket.AF_UNIX)
		s.bind("/run/guest-tools-scratch.socket")
		s.listen(1)
		c = s.accept()[0].makefile("rw")
		for line in iter(c.readline, ""):
		    info = json.loads(line)["execute"] == "guest-tools-fsfreeze-info"
		    c.write(json.dumps({"return": {"engine": "none"} if info else 1}) + "\n")
		    c.flush()
	END
	run --separate-stderr self_test
	expect_status 11
	[ "$(jq -r .self_test.result <<<"$output")" = fails ]
	[[ $(jq -r .error <<<"$output") == *"it was done while frozen" ]]
	nothing_left
}

@test "an agent that cannot run fails the self-test, in a sentence" {
	printf '#!/bin/sh\nexit 1\n' >"$T/upper/guest-tools-agent"
	run --separate-stderr self_test
	expect_status 11
	[[ $(jq -r .error <<<"$output") == *"cannot run /usr/sbin/guest-tools-agent"* ]]
	nothing_left
}

@test "setup killed while the file system is frozen: it thaws, and nothing is left" {
	frozen
	kill -KILL "$PID"
	wait "$PID" || true
	nothing_left
}

@test "an agent that hangs while the file system is frozen: it is thawed all the same" {
	local agent status=0
	frozen
	agent=$(pgrep -P "$PID" -f "config=/run/guest-tools-scratch.conf")
	kill -STOP "$agent"
	wait "$PID" || status=$?
	[ "$status" -eq 11 ]
	[[ $(jq -r .error "$T/out") == *"cannot guest-fsfreeze-thaw: the agent says: nothing" ]]
	nothing_left
}

@test "on another root than the running system it cannot be tried, and says so" {
	mkdir -p "$T/r/var/lib" "$T/r/usr/sbin"
	root_debian "$T/r"
	install -m 755 "$AGENT" "$T/r/usr/sbin/guest-tools-agent"
	run --separate-stderr "$SETUP" status --self-test --json --root "$T/r"
	expect_status 3
	[ "$(jq -r .self_test.result <<<"$output")" = cannot ]
	[[ $(jq -r .error <<<"$output") == *"is not the running system"* ]]
}
