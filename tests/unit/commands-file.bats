# SPDX-License-Identifier: GPL-2.0-or-later
# guest-file-*

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load agent/agent
load agent/commands

setup()
{
	agent_config
	agent_start
	file=$BATS_TEST_TMPDIR/file
}

teardown() { agent_stop; }

file_open() { result guest-file-open "{\"path\":\"$1\"${2:+,\"mode\":\"$2\"}}"; }
in_file() { result "guest-file-$1" "{\"handle\":$handle${2:+,$2}}"; }
file_error() { error_of "guest-file-$1" "{\"handle\":$handle${2:+,$2}}"; }

@test "a file is written, moved in, read and closed" {
	handle=$(file_open "$file" w+)
	assert_equal "$(in_file write '"buf-b64":"aGVsbG8="')" '{"count":5,"eof":false}'
	assert_equal "$(in_file write '"buf-b64":"aGVsbG8=","count":2')" '{"count":2,"eof":false}'
	assert_equal "$(in_file flush)" '{}'
	assert_equal "$(cat "$file")" hellohe
	assert_equal "$(in_file seek '"offset":-3,"whence":"end"')" '{"eof":false,"position":4}'
	assert_equal "$(in_file seek '"offset":1,"whence":1')" '{"eof":false,"position":5}'
	assert_equal "$(in_file read)" '{"buf-b64":"aGU=","count":2,"eof":true}'
	assert_equal "$(in_file read)" '{"buf-b64":"","count":0,"eof":true}'
	assert_equal "$(in_file seek '"offset":0,"whence":"set"')" '{"eof":false,"position":0}'
	assert_equal "$(in_file read '"count":7')" '{"buf-b64":"aGVsbG9oZQ==","count":7,"eof":false}'
	assert_equal "$(in_file close)" '{}'
	assert_equal "$(file_error close)" "handle '$handle' has not been found"
	run bash -c "ls -l /proc/$AGENT_PID/fd | grep -F $file"
	assert_failure
}

@test "the modes are those of fopen" {
	echo old >"$file"
	handle=$(file_open "$file" ab)
	in_file write '"buf-b64":"bmV3"'
	assert_equal "$(cat "$file")" $'old\nnew'
	assert_equal "$(file_error read)" "failed to read file: Bad file descriptor"
	handle=$(file_open "$file")
	assert_equal "$(file_error write '"buf-b64":"bmV3"')" "failed to write to file: Bad file descriptor"
	handle=$(file_open "$file" r+b)
	in_file write '"buf-b64":"T0xE"'
	assert_equal "$(head -1 "$file")" OLD
	file_open "$file" w
	assert [ ! -s "$file" ]
	run file_open "$file.none" r+
	assert_failure
	assert [ ! -e "$file.none" ]
	assert_equal "$(error_of guest-file-open '{"path":"/x","mode":"wx"}')" "invalid file open mode 'wx'"
}

@test "a file the host creates can be read by others, and not written to" {
	file_open "$file" w
	assert_equal "$(stat -c %a "$file")" 644
}

@test "wrong handles, counts, positions and base64 are named" {
	echo text >"$file"
	handle=7
	assert_equal "$(file_error flush)" "handle '7' has not been found"
	handle=$(file_open "$file" r+)
	assert_equal "$(file_error read '"count":-1')" "value '-1' is invalid for argument count"
	assert_equal "$(file_error read '"count":50331649')" "value '50331649' is invalid for argument count"
	assert_equal "$(file_error write '"buf-b64":"aGk=","count":3')" "value '3' is invalid for argument count"
	assert_equal "$(file_error write '"buf-b64":"!"')" "Base64 data contains invalid characters"
	assert_equal "$(file_error write '"buf-b64":"aGk"')" "Base64 data is not complete"
	assert_equal "$(file_error seek '"offset":-50,"whence":"cur"')" "failed to seek file: Invalid argument"
	assert_equal "$(file_error seek '"offset":0,"whence":3')" "invalid whence code 3"
	assert_equal "$(file_error seek '"offset":0,"whence":"x"')" "Parameter 'whence' does not accept value 'x'"
	assert_equal "$(cat "$file")" text
}

@test "a FIFO without a peer is not waited for" {
	mkfifo "$file"
	handle=$(file_open "$file")
	assert_equal "$(in_file read)" '{"buf-b64":"","count":0,"eof":true}'
	in_file close
	assert_equal "$(error_of guest-file-open "{\"path\":\"$file\",\"mode\":\"w\"}")" \
		"failed to open file '$file' (mode: 'w'): No such device or address"
}

@test "48 MiB are read at once, in memory that is bounded and given back" {
	head -c 50331648 /dev/urandom >"$file"
	handle=$(file_open "$file")
	ask_command guest-file-read "{\"handle\":$handle,\"count\":50331648}" >"$file.json"
	jq -r '.return | .count, .eof, ."buf-b64"' "$file.json" >"$file.out"
	assert_equal "$(head -2 "$file.out")" $'50331648\nfalse'
	tail -n +3 "$file.out" | base64 -d | cmp - "$file"
	run awk '/VmHWM/ { print $2 }' "/proc/$AGENT_PID/status"
	assert [ "$output" -lt $((200 * 1024)) ]
	run awk '/RssAnon/ { print $2 }' "/proc/$AGENT_PID/status"
	assert [ "$output" -lt 4096 ]
}

@test "so many files can be open and no more" {
	local many='' i

	echo text >"$file"
	for ((i = 0; i < 257; i++)); do
		many+="{\"execute\":\"guest-file-open\",\"arguments\":{\"path\":\"$file\"}}"
	done
	ask "$many" >"$file.answers"
	assert_equal "$(grep -c return "$file.answers")" 256
	run tail -1 "$file.answers"
	assert_output --partial "256 others are open"
	assert_equal "$(jq -s '[.[].return | numbers] | unique | length' "$file.answers")" 256
}
