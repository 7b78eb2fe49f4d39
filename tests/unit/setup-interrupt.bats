#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Killed, or failing, after every single step: the old state or the new one. The
# static way in a small root, so that this needs no root; the same with the real
# dpkg is in tests/vm/setup-root-interrupt.bats.

load ../installer/setup-lib

setup() {
	need_as_root
	[ -x "$SETUP_TEST" ] || skip "no $SETUP_TEST"
	memory_dir T
	medium_static "$T/m1" 1.0.0
	medium_static "$T/m2" 2.0.0
	root_occupied "$T/clean"
}

teardown() {
	[ -z "${T:-}" ] || rm -rf "$T"
}

# in_root CMD ARGS...: setup-test on the root at hand.
in_root() {
	as_root "$SETUP_TEST" "$1" --yes --replace-agent --root "$T/r" "${@:2}"
}

fresh() {
	rm -rf "$T/r"
	cp -a "$1" "$T/r"
}

# Break CMD at every point in turn; afterwards the root is as $T/old or as $T/new.
break_everywhere() {
	local start=$1 how=$2 n=0 ends="" failed
	shift 2
	while [ $((n += 1)) -lt 100 ]; do
		fresh "$start"
		failed=0
		GUEST_TOOLS_SETUP_FAULT=$how:$n in_root "$@" >"$T/out" 2>&1 || failed=1
		grep -q '^fault:' "$T/out" || break
		# A run that fails has undone all by itself; one that was killed, or could not
		# tidy up after it was done, leaves that to the next.
		[ "$how$failed" = fail1 ] || in_root recover >>"$T/out" 2>&1 ||
			{ cat "$T/out"; return 1; }
		snapshot "$T/r" >"$T/is"
		if cmp -s "$T/is" "$T/old"; then
			ends+=o
		elif cmp -s "$T/is" "$T/new"; then
			ends+=n
		else
			echo "$how at point $n leaves neither state:"
			cat "$T/out"
			diff "$T/old" "$T/is"
			return 1
		fi
	done
	echo "$how: $((n - 1)) points, each old or new: $ends"
	[ "$n" -gt 8 ]
	# Both ends were seen, and never the old one after the new one.
	[[ $ends =~ ^o+n+$ ]]
}

states() {
	snapshot "$1" >"$T/old"
	snapshot "$2" >"$T/new"
}

@test "an install broken at any point is undone or complete" {
	fresh "$T/clean"
	in_root install --medium "$T/m1"
	cp -a "$T/r" "$T/installed"
	states "$T/clean" "$T/installed"
	break_everywhere "$T/clean" kill install --medium "$T/m1"
	break_everywhere "$T/clean" fail install --medium "$T/m1"
}

@test "an upgrade broken at any point leaves the old version or the new one" {
	fresh "$T/clean"
	in_root install --medium "$T/m1"
	cp -a "$T/r" "$T/installed"
	in_root install --medium "$T/m2"
	cp -a "$T/r" "$T/upgraded"
	states "$T/installed" "$T/upgraded"
	break_everywhere "$T/installed" kill install --medium "$T/m2"
}

@test "an uninstall broken at any point is gone on with to its end" {
	local n=0
	fresh "$T/clean"
	in_root install --medium "$T/m1"
	in_root install --medium "$T/m2"
	cp -a "$T/r" "$T/installed"
	states "$T/installed" "$T/clean"
	break_uninstall() {
		n=0
		while [ $((n += 1)) -lt 100 ]; do
			fresh "$T/installed"
			GUEST_TOOLS_SETUP_FAULT=$1:$n in_root uninstall >"$T/out" 2>&1 || true
			grep -q '^fault:' "$T/out" || break
			in_root uninstall >>"$T/out" 2>&1 || { cat "$T/out"; return 1; }
			snapshot "$T/r" | diff "$T/new" - || { cat "$T/out"; return 1; }
		done
		[ "$n" -gt 8 ]
	}
	break_uninstall kill
	break_uninstall fail
}

