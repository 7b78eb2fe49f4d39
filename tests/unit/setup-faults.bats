#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every system call of setup that changes something is broken in turn, by a kill, a full disk, an
# I/O error, a disk that became read-only: the old state or the new one, and what ran still runs.
# FAULT_STRIDE=1 (make check-faults) is each of them; the default leaves some errors out.

bats_require_minimum_version 1.5.0
load ../installer/setup-lib

STRIDE=${FAULT_STRIDE:-12}

setup_file() {
	cc -O -o "$BATS_FILE_TMPDIR/inject" "$BATS_TEST_DIRNAME/../installer/inject.c"
}

setup() {
	need_as_root
	memory_dir T
	as_root "$BATS_FILE_TMPDIR/inject" kill 1 touch "$T/x" 2>/dev/null || [ "$?" -eq 137 ] ||
		skip "no seccomp notifications here"
	# What is installed is not run here: small, so that there is less to compare.
	echo 'setup 1' >"$T/setup1"
	echo 'setup 2' >"$T/setup2"
	medium_static "$T/m1" 1.0.0 "$T/setup1"
	medium_static "$T/m2" 2.0.0 "$T/setup2"
	root_occupied "$T/clean"
}

teardown() {
	[ -z "${HOLDER:-}" ] || kill "$HOLDER"
	[ -z "${T:-}" ] || rm -rf "$T"
}

in_root() {
	as_root "$SETUP" "$1" --yes --replace-agent --root "$T/r" "${@:2}"
}

fresh() {
	rm -rf "$T/r"
	cp -a "$1" "$T/r"
}

# every_time: what there is to be done before each run
every_time() {
	:
}

# installed: the roots of before, of 1.0.0 and of 2.0.0, and what is in them
installed() {
	fresh "$T/clean"
	in_root install --medium "$T/m1" >/dev/null
	cp -a "$T/r" "$T/one"
	in_root install --medium "$T/m2" >/dev/null
	cp -a "$T/r" "$T/two"
	snapshot "$T/clean" >"$T/clean.is"
	snapshot "$T/one" >"$T/one.is"
	snapshot "$T/two" >"$T/two.is"
}

wrong() {
	echo "$how at call $n, exit status $status: $1"
	cat "$T/out"
	return 1
}

is() {
	snapshot "$T/r" >"$T/is"
	cmp -s "$T/is" "$T/$1.is"
}

# whole FILE: it is that of before or that of after, where both have one
whole() {
	local at=$1

	[ -e "$T/$old/$at" ] && [ -e "$T/$new/$at" ] || return 0
	cmp -s "$T/r/$at" "$T/$old/$at" || cmp -s "$T/r/$at" "$T/$new/$at"
}

# A sentence with what was tried, on what, and why: the call's own error, or what came of it.
named() {
	grep -qE "cannot [a-z]+ .*(/|journal|medium).*: " "$T/out"
}

# judge: what the exit status promises is so, and what it leaves open the next run closes
judge() {
	local file

	for file in usr/sbin/guest-tools-agent usr/sbin/guest-tools-setup \
		usr/lib/systemd/system/guest-tools-agent.service; do
		whole "$file" || wrong "$file is torn" || return 1
	done
	case $status in
	0 | 7 | 137) ;;
	1 | 3 | 5)
		[[ $how == read:* ]] || named || wrong "no cause is named" || return 1
		is "$old" || wrong "it says that nothing was changed" ||
			{ diff "$T/$old.is" "$T/is"; return 1; }
		;;
	*) [[ $how == read:* ]] && is "$old" || wrong "an unexpected status" || return 1 ;;
	esac
	in_root "${repair[@]}" >>"$T/out" 2>&1 || wrong "it cannot be repaired" || return 1
	if is "$new"; then
		ends+=n
	elif [ "$status" -ne 0 ] && is "$old"; then
		ends+=o
	else
		wrong "neither state" || { diff "$T/$new.is" "$T/is"; return 1; }
	fi
}

