#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What detection makes of recorded roots; nothing here needs root.

load ../installer/setup-lib

json() {
	jq -r "$1" <<<"$output"
}

@test "detect names family, id and version of every recorded distribution release" {
	local file dir
	for file in "$FIXTURES"/*/expect; do
		dir=${file%/expect}
		printf '%s: %s\n' "${dir##*/}" "$(<"$file")" >>"$BATS_TEST_TMPDIR/expected"
		"$SETUP" detect --json --root "$dir" |
			sed "1s,{,{\"fixture\": \"${dir##*/}\"\,," >>"$BATS_TEST_TMPDIR/json"
	done
	jq -r '"\(.fixture): \(.distribution | "\(.family) \(.id) \(.version)")"' \
		"$BATS_TEST_TMPDIR/json" >"$BATS_TEST_TMPDIR/got"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/got")" -ge 60 ]
	diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/got"
}

@test "detect has every field that the documentation promises" {
	root_debian "$BATS_TEST_TMPDIR/r"
	root_kernel "$BATS_TEST_TMPDIR/r" 6.1.0-1-amd64
	run "$SETUP" detect --json --root "$BATS_TEST_TMPDIR/r"
	expect_status 0
	jq -e '(.distribution | has("id") and has("version") and has("family") and has("name")) and
		has("architecture") and has("init") and has("package_manager") and
		(.kernels[0] | has("release") and has("headers") and has("module_way")) and
		(.agent | has("installed") and has("conflict")) and
		has("secure_boot") and has("read_only_usr")' <<<"$output"
}

@test "detect never executes what it reads" {
	rm -f /tmp/executed
	"$SETUP" detect --root "$FIXTURES/odd-command-in-value"
	[ ! -e /tmp/executed ]
}

@test "detect lists every kernel in the root, and only kernels" {
	local r=$BATS_TEST_TMPDIR/r
	root_debian "$r"
	root_kernel "$r" 6.1.0-9-amd64 headers
	root_kernel "$r" 6.1.0-10-amd64
	mkdir -p "$r/lib/modules/5.10.0-1-amd64/updates/dkms" "$r/lib/modules/extra/kernel"
	run "$SETUP" detect --json --root "$r"
	expect_status 0
	[ "$(json '[.kernels[] | "\(.release) \(.headers) \(.module_way)"] | join(",")')" = \
		"6.1.0-9-amd64 true dkms,6.1.0-10-amd64 false none" ]
}

@test "detect does not take the running kernel for one of the root" {
	local r=$BATS_TEST_TMPDIR/r
	root_debian "$r"
	run "$SETUP" detect --json --root "$r"
	[ "$(json '.kernels | length')" = 0 ]
	[[ $output != *"$(uname -r)"* ]]
}

@test "headers behind a link that leads out of the root do not count" {
	local r=$BATS_TEST_TMPDIR/r
	root_debian "$r"
	root_kernel "$r" 6.1.0-1-amd64
	mkdir -p "$BATS_TEST_TMPDIR/outside"
	touch "$BATS_TEST_TMPDIR/outside/"{Makefile,.config}
	ln -s ../../../../outside "$r/lib/modules/6.1.0-1-amd64/build"
	run "$SETUP" detect --json --root "$r"
	[ "$(json '.kernels[0].headers')" = false ]
	ln -sfn "$BATS_TEST_TMPDIR/outside" "$r/lib/modules/6.1.0-1-amd64/build"
	run "$SETUP" detect --json --root "$r"
	[ "$(json '.kernels[0].headers')" = false ]
}

@test "detect names the init system that is installed" {
	local r=$BATS_TEST_TMPDIR/r
	mkdir -p "$r"/{etc,sbin,bin,etc/init,etc/runlevels}
	check() {
		run "$SETUP" detect --json --root "$r"
		[ "$(json .init)" = "$1" ] || { echo "$(json .init), not $1"; return 1; }
	}
	check unknown
	touch "$r/etc/inittab" && check sysvinit
	touch "$r/sbin/initctl" && check upstart
	ln -s /bin/busybox "$r/sbin/init" && check openrc
	rmdir "$r/etc/runlevels" && check busybox
	ln -sf runit-init "$r/sbin/init" && check runit
	ln -sf /usr/bin/runit-init "$r/sbin/init" && check runit
	ln -sf ../lib/systemd/systemd "$r/sbin/init" && check systemd
}

@test "detect reads the Secure Boot variable" {
	local r=$BATS_TEST_TMPDIR/r efi
	efi=$r/sys/firmware/efi/efivars
	mkdir -p "$efi"
	run "$SETUP" detect --json --root "$r"
	[ "$(json .secure_boot)" = null ]
	printf '\6\0\0\0\1' >"$efi/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
	run "$SETUP" detect --json --root "$r"
	[ "$(json .secure_boot)" = true ]
	printf '\6\0\0\0\0' >"$efi/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
	run "$SETUP" detect --json --root "$r"
	[ "$(json .secure_boot)" = false ]
}

@test "detect sees another agent, unless it is masked" {
	local r=$BATS_TEST_TMPDIR/r
	root_debian "$r"
	install -D -m 755 /dev/null "$r/usr/sbin/qemu-ga"
	run "$SETUP" detect --json --root "$r"
	[ "$(json .agent.conflict)" = qemu-guest-agent ]
	mkdir -p "$r/etc/systemd/system"
	ln -s /dev/null "$r/etc/systemd/system/qemu-guest-agent.service"
	run "$SETUP" detect --json --root "$r"
	[ "$(json .agent.conflict)" = null ]
}

@test "detect names the architecture by the root's own programs" {
	local r=$BATS_TEST_TMPDIR/r
	mkdir -p "$r/bin"
	# An ELF header of 64-bit ARM: class, data and machine are what counts.
	printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\267\0' >"$r/bin/sh"
	run "$SETUP" detect --json --root "$r"
	[ "$(json .architecture)" = arm64 ]
	# Big-endian s390x: the machine number's bytes stand the other way round.
	printf '\177ELF\2\2\1\0\0\0\0\0\0\0\0\0\0\2\0\26' >"$r/bin/sh"
	run "$SETUP" detect --json --root "$r"
	[ "$(json .architecture)" = s390x ]
}

@test "a root that is image-based has a read-only /usr" {
	local r=$BATS_TEST_TMPDIR/r
	run "$SETUP" detect --json --root "$FIXTURES/flatcar-3760"
	[ "$(json .read_only_usr)" = true ]
	root_debian "$r"
	run "$SETUP" detect --json --root "$r"
	[ "$(json .read_only_usr)" = false ]
	mkdir -p "$r/ostree/repo"
	run "$SETUP" detect --json --root "$r"
	[ "$(json .read_only_usr)" = true ]
}

@test "SELinux is as its configuration has it, the last word counting" {
	local r=$BATS_TEST_TMPDIR/r
	root_debian "$r"
	[ "$("$SETUP" detect --json --root "$r" | jq -r .selinux)" = null ]
	mkdir -p "$r/etc/selinux"
	printf '# SELINUX=disabled\nSELINUXTYPE=targeted\nSELINUX=Enforcing\r\n' >"$r/etc/selinux/config"
	[ "$("$SETUP" detect --json --root "$r" | jq -r .selinux)" = enforcing ]
	echo 'SELINUX=disabled' >>"$r/etc/selinux/config"
	[ "$("$SETUP" detect --json --root "$r" | jq -r .selinux)" = disabled ]
}
