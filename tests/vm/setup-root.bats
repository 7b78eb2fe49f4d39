#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# setup on a real Debian root, with its real dpkg and DKMS.

load ../installer/root-lib

setup() {
	root_setup
	medium "$WORK/m1" 1.0.0
}

teardown() {
	root_teardown
}

kernel() {
	ls "$R/lib/modules"
}

headers_away() {
	mv "$R/lib/modules/$(kernel)/build" "$R/tmp/build"
	mv "$R/usr/src/linux-headers-$(kernel)/Makefile" "$R/tmp/Makefile"
}

headers_back() {
	mv "$R/tmp/build" "$R/lib/modules/$(kernel)/build"
	mv "$R/tmp/Makefile" "$R/usr/src/linux-headers-$(kernel)/Makefile"
}

@test "install puts agent and module into a root, enables the service and reports it; uninstall leaves nothing" {
	run "$WORK/m1/amd64/setup" install --yes --replace-agent --root "$R"
	expect_status 0
	expect_output "guest-tools 1.0.0 is installed."
	[ "$(in_root dpkg-query -W -f '${Status} ${Version}' guest-tools-agent)" = "install ok installed 1.0.0" ]
	[ "$(in_root dpkg-query -W -f '${Status} ${Version}' virtio-fsfreeze-dkms)" = "install ok installed 1.0.0" ]
	compgen -G "$R/lib/modules/$(kernel)/updates/dkms/virtio_fsfreeze.ko*"
	# DKMS built the real one, not the stub for kernels that cannot.
	run in_root modinfo -k "$(kernel)" -F description virtio_fsfreeze
	expect_status 0
	[[ $output != Stub* ]]
	[ -n "$(find "$R/etc/systemd/system" -path '*.wants/guest-tools-agent.service')" ]
	[ "$(readlink "$R/etc/systemd/system/qemu-guest-agent.service")" = /dev/null ]
	cmp "$R/usr/sbin/guest-tools-setup" "$SETUP"
	# The copies of the medium and the journal are gone.
	[ ! -e "$R/var/lib/guest-tools/stage" ]
	[ ! -e "$R/var/lib/guest-tools/journal" ]
	run "$SETUP" status --root "$R"
	expect_status 0
	expect_output "1.0.0"

	run "$R/usr/sbin/guest-tools-setup" uninstall --yes --root "$R"
	expect_status 0
	expect_pristine
}

@test "a kernel without headers gets no module, a clear sentence, and the install succeeds" {
	headers_away
	run "$WORK/m1/amd64/setup" install --yes --replace-agent --root "$R"
	expect_status 0
	expect_output "no headers for kernel $(kernel): the agent freezes by itself; install linux-headers-$(kernel) and run setup again"
	[ "$(in_root dpkg-query -W -f '${Status}' guest-tools-agent)" = "install ok installed" ]
	run in_root dpkg-query -W virtio-fsfreeze-dkms
	expect_status 1
}

@test "headers that come later are used when setup runs again" {
	headers_away
	"$WORK/m1/amd64/setup" install --yes --replace-agent --root "$R"
	headers_back
	run "$WORK/m1/amd64/setup" install --yes --root "$R"
	expect_status 0
	expect_output "build the module for kernel $(kernel)"
	compgen -G "$R/lib/modules/$(kernel)/updates/dkms/virtio_fsfreeze.ko*"
	"$WORK/m1/amd64/setup" uninstall --yes --root "$R"
	expect_pristine
}

@test "a module that cannot be built is a warning, and the install succeeds" {
	# The compiler is there and fails.
	rm "$R/usr/bin/gcc"
	printf '#!/bin/sh\nexit 1\n' >"$R/usr/bin/gcc"
	chmod 755 "$R/usr/bin/gcc"
	find "$R/usr/bin" -name 'gcc-[0-9]*' -exec cp "$R/usr/bin/gcc" {} \;
	find "$R/usr/bin" -name 'x86_64-linux-gnu-gcc*' -exec cp "$R/usr/bin/gcc" {} \;
	run "$WORK/m1/amd64/setup" install --yes --replace-agent --root "$R"
	expect_status 0
	expect_output "cannot build the module for kernel $(kernel)"
	expect_output "guest-tools 1.0.0 is installed."
}

@test "installing again is already current" {
	"$WORK/m1/amd64/setup" install --yes --replace-agent --root "$R"
	run "$WORK/m1/amd64/setup" install --yes --root "$R"
	expect_status 0
	expect_output "already current"
}

@test "another agent is refused with its own exit code, and nothing is touched" {
	run "$WORK/m1/amd64/setup" install --yes --root "$R"
	expect_status 4
	expect_output "qemu-guest-agent is installed"
	expect_pristine
}

