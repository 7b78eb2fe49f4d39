#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Each fault that a guest, QEMU or a program can put before the back end, by name,
# and the daemon itself as a program.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup_file() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	export TOP OUT=${BUILD:-$TOP/build}/host
	make -s -C "$TOP/host" >&2
	gcc -g -O1 -Wall -Wextra -Wno-unused-parameter -Werror -D_GNU_SOURCE -fsanitize=address,undefined \
		-isystem "$TOP/kmod/include/uapi" -I"$TOP/host" -o "$BATS_FILE_TMPDIR/unit" \
		"$TOP/tests/host/unit.c" "$TOP"/host/{memory,message,ring,vhost-user}.c
}

teardown() {
	[ -z "${DAEMON-}" ] || kill "$DAEMON" 2>/dev/null || true
}

daemon() {
	"$OUT/vhost-user-fsfreeze" --socket="$BATS_TEST_TMPDIR/v" --control="$BATS_TEST_TMPDIR/c" \
		2>"$BATS_TEST_TMPDIR/log" 3>&- &
	DAEMON=$!
	for _ in $(seq 100); do
		[ ! -S "$BATS_TEST_TMPDIR/c" ] || return 0
		sleep 0.02
	done
	return 1
}

ctl() {
	"$OUT/fsfreezectl" --device="$BATS_TEST_TMPDIR/c" --timeout=3 "$@"
}

@test "each fault of a guest, of QEMU and of a stream is refused" {
	run "$BATS_FILE_TMPDIR/unit"
	assert_success
	refute_output --partial "not ok"
	[ "$(grep -c '^ok' <<<"$output")" -gt 30 ]
}

@test "without a guest every verb says that there is no driver" {
	daemon
	for verb in freeze thaw status info "--deadline=5 extend"; do
		# shellcheck disable=SC2086 # an option and a verb
		run ctl $verb
		assert_failure 1
		assert_output --partial "no driver runs in the guest"
	done
}

@test "a program that breaks the protocol loses its connection and nothing more" {
	daemon
	run timeout 5 socat -u OPEN:/dev/urandom,readbytes=100 "UNIX-CONNECT:$BATS_TEST_TMPDIR/c"
	run timeout 5 socat -u OPEN:/dev/urandom,readbytes=100 "UNIX-CONNECT:$BATS_TEST_TMPDIR/v"
	for _ in $(seq 12); do
		timeout 5 socat -u OPEN:/dev/null "UNIX-CONNECT:$BATS_TEST_TMPDIR/c"
	done
	run ctl status
	assert_failure 1
	assert_output --partial "no driver"
	kill -0 "$DAEMON"
}

@test "the daemon can make no other system call once it serves" {
	daemon
	run grep -E '^(Seccomp|NoNewPrivs):' "/proc/$DAEMON/status"
	assert_output "NoNewPrivs:	1
Seccomp:	2"
}

@test "an idle daemon has less than 64 KiB of its own" {
	daemon
	ctl status || true
	# Its program text is all daemons' together.
	run awk '/^Private_Dirty:/ { print $2 }' "/proc/$DAEMON/smaps_rollup"
	[ "$output" -gt 0 ] && [ "$output" -lt 64 ]
}

@test "a hundred daemons have a hundred times that, and no more" {
	local i pids=() files=()
	for ((i = 0; i < 100; i++)); do
		"$OUT/vhost-user-fsfreeze" --socket="$BATS_TEST_TMPDIR/v$i" --control="$BATS_TEST_TMPDIR/c$i" 3>&- &
		pids+=($!)
		files+=("/proc/$!/smaps_rollup")
	done
	for ((i = 0; i < 100; i++)); do
		until [ -S "$BATS_TEST_TMPDIR/c$i" ]; do sleep 0.02; done
	done
	run awk '/^Private_/ { all += $2 } END { print all }' "${files[@]}"
	kill "${pids[@]}"
	echo "# private memory of a hundred daemons: $output KiB" >&3
	[ "$output" -gt 0 ] && [ "$output" -lt 6400 ]
}

@test "a second daemon does not take the sockets of the first, and a dead one's are taken" {
	daemon
	run "$OUT/vhost-user-fsfreeze" --socket="$BATS_TEST_TMPDIR/v" --control="$BATS_TEST_TMPDIR/c2"
	assert_failure 1
	assert_output --regexp 'Address (already )?in use'
	kill -KILL "$DAEMON"
	wait "$DAEMON" || true
	daemon
	run ctl status
	assert_failure 1
	assert_output --partial "no driver"
}

@test "sockets passed by the service manager are served" {
	systemd-socket-activate --version >/dev/null || skip "systemd-socket-activate is not installed"
	systemd-socket-activate --listen="$BATS_TEST_TMPDIR/v" --listen="$BATS_TEST_TMPDIR/c" \
		--fdname=vhost:control "$OUT/vhost-user-fsfreeze" 2>"$BATS_TEST_TMPDIR/log" 3>&- &
	DAEMON=$!
	for _ in $(seq 100); do
		[ ! -S "$BATS_TEST_TMPDIR/c" ] || break
		sleep 0.02
	done
	run ctl status
	assert_failure 1
	assert_output --partial "no driver"
}

@test "help fits 80 columns, usage errors go to standard error" {
	for program in vhost-user-fsfreeze fsfreezectl; do
		run --separate-stderr "$OUT/$program" --help
		assert_success
		[ -z "$stderr" ]
		run awk 'length > 80' <<<"$output"
		refute_output
		run --separate-stderr "$OUT/$program" --no-such-option
		assert_failure 2
		[ -z "$output" ] && [ -n "$stderr" ]
	done
}

@test "the hook runner works as the kernel calls it, with no file open" {
	runner=${BUILD:-$TOP/build}/agent/fsfreeze-hook
	[ -x "$runner" ] || skip "the hook runner is not built"
	mkdir -p "$BATS_TEST_TMPDIR/hooks"
	chmod 755 "$BATS_TEST_TMPDIR/hooks"
	printf '%s\n' '#!/bin/sh' 'echo said; echo wrong >&2' "echo \$1 >>$BATS_TEST_TMPDIR/done" \
		'for fd in 0 1 2; do [ -e /proc/self/fd/$fd ] || exit 1; done' >"$BATS_TEST_TMPDIR/hooks/a"
	chmod 755 "$BATS_TEST_TMPDIR/hooks/a"
	for verb in freeze thaw; do
		(exec 0<&- 1>&- 2>&- 3>&-
			exec "$runner" --directory="$BATS_TEST_TMPDIR/hooks" \
				--record="$BATS_TEST_TMPDIR/record" "$verb")
	done
	run cat "$BATS_TEST_TMPDIR/done"
	assert_output $'freeze\nthaw'
}
