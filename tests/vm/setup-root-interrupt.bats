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
	root_teardown
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
