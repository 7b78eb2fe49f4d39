#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Broken after every journal step, with the real dpkg: file lists and contents are
# those of before, or the install is complete.

load ../installer/root-lib

setup() {
	root_setup
	medium "$WORK/m1" 1.0.0 "$SETUP_TEST"
}

teardown() {
	[ ! -d "${WORK:-}/small" ] || umount -q "$R" "$WORK/small" || true
	root_teardown
}

# inject HOW N: an install of the agent in a fresh root, in a session of its own, in which the N-th
# system call, those of dpkg counted too, is broken. 1 when there is no such call any more.
inject() {
	[ -x "$BATS_FILE_TMPDIR/inject" ] ||
		cc -O -o "$BATS_FILE_TMPDIR/inject" "$HERE/inject.c"
	fresh_root
	status=0
	setsid -w "$BATS_FILE_TMPDIR/inject" "$1" "$2" "$WORK/m1/amd64/setup" install --yes \
		--replace-agent --module=none --root "$R" >"$WORK/out" 2>&1 || status=$?
	[ "$status" -ne 125 ] || skip "no seccomp notifications here"
	grep -q '^fault:' "$WORK/out"
}

# packages ROOT: what dpkg has there, by all of its files
packages() {
	dpkg-query --admindir="$1/var/lib/dpkg" -W -f '${Package} ${Version} ${db:Status-Status}\n'
}

# as_before: nothing differs but how dpkg keeps what it has, which it puts in order when it next runs
as_before() {
	local left
	left=$(changes | grep -vE ' \./var/lib/dpkg/(status|status-new|updates/[0-9]+)$')
	[ -z "$left" ] || { echo "not as it was:"; echo "$left"; return 1; }
	diff <(packages "$BASE") <(packages "$R")
}

# repaired: by the next run, to all of before or all of after
repaired() {
	"$WORK/m1/amd64/setup" recover --root "$R" && [ ! -e "$R/var/lib/guest-tools/journal" ] || return
	if installed; then
		[ "$(packages "$R" | grep ^guest-tools-agent)" = "guest-tools-agent 1.0.0 installed" ]
	else
		as_before
	fi
}

# settled N: the same, or it says what is wrong after call N
settled() {
	repaired >>"$WORK/out" 2>&1 && return
	echo "call $1, exit status $status:"
	cat "$WORK/out"
	return 1
}

installed() {
	[ -e "$R/var/lib/guest-tools/state.json" ]
}

# break_install HOW N OPTION...: 1 when there is no point N any more.
break_install() {
	local how=$1 n=$2 failed=0
	shift 2
	fresh_root
	GUEST_TOOLS_SETUP_FAULT=$how:$n "$WORK/m1/amd64/setup" install --yes --replace-agent \
		--root "$R" "$@" >"$WORK/out" 2>&1 || failed=1
	grep -q '^fault:' "$WORK/out" || return 1
	[ "$how$failed" = fail1 ] ||
		"$WORK/m1/amd64/setup" recover --root "$R" >>"$WORK/out" 2>&1 || return 2
	if installed; then
		[ ! -e "$R/var/lib/guest-tools/journal" ] || return 2
		[ ! -e "$R/var/lib/guest-tools/stage" ] || return 2
	else
		expect_pristine >>"$WORK/out" || return 2
	fi
}

break_everywhere() {
	local how=$1 n=0 rc
	shift
	while :; do
		n=$((n + 1))
		rc=0
		break_install "$how" "$n" "$@" || rc=$?
		[ "$rc" -ne 1 ] || break
		[ "$rc" -eq 0 ] || { echo "$how at point $n:"; cat "$WORK/out"; return 1; }
	done
	echo "$how: $((n - 1)) points"
	[ "$n" -gt 15 ]
}

@test "an install of the agent killed at any point is undone or complete" {
	break_everywhere kill --module=none
}

@test "an install of the agent that fails at any point is undone" {
	break_everywhere fail --module=none
}

@test "an install with the module killed around its steps is undone or complete" {
	local n rc
	# The points before are those of the agent alone.
	for n in 14 16 18 20 22 24 26; do
		rc=0
		break_install kill "$n" || rc=$?
		[ "$rc" -eq 0 ] || { echo "point $n:"; cat "$WORK/out"; return 1; }
	done
}

