# SPDX-License-Identifier: GPL-2.0-or-later
# What a host can write to the agent, from libFuzzer and from AFL++, for a short time.
# FUZZ_SECONDS makes it longer ("make fuzz"); what they find is left in build/agent/.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load agent/agent

setup() {
	command -v clang >/dev/null || skip "clang is not installed"
}

# target COMPILER NAME SOURCE...: build the fuzzer of that name at $TARGET
target() {
	local compiler=$1 name=$2
	shift 2
	TARGET=$BATS_TEST_TMPDIR/$name
	mkdir -p "$BUILD/agent" "$BATS_TEST_TMPDIR/corpus"
	# shellcheck disable=SC2046 # a list
	run "$compiler" -std=gnu11 -g -O1 -D_GNU_SOURCE -DVERSION='"fuzz"' -DSYSCONFDIR='"/none"' -DHOOK_RUNNER='"/none"' \
		-DHOOK_LIBEXEC_DIRECTORY='"/none"' \
		-isystem "$top/kmod/include/uapi" -I"$top/agent" \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-o "$TARGET" "$BATS_TEST_DIRNAME/agent/fuzz-$name.c" "$@" \
		$(pkg-config --cflags --libs glib-2.0 jansson)
	assert_success
}

# fuzz NAME SOURCE...: by libFuzzer
fuzz() {
	local name=$1
	target clang "$@"
	run "$TARGET" -max_total_time="${FUZZ_SECONDS:-5}" -seed=1 -max_len=1024 -timeout=5 -rss_limit_mb=1024 \
		-artifact_prefix="$BUILD/agent/fuzz-$name-" "$BATS_TEST_TMPDIR/corpus" \
		"$BATS_TEST_DIRNAME/agent/corpus/$name"
	assert_success
	assert_output --partial "DONE"
	echo "# $(grep -o 'DONE.*' <<<"$output")" | sed 's/  */ /g' >"$BUILD/agent/fuzz-$name.result"
}

# afl NAME SOURCE...: the same targets, other mutations and another way to see what is new
afl() {
	local out=$BATS_TEST_TMPDIR/out/default
	command -v afl-fuzz >/dev/null || skip "AFL++ is not installed"
	export AFL_SKIP_CPUFREQ=1 AFL_NO_AFFINITY=1 AFL_NO_UI=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
	target afl-clang-fast "$@"
	run timeout -k 20 $((${FUZZ_SECONDS:-5} + 120)) afl-fuzz -V "${FUZZ_SECONDS:-5}" -t 5000 -s 1 -m none \
		-i "$BATS_TEST_DIRNAME/agent/corpus/$1" -o "$BATS_TEST_TMPDIR/out" -- "$TARGET"
	[ -s "$out/fuzzer_stats" ] || fail "$output"
	cp "$out"/crashes/id* "$out"/hangs/id* "$BUILD/agent/" 2>/dev/null || true
	run awk -F ' *: *' '{ value[$1] = $2 } END { print (value["execs_done"] > 100),
		value["saved_crashes"], value["saved_hangs"] }' "$out/fuzzer_stats"
	assert_output "1 0 0"
	grep -E '^(execs_done|run_time|bitmap_cvg)' "$out/fuzzer_stats" >"$BUILD/agent/afl-$1.result"
}

# sources: the agent's own, but for the programs' entry points
sources() {
	local source
	for source in "$top"/agent/*.c; do
		case $source in */main.c | */fsfreeze-hook.c) ;; *) echo "$source" ;; esac
	done
}

@test "no stream of bytes breaks the cutting into requests" {
	fuzz wire "$top/agent/wire.c"
}

@test "no arguments reach a command that are not of its types" {
	mapfile -t all < <(sources)
	fuzz arguments "${all[@]}"
}

@test "no stream of bytes breaks the cutting into requests, by AFL++" {
	afl wire "$top/agent/wire.c"
}

@test "no arguments reach a command that are not of its types, by AFL++" {
	mapfile -t all < <(sources)
	afl arguments "${all[@]}"
}
