#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Into a tree that is not the running system: labels are asked for, the same tree comes out, and
# nothing of this machine gets in. With the real dpkg in tests/vm/setup-root.bats, booted in
# tests/vm/setup-offline.bats.

load ../installer/setup-lib

setup() {
	need_as_root
	memory_dir T
	medium_static "$T/m1" 1.0.0
	root_debian "$T/r"
	rm "$T/r/usr/bin/dpkg"
}

teardown() {
	[ -z "${T:-}" ] || rm -rf "$T"
}

in_root() {
	as_root "$SETUP" "$1" --yes --root "$T/r" "${@:2}"
}

# selinux MODE
selinux() {
	mkdir -p "$T/r/etc/selinux"
	printf 'SELINUX=%s\nSELINUXTYPE=targeted\n' "$1" >"$T/r/etc/selinux/config"
}

@test "a tree with SELinux on is relabelled at its first boot, and install says so" {
	local mode
	for mode in enforcing permissive; do
		selinux "$mode"
		run in_root install --medium "$T/m1"
		expect_status 0
		expect_output "ask for SELinux labels by /.autorelabel"
		expect_output "the first boot labels all files"
		[ -f "$T/r/.autorelabel" ]
		# The boot took it away; there is nothing to do again, and nothing new to label.
		rm "$T/r/.autorelabel"
		run in_root install --medium "$T/m1"
		expect_output "already current"
		[ ! -e "$T/r/.autorelabel" ]
		in_root uninstall
	done
}

@test "a relabelling that was asked for by others stays, and ours is taken back" {
	selinux enforcing
	snapshot "$T/r" >"$T/before"
	in_root install --medium "$T/m1"
	in_root uninstall
	snapshot "$T/r" | diff "$T/before" -
	: >"$T/r/.autorelabel"
	in_root install --medium "$T/m1"
	in_root uninstall
	[ -f "$T/r/.autorelabel" ]
}

@test "a tree with SELinux off, or without it, is not relabelled" {
	in_root install --medium "$T/m1"
	[ ! -e "$T/r/.autorelabel" ]
	in_root uninstall
	selinux disabled
	in_root install --medium "$T/m1"
	[ ! -e "$T/r/.autorelabel" ]
}

@test "two installs into the same tree give the same bytes" {
	cp -a "$T/r" "$T/clean"
	in_root install --medium "$T/m1"
	snapshot "$T/r" >"$T/first"
	rm -rf "$T/r"
	cp -a "$T/clean" "$T/r"
	cp -a "$T/m1" "$T/elsewhere"
	(cd / && umask 077 && as_root env TZ=Asia/Tokyo LC_ALL=tr_TR.UTF-8 HOME=/nowhere "$SETUP" \
		install --yes --root "$T/r" --medium "$T/elsewhere")
	snapshot "$T/r" | diff "$T/first" -
}

@test "nothing of this machine gets into the tree" {
	local word
	in_root install --medium "$T/m1"
	rm -r "$T/r/usr/sbin/guest-tools-setup"
	for word in "$T" "$(uname -r)" "$(uname -n)." "$HOME/"; do
		! grep -rF -- "$word" "$T/r" || return 1
	done
}

@test "in a chroot it works as on another root: no kernel runs there, nothing is started" {
	mkdir -p "$T/r/mnt" "$T/r/proc" "$T/r/run/systemd/system"
	cp -a "$T/m1" "$T/r/mnt/medium"
	mkdir -p "$T/r/lib/modules/$(uname -r)/kernel"
	: >"$T/r/lib/modules/$(uname -r)/modules.builtin"
	cat >"$T/r/usr/bin/systemctl" <<-'END'
		#!/bin/sh
		echo "$*" >>/systemctl.log
	END
	chmod 755 "$T/r/usr/bin/systemctl"
	run as_root chroot "$T/r" /mnt/medium/amd64/setup install --yes --json --medium /mnt/medium
	expect_status 0
	[ "$(jq -r .health.offline <<<"$output")" = true ]
	run as_root chroot "$T/r" /mnt/medium/amd64/setup detect --json
	[ "$(jq -c '[.init_running, (.kernels[] | .running)]' <<<"$output")" = "[false,false]" ]
	[ ! -e "$T/r/systemctl.log" ]
	[ -L "$T/r/etc/systemd/system/multi-user.target.wants/guest-tools-agent.service" ]
	as_root chroot "$T/r" /usr/sbin/guest-tools-setup uninstall --yes
	[ ! -e "$T/r/usr/sbin/guest-tools-agent" ]
}
