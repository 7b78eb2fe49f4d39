# SPDX-License-Identifier: GPL-2.0-or-later
# The build's own manners: help, one line for what is wrong, no half-made artefact.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load agent/agent

setup() { cd "$top" || return; }

# tools_without NAME...: a PATH with everything this machine has but these
tools_without()
{
	local dir=$BATS_TEST_TMPDIR/bin file name

	mkdir -p "$dir"
	for file in /usr/local/bin/* /usr/sbin/* /usr/bin/* /sbin/* /bin/*; do
		name=${file##*/}
		[[ " $* " == *" $name "* ]] || [ -e "$dir/$name" ] || ln -s "$file" "$dir/$name"
	done
	echo "$dir"
}

@test "make help lists every target and every variable of the README" {
	run make help
	assert_success
	local target variable

	for target in $(awk -F ':.*## ' '/^[a-z-]+:.*## / { print $1 }' Makefile); do
		assert_line --regexp "^  $target "
	done
	for variable in BUILD VERSION ARCH GUEST_TOOLS_CACHE SOURCE_DATE_EPOCH JOBS T KDIR DESTDIR \
		SIGNING_KEY TRUSTED_KEYS; do
		assert_line --regexp "^  $variable"
		grep -q "\`$variable\`" README.md || fail "README does not name $variable"
	done
}

@test "a tool that is missing is named in one line, before anything is built" {
	local tool

	for tool in xorriso musl-gcc meson openssl; do
		PATH=$(tools_without "$tool") run --separate-stderr make iso BUILD="$BATS_TEST_TMPDIR/build"
		assert_failure
		assert_equal "$output" ""
		assert_equal "$(head -n 1 <<<"$stderr")" \
			"make: cannot build: $tool is not installed; try 'make deps' as root"
		assert [ ! -e "$BATS_TEST_TMPDIR/build/iso" ]
		rm -rf "$BATS_TEST_TMPDIR/bin"
	done
}

@test "a place that cannot be written is named in one line, with the way out" {
	run --separate-stderr make iso BUILD=/proc/build
	assert_failure
	assert_regex "$(head -n 1 <<<"$stderr")" \
		"^make: cannot build: /proc/build cannot be written \(.*\); try 'make BUILD=DIR'"
}

@test "a disk that is full is named in one line, and no ISO is there" {
	local dir=$BATS_TEST_TMPDIR/small

	mkdir "$dir"
	run unshare --user --map-root-user --mount sh -c "mount -t tmpfs -o size=1m tmpfs '$dir' &&
		packaging/preflight.sh '$dir/build'"
	[[ $output != *"Operation not permitted"* ]] || skip "no user namespaces here"
	assert_failure
	assert_output --regexp "^make: cannot build: no space left below $dir/build: [0-9]+ MiB free, 100 MiB needed$"
}

@test "an ISO that cannot be finished leaves nothing under its name" {
	local iso=$BATS_TEST_TMPDIR/iso/out.iso

	printf '#!/bin/sh\necho "No space left on device" >&2\nhead -c 4096 /dev/zero >"%s.new"\nexit 5\n' "$iso" \
		>"$BATS_TEST_TMPDIR/xorriso"
	chmod 755 "$BATS_TEST_TMPDIR/xorriso"
	PATH=$BATS_TEST_TMPDIR:$PATH VERSION=1 ARCH=amd64 BUILD=$BUILD SOURCE_DATE_EPOCH=0 \
		run iso/build.sh "$iso"
	assert_failure
	assert_line "No space left on device"
	assert_line --partial "iso: cannot build $iso: xorriso failed"
	assert_equal "$(find "$BATS_TEST_TMPDIR/iso" -mindepth 1)" ""
}

@test "a second build with nothing changed builds nothing" {
	make iso >/dev/null
	local before

	before=$(find "$BUILD" -name static -prune -o -type f ! -name .writable -printf '%p %T@\n' | sort)
	run make iso
	assert_success
	refute_line --regexp '^  (CC|LINK|LD|DEB|ISO|STATIC)'
	assert_equal "$(find "$BUILD" -name static -prune -o -type f ! -name .writable -printf '%p %T@\n' | sort)" "$before"
}

@test "the ISO has the label, long names for Linux and Windows, and what its manifest says" {
	local iso

	make iso >/dev/null
	iso=$BUILD/iso/guest-tools-$(cat VERSION).iso
	run xorriso -indev "$iso" -toc
	assert_line --partial "GUEST_TOOLS"
	run xorriso -indev "$iso" -pvd_info
	assert_success
	xorriso -osirrox on -indev "$iso" -extract / "$BATS_TEST_TMPDIR/medium" >/dev/null 2>&1
	cd "$BATS_TEST_TMPDIR/medium" || return
	run sha256sum --quiet --strict -c MANIFEST
	assert_success
	# Every file is in the manifest, with its mode and size.
	while read -r path; do
		[[ $path != MANIFEST?(.sig) ]] || continue
		run grep -B 1 -F "  $path" MANIFEST
		assert_line --index 0 "# mode=0$(stat -c %a "$path") size=$(stat -c %s "$path")"
	done < <(find . -type f -printf '%P\n')
	for path in setup amd64/setup amd64/tree/usr/sbin/guest-tools-agent hooks/README README.txt \
		"packages/guest-tools-agent_$(cat "$top/VERSION")_amd64.deb" \
		"packages/virtio-fsfreeze-dkms_$(cat "$top/VERSION")_all.deb" \
		"packages/guest-tools-agent-$(cat "$top/VERSION")-1.x86_64.rpm" \
		"packages/virtio-fsfreeze-dkms-$(cat "$top/VERSION")-1.noarch.rpm"; do
		assert [ -e "$path" ]
	done
	# Joliet names are UTF-16.
	run grep -c "$(printf 'v\\x00i\\x00r\\x00t\\x00i\\x00o\\x00-\\x00f\\x00s')" -aP "$iso"
	assert_success
}