@test "an uninstall killed at any point is gone on with to its end" {
	local n=0
	"$WORK/m1/amd64/setup" install --yes --replace-agent --root "$R" --module=none
	cp -a "$WORK/upper" "$WORK/installed"
	while :; do
		n=$((n + 1))
		umount "$R"
		rm -rf "$WORK/upper" "$WORK/work"
		mkdir "$WORK/work"
		cp -a "$WORK/installed" "$WORK/upper"
		mount -t overlay overlay \
			-o "lowerdir=$BASE,upperdir=$WORK/upper,workdir=$WORK/work" "$R"
		GUEST_TOOLS_SETUP_FAULT=kill:$n "$WORK/m1/amd64/setup" uninstall --yes --root "$R" \
			>"$WORK/out" 2>&1 || true
		grep -q '^fault:' "$WORK/out" || break
		"$WORK/m1/amd64/setup" recover --root "$R" >>"$WORK/out" 2>&1 || { cat "$WORK/out"; return 1; }
		# Before the journal there is nothing to go on with.
		! installed || [ "$n" -eq 1 ] || { echo "point $n: still installed"; return 1; }
		"$WORK/m1/amd64/setup" uninstall --yes --root "$R" >>"$WORK/out" 2>&1
		expect_pristine || { echo "point $n:"; cat "$WORK/out"; return 1; }
	done
	echo "$((n - 1)) points"
	[ "$n" -gt 8 ]
}

@test "an upgrade that fails at any point leaves the old version installed" {
	local n=0
	medium "$WORK/m2" 2.0.0 "$SETUP_TEST"
	"$WORK/m1/amd64/setup" install --yes --replace-agent --root "$R" --module=none
	while :; do
		n=$((n + 1))
		GUEST_TOOLS_SETUP_FAULT=fail:$n "$WORK/m2/amd64/setup" install --yes --root "$R" \
			--module=none >"$WORK/out" 2>&1 && break
		grep -q '^fault:' "$WORK/out" || { cat "$WORK/out"; return 1; }
		[ "$(in_root dpkg-query -W -f '${Status} ${Version}' guest-tools-agent)" = \
			"install ok installed 1.0.0" ] || { echo "point $n:"; cat "$WORK/out"; return 1; }
		grep -q '"version": "1.0.0"' "$R/var/lib/guest-tools/state.json"
		[ ! -e "$R/var/lib/guest-tools/journal" ]
		[ ! -e "$R/var/lib/guest-tools/backup" ]
	done
	echo "$((n - 1)) points"
	[ "$n" -gt 8 ]
}

@test "the plug pulled at any time while dpkg is at work: the next run undoes it" {
	local n ends=
	# The copy of setup in memory has a number for its name.
	for ((n = 60; n < 1500; n += 97)); do
		inject "do:pkill -KILL -s 0 -x 'dpkg|dpkg-deb|dpkg-split|sh|[0-9]+'" "$n" || break
		settled "$n"
		installed && ends+=n || ends+=o
	done
	echo "$ends"
	[ "$n" -gt 600 ]
	[[ $ends =~ ^o+n*$ ]]
}

@test "dpkg killed by itself, as the kernel does where memory is short: setup undoes it at once" {
	local n
	for ((n = 90; n < 1500; n += 131)); do
		inject "do:pkill -KILL -s 0 -x 'dpkg|dpkg-deb'" "$n" || break
		settled "$n"
		[ "$status" -eq 0 ] || ! grep -q 'An earlier install' "$WORK/out"
	done
	[ "$n" -gt 600 ]
}

@test "an error at any system call of dpkg is told in its own words, and undone" {
	local n how words=0
	for ((n = 62; n < 1500; n += 109)); do
		how=once:ENOSPC
		((n % 2)) || how=once:EIO
		inject "$how" "$n" || break
		settled "$n"
		[ "$status" -ne 1 ] || ! grep -qE 'dpkg.*(No space left|Input/output error)' "$WORK/out" ||
			words=$((words + 1))
	done
	echo "$words of $n"
	[ "$n" -gt 400 ]
	[ "$words" -gt 2 ]
}

# The changes go to a tmpfs, which is filled to the last byte while dpkg is at work.
@test "a disk that is full to the last byte while dpkg is at work: undone once there is room" {
	local n
	mkdir "$WORK/small"
	mount -t tmpfs -o size=32m small "$WORK/small"
	fresh_root() {
		umount "$R" 2>/dev/null || true
		rm -rf "$WORK/small"/*
		mkdir "$WORK/small/upper" "$WORK/small/work"
		mount -t overlay overlay \
			-o "lowerdir=$BASE,upperdir=$WORK/small/upper,workdir=$WORK/small/work" "$R"
		ln -sfn small/upper "$WORK/upper"
	}
	rm -rf "$WORK/upper"
	for n in 70 200 330 460 590; do
		inject "do:head -c 40M /dev/zero >$WORK/small/fill 2>/dev/null; :" "$n"
		[ "$status" -eq 1 ] || [ "$status" -eq 7 ]
		grep -q 'No space left on device' "$WORK/out"
		rm "$WORK/small/fill"
		settled "$n"
		! installed
	done
}
