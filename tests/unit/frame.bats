#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The frames of the VM tests' control channel (tests/vm/control/frame.c).

@test "a reader finds the next whole frame after a client left or data was damaged" {
	cd "$BATS_TEST_DIRNAME" || return
	cc -std=gnu11 -Wall -Wextra -Werror -Wno-sign-compare -fsanitize=address,undefined -I../vm/control \
		-o "$BATS_TEST_TMPDIR/test-frame" fixtures/test-frame.c ../vm/control/frame.c
	"$BATS_TEST_TMPDIR/test-frame"
}
