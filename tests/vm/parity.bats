#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The agent beside the newest QEMU guest agent that Debian has, forky's, in a root of its own.
# tests/unit/commands-info.bats has the same beside this machine's, tests/vm/commands.bats beside that of a
# guest, where things are changed.
#
# Left out, as ours is meant to be another: theirs says "PID ld does not exist" and "failed to lookup
# user 'x': Success", sign-extends the flags of an IPv6 route, makes its metric a negative number, and of
# a time before 1970 tells only that it is invalid.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

# helpers: what a file's setup and its tests both need
helpers()
{
	load ../unit/agent/agent
	load ../unit/agent/parity
	load ../unit/agent/commands
	# shellcheck source=../lib/kernels.sh
	. "$BATS_TEST_DIRNAME/../lib/debian-suite.sh"
	. "$BATS_TEST_DIRNAME/../lib/kernels.sh"
	SOCKET=$BATS_FILE_TMPDIR/ours.sock THEIR_SOCKET=$BATS_FILE_TMPDIR/theirs.sock
}

root_with_qemu_ga()
{
	local packages

	packages=$(debian_suite_memo forky debian_suite_closure forky qemu-guest-agent coreutils dash mount util-linux |
		grep -vE '^(systemd.*|udev|cron.*|logrotate)$') || return
	# shellcheck disable=SC2086 # a list
	debian_suite_unpack forky qemu-guest-agent $packages
}

setup_file()
{
	helpers
	[ "$(id -u)" = 0 ] || skip "a root of its own needs root"
	cat >"$BATS_FILE_TMPDIR/start" <<-'END'
		#!/bin/sh
		set -e
		mkdir -p /sys /run
		mount -t sysfs sysfs /sys
		mount -t tmpfs tmpfs /run
		printf '%s\n' root:x:0:0::/:/bin/sh nobody:x:65534:65534::/:/bin/sh >/etc/passwd
		cd /mnt
		./guest-tools-agent -m unix-listen -p /mnt/ours.sock -F "" &
		echo $! $$ >pids
		exec qemu-ga -m unix-listen -p /mnt/theirs.sock -t /run -f /run/pid
	END
	chmod 755 "$BATS_FILE_TMPDIR/start"
	cp "$AGENT" "$BATS_FILE_TMPDIR/"
	kernel_layered "$(root_with_qemu_ga)" "$BATS_FILE_TMPDIR" /mnt/start >"$BATS_FILE_TMPDIR/log" 2>&1 3>&- &
	disown $!
	wait_for test -S "$SOCKET" -a -S "$THEIR_SOCKET" || { cat "$BATS_FILE_TMPDIR/log"; return 1; }
}

teardown_file()
{
	# shellcheck disable=SC2046 # two words
	kill $(cat "$BATS_FILE_TMPDIR/pids")
}

setup() { helpers; }

@test "reports are those of the newest QEMU guest agent" {
	reports_are_alike
	same guest-get-load '' '.return | keys'
	same guest-network-get-route '' '.return | map(del(.flags, .metric))'
	# All commands, with what they may return; but for ours, which it lacks.
	same guest-info '' '.return.supported_commands | map(select(.name | startswith("guest-tools-") | not)) |
		sort_by(.name)'
}

@test "errors are those of the newest QEMU guest agent" {
	errors_are_alike \
		guest-exec '{"path":"/none"}' \
		guest-set-vcpus '{"vcpus":[{"logical-id":9999,"online":true}]}' \
		guest-get-devices '{}'
}

# in_both COMMAND ARGUMENTS: what it returns, from ours and from theirs
in_both()
{
	ours=$(result "$1" "${2//HANDLE/$our_handle}")
	theirs=$(SOCKET=$THEIR_SOCKET result "$1" "${2//HANDLE/$their_handle}")
}

@test "a file is written, sought, read and closed with the same answers" {
	local our_handle=0 their_handle=0 i cases=(
		guest-file-write '{"handle":HANDLE,"buf-b64":"aGVsbG8gd29ybGQK"}'
		guest-file-write '{"handle":HANDLE,"buf-b64":"aGVsbG8K","count":3}'
		guest-file-flush '{"handle":HANDLE}'
		guest-file-seek '{"handle":HANDLE,"offset":-2,"whence":"end"}'
		guest-file-read '{"handle":HANDLE}'
		guest-file-read '{"handle":HANDLE}'
		guest-file-seek '{"handle":HANDLE,"offset":2,"whence":0}'
		guest-file-read '{"handle":HANDLE,"count":4}'
		guest-file-read '{"handle":HANDLE,"count":0}'
		guest-file-close '{"handle":HANDLE}'
	)

	our_handle=$(result guest-file-open '{"path":"/run/ours","mode":"w+"}')
	their_handle=$(SOCKET=$THEIR_SOCKET result guest-file-open '{"path":"/run/theirs","mode":"w+"}')
	for ((i = 0; i < ${#cases[@]}; i += 2)); do
		in_both "${cases[i]}" "${cases[i + 1]}"
		[ -n "$theirs" ]
		assert_equal "${cases[i]} $(jq -S . <<<"$ours")" "${cases[i]} $(jq -S . <<<"$theirs")"
	done
}

@test "a program's end and output are told with the same members" {
	local our_handle=0 their_handle=0 i arguments cases=(
		'{"path":"sh","arg":["-c","echo out; echo err >&2; exit 3"],"capture-output":true}'
		'{"path":"sh","arg":["-c","echo out; echo err >&2"],"capture-output":"stdout"}'
		'{"path":"sh","arg":["-c","echo out; echo err >&2"],"capture-output":"merged"}'
		'{"path":"sh","arg":["-c","kill -9 $$"]}'
		'{"path":"cat","input-data":"aGVsbG8=","capture-output":"separated"}'
		'{"path":"sh","arg":["-c","echo $a$b"],"env":["a=1","b=2"],"capture-output":true}'
	)

	for arguments in "${cases[@]}"; do
		in_both guest-exec "$arguments"
		our_handle=$(jq .pid <<<"$ours") their_handle=$(jq .pid <<<"$theirs")
		for ((i = 0; i < 100; i++)); do
			in_both guest-exec-status '{"pid":HANDLE}'
			[ "$(jq -s 'map(.exited) | all' <<<"$ours$theirs")" != true ] || break
			sleep 0.05
		done
		[ "$(jq .exited <<<"$theirs")" = true ]
		assert_equal "$arguments $(jq -S . <<<"$ours")" "$arguments $(jq -S . <<<"$theirs")"
	done
}