@test "upgrade and downgrade keep changed configuration, and uninstall names it" {
	local conf
	medium "$WORK/m2" 2.0.0
	"$WORK/m1/amd64/setup" install --yes --replace-agent --module=none --root "$R"
	conf=$R/etc/guest-tools/agent.conf
	echo '# mine' >>"$conf"
	run "$WORK/m2/amd64/setup" install --yes --module=none --root "$R"
	expect_status 0
	[ "$(in_root dpkg-query -W -f '${Version}' guest-tools-agent)" = 2.0.0 ]
	tail -n1 "$conf" | grep -q '# mine'
	run "$WORK/m1/amd64/setup" install --yes --module=none --root "$R"
	expect_status 9
	run "$WORK/m1/amd64/setup" install --yes --module=none --downgrade --root "$R"
	expect_status 0
	[ "$(in_root dpkg-query -W -f '${Version}' guest-tools-agent)" = 1.0.0 ]
	run "$WORK/m1/amd64/setup" uninstall --yes --root "$R"
	expect_status 0
	expect_output "${conf#"$R"}"
	tail -n1 "$conf" | grep -q '# mine'
	[ "$(changes)" = "$(printf 'added ./etc/guest-tools\nadded .%s' "${conf#"$R"}")" ]
}

@test "a locked package manager is waited for, visibly" {
	# The lock is an fcntl one, as dpkg takes it itself.
	python3 -c 'import fcntl, sys, time
f = open(sys.argv[1], "w"); fcntl.lockf(f, fcntl.LOCK_EX); print("locked", flush=True); time.sleep(5)' \
		"$R/var/lib/dpkg/lock-frontend" >"$WORK/locked" 3>&- &
	until [ -s "$WORK/locked" ]; do sleep 0.1; done
	run "$WORK/m1/amd64/setup" install --yes --replace-agent --module=none --root "$R"
	expect_status 0
	expect_output "waiting for process"
}

@test "a package manager that fails ends the install with its own words, and all is undone" {
	local tree
	tree=$WORK/m1.tree
	rm "$WORK"/m1/packages/guest-tools-agent_*.deb
	mkdir -p "$tree/DEBIAN"
	printf 'Package: guest-tools-agent\nVersion: 1.0.0\nArchitecture: amd64\nMaintainer: a <a@b>\nDescription: x\nDepends: no-such-package\n' >"$tree/DEBIAN/control"
	dpkg-deb -b "$tree" "$WORK/m1/packages/guest-tools-agent_1.0.0_amd64.deb" >/dev/null
	add_manifest "$WORK/m1" 1.0.0
	run "$WORK/m1/amd64/setup" install --yes --replace-agent --root "$R"
	expect_status 1
	expect_output "dependency problems"
	expect_output "put everything back as it was"
	expect_pristine
}

@test "the medium may go away once the install has begun" {
	# dpkg waits for the lock; meanwhile the medium is emptied.
	python3 -c 'import fcntl, sys, time
f = open(sys.argv[1], "w"); fcntl.lockf(f, fcntl.LOCK_EX); print("locked", flush=True); time.sleep(4)' \
		"$R/var/lib/dpkg/lock-frontend" >"$WORK/locked" 3>&- &
	until [ -s "$WORK/locked" ]; do sleep 0.1; done
	"$WORK/m1/amd64/setup" install --yes --replace-agent --root "$R" >"$WORK/out" 2>&1 3>&- &
	until grep -q 'waiting for process' "$WORK/out"; do sleep 0.1; done
	rm -rf "$WORK/m1"
	wait $! || { cat "$WORK/out"; return 1; }
	[ "$(in_root dpkg-query -W -f '${Status}' virtio-fsfreeze-dkms)" = "install ok installed" ]
}

# content: each file of the changes, with all but its times; what may differ is in the man page, IMAGES
content() {
	(cd "$WORK/upper" && find . -mindepth 1 -printf '%p\t%y %m %U:%G %l\n' | LC_ALL=C sort |
		while IFS=$'\t' read -r path about; do
			case $path in ./var/log/dpkg.log | ./var/log/alternatives.log | ./var/cache/ldconfig*) continue ;; esac
			echo "$path $about $([ ! -f "$path" ] || sha256sum <"$path")"
		done)
}

@test "two installs into the same root give the same bytes, and nothing of this machine" {
	local word
	"$WORK/m1/amd64/setup" install --yes --replace-agent --module=none --root "$R"
	content >"$WORK/first"
	rm "$WORK/upper/usr/sbin/guest-tools-setup"
	for word in "$WORK" "$(uname -r)" "$(uname -n)."; do
		run grep -rlF --exclude=dpkg.log -- "$word" "$WORK/upper"
		expect_status 1
	done
	fresh_root
	cp -a "$WORK/m1" "$WORK/elsewhere"
	(cd / && umask 077 && sleep 1.1 && TZ=Asia/Tokyo HOME=/nowhere "$WORK/elsewhere/amd64/setup" install \
		--yes --replace-agent --module=none --root "$R")
	content | diff "$WORK/first" -
}