# break_all HOW FIRST STRIDE OLD NEW COMMAND...: at each STRIDE-th call from FIRST
break_all() {
	local how=$1 n=$2 stride=$3 old=$4 new=$5 status broken=0
	ends=
	shift 5
	while :; do
		fresh "$T/$old"
		every_time
		status=0
		as_root "$BATS_FILE_TMPDIR/inject" "$how" "$n" "$SETUP" "$1" --yes --replace-agent \
			--root "$T/r" "${@:2}" >"$T/out" 2>&1 || status=$?
		grep -q '^fault:' "$T/out" || break
		judge || return 1
		n=$((n + stride)) broken=$((broken + 1))
	done
	echo "$1 $how: $broken of $((n - 1)) calls: $ends"
	[ "$n" -gt 25 ] && [ "$status" -eq 0 ]
}

# break_each OLD NEW COMMAND...: killed at each call, and with each error at some
break_each() {
	local how n=0

	break_all kill 1 1 "$@"
	for how in once:ENOSPC once:EIO once:EROFS from:ENOSPC from:EIO from:EROFS; do
		break_all "$how" $((n++ % STRIDE + 1)) "$STRIDE" "$@"
	done
}

@test "an install broken at any system call is undone or complete" {
	local repair=(recover)
	installed
	break_each clean one install --medium "$T/m1"
}

@test "an upgrade broken at any system call leaves the old version or the new one, whole" {
	local repair=(recover)
	installed
	break_each one two install --medium "$T/m2"
}

@test "an uninstall broken at any system call is gone on with to its end" {
	local repair=(uninstall)
	installed
	break_each two clean uninstall
}

@test "what cannot be read is not taken for absent, in none of the three" {
	local repair=(recover)
	installed
	break_all read:EIO 1 "$((STRIDE * 5 + 1))" clean one install --medium "$T/m1"
	break_all read:EIO 2 "$((STRIDE * 5 + 1))" one two install --medium "$T/m2"
	repair=(uninstall)
	break_all read:EIO 3 "$((STRIDE * 5 + 1))" two clean uninstall
}

@test "a medium that goes away at any moment: the install is undone, or needs it no more" {
	local repair=(recover)

	every_time() {
		rm -rf "$T/medium"
		cp -a "$T/m2" "$T/medium"
	}
	installed
	break_all "do:rm -r $T/medium/*" 1 "$STRIDE" one two install --medium "$T/medium"
}

# The tmpfs is in the namespace of a process that keeps it; all is done there.
@test "a file system that is really full from any call on: the old state, or the new one" {
	local repair=(recover) full=$T/full is

	installed
	mkdir "$full"
	unshare --user --map-root-user --mount \
		sh -c "mount -t tmpfs -o size=16m none '$full' && mkdir '$full/r' && exec sleep 600" 3>&- &
	HOLDER=$!
	rm -r "$T/r"
	ln -s "$full/r" "$T/r"
	is=$(declare -f snapshot)
	as_root() { nsenter --target "$HOLDER" --user --mount --preserve-credentials -- "$@"; }
	for _ in {1..100}; do ! as_root test -d "$full/r" 2>/dev/null || break; sleep 0.1; done
	fresh() { as_root sh -c "rm -rf '$full'/* && cp -a '$1' '$full/r'"; }
	snapshot() { as_root bash -c "$is; snapshot '$1'"; }
	in_root() { as_root sh -c "rm -f '$full/fill'; exec '$SETUP' $1 --root '$full/r'"; }
	whole() { as_root bash -c "cmp -s '$T/r/$1' '$T/$old/$1' || cmp -s '$T/r/$1' '$T/$new/$1'"; }
	break_all "do:head -c 20M /dev/zero >$full/fill 2>/dev/null; :" 1 "$STRIDE" \
		one two install --medium "$T/m2"
	# Some did run out of space.
	[[ $ends == *o*n* ]]
}
