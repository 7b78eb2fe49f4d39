# SPDX-License-Identifier: GPL-2.0-or-later
# What a host can write to the agent, from libFuzzer, for a short time. FUZZ_SECONDS
# makes it longer ("make fuzz"); what it finds is left in build/agent/.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load agent/agent

setup() {
	command -v clang >/dev/null || skip "clang is not installed"
}

# fuzz NAME SOURCE...
fuzz() {
	local name=$1 target=$BATS_TEST_TMPDIR/$1
	shift
	mkdir -p "$BUILD/agent" "$BATS_TEST_TMPDIR/corpus"
	# shellcheck disable=SC2046 # a list
	run clang -std=gnu11 -g -O1 -D_GNU_SOURCE -DVERSION='"fuzz"' -DSYSCONFDIR='"/none"' -DHOOK_RUNNER='"/none"' \
		-DHOOK_LIBEXEC_DIRECTORY='"/none"' \
		-isystem "$top/kmod/include/uapi" -I"$top/agent" \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-o "$target" "$BATS_TEST_DIRNAME/agent/fuzz-$name.c" "$@" \
		$(pkg-config --cflags --libs glib-2.0 jansson)
	assert_success
	run "$target" -max_total_time="${FUZZ_SECONDS:-5}" -seed=1 -max_len=1024 -timeout=5 -rss_limit_mb=1024 \
		-artifact_prefix="$BUILD/agent/fuzz-$name-" "$BATS_TEST_TMPDIR/corpus" \
		"$BATS_TEST_DIRNAME/agent/corpus/$name"
	assert_success
	assert_output --partial "DONE"
	echo "# $(grep -o 'DONE.*' <<<"$output")" | sed 's/  */ /g' >"$BUILD/agent/fuzz-$name.result"
}

@test "no stream of bytes breaks the cutting into requests" {
	fuzz wire "$top/agent/wire.c"
}

@test "no arguments reach a command that are not of its types" {
	local sources=("$top"/agent/*.c) i
	for i in "${!sources[@]}"; do
		case ${sources[i]} in */main.c | */fsfreeze-hook.c) unset "sources[i]" ;; esac
	done
	fuzz arguments "${sources[@]}"
}
