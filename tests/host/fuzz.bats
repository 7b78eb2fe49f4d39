#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The back end's readers of what others write, fed by libFuzzer for a short time.
# FUZZ_SECONDS makes it longer; what it finds is left in build/host/.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
	TOP=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	OUT=${BUILD:-$TOP/build}/host
	command -v clang >/dev/null || skip "clang is not installed"
}

# fuzz NAME SOURCE...
fuzz() {
	local target=$BATS_TEST_TMPDIR/$1 name=$1
	shift
	mkdir -p "$OUT" "$BATS_TEST_TMPDIR/corpus"
	run clang -g -O1 -D_GNU_SOURCE -isystem "$TOP/kmod/include/uapi" -I"$TOP/host" \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-o "$target" "$TOP/tests/host/$name.c" "${@/#/$TOP/host/}"
	assert_success
	run "$target" -max_total_time="${FUZZ_SECONDS:-8}" -seed=1 -max_len=512 -timeout=5 -rss_limit_mb=512 \
		-artifact_prefix="$OUT/$name-" "$BATS_TEST_TMPDIR/corpus"
	assert_success
	assert_output --partial "DONE"
}

@test "nothing a guest writes to its memory breaks the back end" {
	fuzz fuzz-guest backend.c memory.c message.c ring.c vhost-user.c
}

@test "nothing written to its sockets breaks the back end" {
	fuzz fuzz-control backend.c control.c memory.c message.c ring.c vhost-user.c
}
