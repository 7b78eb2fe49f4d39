# SPDX-License-Identifier: GPL-2.0-or-later
# The cutting of the byte stream into requests, with the sanitizers watching.

bats_load_library bats-support
bats_load_library bats-assert
load agent/agent

@test "requests are cut out of the stream, however the bytes arrive" {
	# shellcheck disable=SC2046
	cc -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -I"$top/agent" \
		-o "$BATS_TEST_TMPDIR/test-wire" "$BATS_TEST_DIRNAME/agent/test-wire.c" "$top/agent/wire.c" \
		$(pkg-config --cflags --libs glib-2.0)
	run "$BATS_TEST_TMPDIR/test-wire" --tap
	assert_success
	refute_line --regexp '^not ok'
	assert_line --partial /wire/too-long
}
