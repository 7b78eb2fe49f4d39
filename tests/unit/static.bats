# SPDX-License-Identifier: GPL-2.0-or-later
# What the static programs are made of, and on how old a kernel they run.

bats_load_library bats-support
bats_load_library bats-assert
load agent/agent

teardown() { agent_stop; }

programs=(agent/guest-tools-agent agent/fsfreeze-hook installer/setup)

@test "the static programs need no library and no loader" {
	for program in "${programs[@]}"; do
		run readelf -ld "$BUILD/$program"
		refute_line --partial NEEDED
		refute_line --partial INTERP
	done
}

@test "the static programs are position independent, with their relocations read-only" {
	for program in "${programs[@]}"; do
		run readelf -hlW "$BUILD/$program"
		assert_line --regexp 'Type: +DYN'
		assert_line --partial GNU_RELRO
		refute_line --regexp 'LOAD.* RWE'
		assert_line --regexp 'GNU_STACK.* RW +0x'
		run readelf -dW "$BUILD/$program"
		assert_line --partial BIND_NOW
	done
}

@test "the agent is smaller than 1.5 MiB" {
	assert [ "$(stat -c %s "$AGENT")" -lt $((1536 * 1024)) ]
}

@test "the agent answers and runs hooks with the system calls of Linux 2.6.32 alone" {
	[ "$(uname -m)" = x86_64 ] || skip "the list of calls is that of x86-64"
	old=$BATS_TEST_TMPDIR/old-kernel
	cc -O -o "$old" "$BATS_TEST_DIRNAME/agent/old-kernel.c"
	# The filter filters: a program of today sees no getrandom(2).
	cat >"$BATS_TEST_TMPDIR/probe.c" <<-'END'
		#include <sys/syscall.h>
		#include <unistd.h>
		int main(void) { char b; return syscall(SYS_getrandom, &b, 1, 0) == 1; }
	END
	cc -o "$BATS_TEST_TMPDIR/probe" "$BATS_TEST_TMPDIR/probe.c"
	run "$BATS_TEST_TMPDIR/probe"
	assert_failure 1
	run "$old" "$BATS_TEST_TMPDIR/probe"
	assert_success

	mkdir -m 755 "$BATS_TEST_TMPDIR/hooks.d"
	printf '#!/bin/sh\necho "$1" >>%s\n' "$BATS_TEST_TMPDIR/calls" >"$BATS_TEST_TMPDIR/hooks.d/a"
	chmod 755 "$BATS_TEST_TMPDIR/hooks.d/a"
	printf '#!/bin/sh\nshift $(($# - 1))\nexec %s --directory=%s --record=%s "$1"\n' "$HOOK" \
		"$BATS_TEST_TMPDIR/hooks.d" "$BATS_TEST_TMPDIR/record" >"$BATS_TEST_TMPDIR/runner"
	chmod 755 "$BATS_TEST_TMPDIR/runner"
	agent_config
	RUN_UNDER=$old agent_start --engine userland -F "$BATS_TEST_TMPDIR/runner"
	run ask_command guest-ping
	assert_output '{"return": {}}'
	run ask_command guest-fsfreeze-freeze-list '{"mountpoints":["/proc"]}'
	assert_output --partial "not a writable file system"
	assert_equal "$(cat "$BATS_TEST_TMPDIR/calls")" $'freeze\nthaw'
}

@test "every way to get at an answer works with the system calls of Linux 2.6.32 alone" {
	[ "$(uname -m)" = x86_64 ] || skip "the list of calls is that of x86-64"
	load agent/commands
	cc -O -o "$BATS_TEST_TMPDIR/old-kernel" "$BATS_TEST_DIRNAME/agent/old-kernel.c"
	agent_config
	RUN_UNDER=$BATS_TEST_TMPDIR/old-kernel agent_start
	local command handle

	for command in guest-get-{time,vcpus,memory-blocks,fsinfo,disks,diskstats,cpustats,load} \
		guest-network-get-{interfaces,route} guest-get-{host-name,users,timezone,osinfo}; do
		result "$command" >/dev/null
	done
	echo text >"$BATS_TEST_TMPDIR/file"
	handle=$(result guest-file-open "{\"path\":\"$BATS_TEST_TMPDIR/file\"}")
	assert_equal "$(result guest-file-read "{\"handle\":$handle}")" '{"buf-b64":"dGV4dAo=","count":5,"eof":true}'
	result guest-file-close "{\"handle\":$handle}"
	assert_equal "$(exec_result '{"path":"/bin/echo","arg":["x"],"capture-output":true}' | jq -r '."out-data"')" eAo=
	# The programs that QEMU's agent runs as well are the guest's own, of its own time.
	run error_of guest-set-user-password '{"username":"nobody here","password":"eA==","crypted":false}'
	assert_output --partial "child process has failed to set user password"
}

@test "setup runs with the system calls of Linux 2.6.32 alone" {
	[ "$(uname -m)" = x86_64 ] || skip "the list of calls is that of x86-64"
	cc -O -o "$BATS_TEST_TMPDIR/old-kernel" "$BATS_TEST_DIRNAME/agent/old-kernel.c"
	run "$BATS_TEST_TMPDIR/old-kernel" "$BUILD/installer/setup" detect --json
	assert_success
	run jq -r .distribution.family <<<"$output"
	assert_success
}