@test "the host verifies the ISO with the public key, and refuses another key's and a changed one" {
	local iso copy=$BATS_TEST_TMPDIR/copy.iso stray=$BATS_TEST_TMPDIR/stray

	make iso >/dev/null
	iso=$BUILD/iso/guest-tools-$(cat VERSION)
	run iso/verify.sh "$iso.iso" "$iso.pub"
	assert_success
	assert_output --partial "is as signed"
	openssl genpkey -algorithm ed25519 | openssl pkey -pubout -out "$BATS_TEST_TMPDIR/other.pub"
	run iso/verify.sh "$iso.iso" "$BATS_TEST_TMPDIR/other.pub"
	assert_failure
	assert_output --partial "is not signed by the owner"
	echo stray >"$stray"
	xorriso -indev "$iso.iso" -outdev "$copy" -map "$stray" /hooks/stray >/dev/null 2>&1
	run iso/verify.sh "$copy" "$iso.pub"
	assert_failure
	assert_output --partial "has files that were not signed: hooks/stray"
	rm "$copy"
	xorriso -indev "$iso.iso" -outdev "$copy" -update "$stray" /hooks/README >/dev/null 2>&1
	run iso/verify.sh "$copy" "$iso.pub"
	assert_failure
	assert_output --partial "is not as it was signed"
	rm "$copy"
	xorriso -indev "$iso.iso" -outdev "$copy" -chmod 0555 /hooks/README -- >/dev/null 2>&1
	run iso/verify.sh "$copy" "$iso.pub"
	assert_failure
	assert_output --partial "of other modes"
}

@test "the host tools are a package that names the libraries it needs and starts nothing" {
	local deb=$BATS_TEST_TMPDIR/host.deb
	make -s host
	VERSION=$(cat VERSION) ARCH=amd64 BUILD="$BUILD" SOURCE_DATE_EPOCH=1 packaging/deb/build.sh host guest-tools-host "$deb"
	run dpkg-deb -f "$deb" Package Version Architecture
	assert_output "$(printf 'Package: guest-tools-host\nVersion: %s\nArchitecture: amd64' "$(cat VERSION)")"
	run dpkg-deb -f "$deb" Depends
	assert_output --regexp '^libc6 \(.*libjansson4 \('
	mkdir "$BATS_TEST_TMPDIR/root"
	dpkg-deb -R "$deb" "$BATS_TEST_TMPDIR/root"
	cd "$BATS_TEST_TMPDIR/root"
	run ls DEBIAN usr/bin usr/libexec/guest-tools usr/lib/systemd/system
	assert_output "DEBIAN:
control
md5sums

usr/bin:
fsfreezectl

usr/lib/systemd/system:
vhost-user-fsfreeze-control@.socket
vhost-user-fsfreeze@.service
vhost-user-fsfreeze@.socket

usr/libexec/guest-tools:
vhost-user-fsfreeze"
	run usr/bin/fsfreezectl --version
	assert_success
	run md5sum --quiet -c DEBIAN/md5sums
	assert_success
}

@test "deps says what is missing where it knows no package manager, and to whom it is not root" {
	mkdir -p "$BATS_TEST_TMPDIR/p"
	cp packaging/deps.sh "$BATS_TEST_TMPDIR/p/"
	printf 'no-such-tool  some-package  other-package  build\nsh  dash  dash  build\n' \
		>"$BATS_TEST_TMPDIR/p/deps.table"
	PATH=$(tools_without apt-get dnf) run "$BATS_TEST_TMPDIR/p/deps.sh" install
	assert_failure
	assert_output "deps: cannot install: neither apt-get nor dnf is here; missing: no-such-tool "
	rm -rf "$BATS_TEST_TMPDIR/bin"
	PATH=$(tools_without apt-get dnf) run "$BATS_TEST_TMPDIR/p/deps.sh" missing
	assert_output "no-such-tool"
	if [ "$(id -u)" = 0 ]; then
		as_nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
		chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" "$BATS_TEST_TMPDIR"
	fi
	run ${as_nobody-} "$BATS_TEST_TMPDIR/p/deps.sh" install
	assert_failure
	assert_output "deps: cannot install: not root; as root: apt-get install some-package "
}

@test "the scripts are clean for shellcheck" {
	command -v shellcheck >/dev/null || skip "shellcheck is not installed"
	run shellcheck .ci/run packaging/*.sh packaging/*/*.sh packaging/deb/*/p* iso/*.sh tests/iso/*.sh docs/examples/*/*.sh
	assert_success
	run shellcheck -s sh agent/ready-hooks/*.in
	assert_success
}

@test "the manual pages are free of formatting errors" {
	command -v man >/dev/null || skip "man is not installed"
	local page

	for page in docs/man/*.[148]; do
		run bash -c "LC_ALL=C MANROFFSEQ='' MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z '$page' \
			2>&1 >/dev/null"
		assert_output ''
	done
}