@test "a recovery that is killed itself is recovered from" {
	local n
	snapshot "$T/clean" >"$T/old"
	for n in 5 9 13; do
		fresh "$T/clean"
		GUEST_TOOLS_SETUP_FAULT=kill:$n in_root install --medium "$T/m1" >/dev/null 2>&1 || true
		[ -e "$T/r/var/lib/guest-tools/journal" ]
		GUEST_TOOLS_SETUP_FAULT=kill:1 in_root recover >/dev/null 2>&1 || true
		in_root recover
		snapshot "$T/r" | diff "$T/old" -
	done
}

@test "an install after a killed one repairs by itself and installs" {
	fresh "$T/clean"
	in_root install --medium "$T/m1"
	snapshot "$T/r" >"$T/new"
	fresh "$T/clean"
	GUEST_TOOLS_SETUP_FAULT=kill:7 in_root install --medium "$T/m1" >/dev/null 2>&1 || true
	run in_root install --medium "$T/m1"
	expect_status 0
	expect_output "did not come to its end: undoing it"
	snapshot "$T/r" | diff "$T/new" -
}

@test "a torn last line of the journal is a step that never began" {
	fresh "$T/clean"
	snapshot "$T/r" >"$T/old"
	GUEST_TOOLS_SETUP_FAULT=kill:7 in_root install --medium "$T/m1" >/dev/null 2>&1 || true
	printf '{"kind":"put","obj' >>"$T/r/var/lib/guest-tools/journal"
	in_root recover
	snapshot "$T/r" | diff "$T/old" -
}

@test "a journal damaged in the middle is said so and nothing is touched" {
	fresh "$T/clean"
	GUEST_TOOLS_SETUP_FAULT=kill:9 in_root install --medium "$T/m1" >/dev/null 2>&1 || true
	sed -i '2s/.*/garbage/' "$T/r/var/lib/guest-tools/journal"
	snapshot "$T/r" >"$T/old"
	run in_root recover
	expect_status 7
	expect_output "line 2 is damaged"
	run in_root install --medium "$T/m1"
	expect_status 7
	snapshot "$T/r" | diff "$T/old" -
}

@test "configuration that the user changed survives upgrade and uninstall, and is named" {
	fresh "$T/clean"
	in_root install --medium "$T/m1"
	echo 'mine' >"$T/r/etc/guest-tools/agent.conf"
	in_root install --medium "$T/m2"
	[ "$(cat "$T/r/etc/guest-tools/agent.conf")" = mine ]
	[ "$(cat "$T/r/usr/sbin/guest-tools-agent")" = 'agent 2.0.0' ]
	run in_root uninstall
	expect_status 0
	expect_output "/etc/guest-tools/agent.conf"
	[ "$(cat "$T/r/etc/guest-tools/agent.conf")" = mine ]
	[ ! -e "$T/r/var/lib/guest-tools" ]
}

@test "installing again does nothing, says so and ends with 0" {
	fresh "$T/clean"
	in_root install --medium "$T/m1"
	snapshot "$T/r" >"$T/old"
	run in_root install --medium "$T/m1"
	expect_status 0
	expect_output "already current"
	snapshot "$T/r" | diff "$T/old" -
}

@test "a second setup on the same root is refused while the first is at work" {
	fresh "$T/clean"
	exec 9<"$T/r/var/lib"
	flock 9
	run in_root install --medium "$T/m1"
	exec 9<&-
	expect_status 6
	expect_output "another setup"
}

@test "a signal while at work puts everything back" {
	fresh "$T/clean"
	snapshot "$T/r" >"$T/old"
	GUEST_TOOLS_SETUP_FAULT=term:6 in_root install --medium "$T/m1" >"$T/out" 2>&1 && return 1
	grep -q 'stopped by signal 15' "$T/out"
	snapshot "$T/r" | diff "$T/old" -
}
