#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may sign a medium. No root needed.

load ../installer/setup-lib

setup() {
	M=$BATS_TEST_TMPDIR/medium
	R=$BATS_TEST_TMPDIR/root
	medium_static "$M" 1.0.0
}

verify() {
	run "$SETUP" verify --medium "$M" "$@"
}

# stranger NAME: a key of somebody else, private NAME.pem and public NAME.pub
stranger() {
	openssl genpkey -algorithm ed25519 -out "$BATS_TEST_TMPDIR/$1.pem"
	openssl pkey -in "$BATS_TEST_TMPDIR/$1.pem" -pubout -out "$BATS_TEST_TMPDIR/$1.pub"
}

# sign_as NAME [OTHER...]: the medium becomes one of NAME's, that names the OTHERs' keys too
sign_as() {
	chmod u+w "$M/amd64/tree/usr/sbin/guest-tools-agent"
	echo "agent ${VERSION:-1.0.0}" >"$M/amd64/tree/usr/sbin/guest-tools-agent"
	SIGNING_KEY=$BATS_TEST_TMPDIR/$1.pem TRUSTED_KEYS="${*:2}" add_manifest "$M" "${VERSION:-1.0.0}"
}

install() {
	run as_root "$SETUP" install --yes --root "$R" --medium "$M" "$@"
}

@test "a medium without a signature is refused with a code of its own" {
	rm "$M/MANIFEST.sig"
	verify
	expect_status 12
	expect_output "is not signed"
}

@test "a manifest that was changed after it was signed is refused with a code of its own" {
	sed -i '1s/1.0.0/1.0.1/' "$M/MANIFEST"
	verify
	expect_status 13
	expect_output "no key that is trusted here"
}

@test "a signature that is cut, longer, empty, huge or another file's is refused" {
	cp "$M/MANIFEST.sig" "$BATS_TEST_TMPDIR/good"
	head -c 63 "$BATS_TEST_TMPDIR/good" >"$M/MANIFEST.sig"
	verify
	expect_status 13
	{ cat "$BATS_TEST_TMPDIR/good"; echo; } >"$M/MANIFEST.sig"
	verify
	expect_status 13
	: >"$M/MANIFEST.sig"
	verify
	expect_status 13
	head -c 100000 /dev/zero >"$M/MANIFEST.sig"
	verify
	expect_status 12
	echo other >"$BATS_TEST_TMPDIR/other"
	"$HERE/../../iso/key.sh" sign "$BATS_TEST_TMPDIR/other"
	cp "$BATS_TEST_TMPDIR/other.sig" "$M/MANIFEST.sig"
	verify
	expect_status 13
}

@test "a medium that somebody else signed is refused before anything is touched" {
	need_as_root
	root_debian "$R"
	stranger mallory
	sign_as mallory
	snapshot "$R" >"$BATS_TEST_TMPDIR/before"
	install
	expect_status 13
	snapshot "$R" | cmp - "$BATS_TEST_TMPDIR/before"
}

@test "the signature is judged before a line of the manifest is" {
	echo nonsense >>"$M/MANIFEST"
	verify
	expect_status 13
}

@test "a key of the guest's own is believed where only root can write it" {
	root_debian "$R"
	stranger friend
	sign_as friend
	mkdir -p "$R/etc/guest-tools/keys"
	cp "$BATS_TEST_TMPDIR/friend.pub" "$R/etc/guest-tools/keys/friend.pub"
	verify --root "$R"
	expect_status 0
	chmod 664 "$R/etc/guest-tools/keys/friend.pub"
	verify --root "$R"
	expect_status 13
	expect_output "friend.pub is not used: others than root can write it"
	# What is no key is named, and keeps no other from being used.
	chmod 644 "$R/etc/guest-tools/keys/friend.pub"
	echo text >"$R/etc/guest-tools/keys/a.pub"
	openssl genpkey -algorithm ed448 | openssl pkey -pubout -out "$R/etc/guest-tools/keys/b.pub"
	verify --root "$R"
	expect_status 0
	expect_output "a.pub is not used"
	expect_output "b.pub is not used"
}

@test "what is installed judges the medium that is to replace it" {
	need_as_root
	root_debian "$R"
	stranger friend
	stranger other
	# friend's medium, which names other's key for later; on it a setup that knows neither
	mkdir -p "$R/etc/guest-tools/keys"
	cp "$BATS_TEST_TMPDIR/friend.pub" "$R/etc/guest-tools/keys/"
	sign_as friend "$BATS_TEST_TMPDIR/other.pub"
	install --agent static
	expect_status 0
	rm -r "$R/etc/guest-tools/keys"
	# The key this setup was built with counts no more ...
	add_manifest "$M" 1.1.0
	install --agent static
	expect_status 13
	# ... but friend's does, and the one that friend's medium named.
	VERSION=1.2.0 sign_as friend "$BATS_TEST_TMPDIR/other.pub"
	install --agent static
	expect_status 0
	VERSION=1.3.0 sign_as other
	install --agent static
	expect_status 0
	# other's medium did not name friend.
	VERSION=1.4.0 sign_as friend
	install --agent static
	expect_status 13
}

@test "an older medium is refused with a code of its own, however well it is signed" {
	need_as_root
	root_debian "$R"
	install --agent static
	expect_status 0
	chmod u+w "$M/amd64/tree/usr/sbin/guest-tools-agent"
	echo 'agent 0.9' >"$M/amd64/tree/usr/sbin/guest-tools-agent"
	add_manifest "$M" 0.9.0
	install --agent static
	expect_status 9
}

@test "a build without the named key stops, and makes none in its place" {
	SIGNING_KEY=$BATS_TEST_TMPDIR/none.pem run "$HERE/../../iso/key.sh" trusted
	expect_status 1
	expect_output "there is no $BATS_TEST_TMPDIR/none.pem"
	[ ! -e "$BATS_TEST_TMPDIR/none.pem" ]
	openssl genpkey -algorithm ed448 -out "$BATS_TEST_TMPDIR/448.pem"
	SIGNING_KEY=$BATS_TEST_TMPDIR/448.pem run "$HERE/../../iso/key.sh" trusted
	expect_status 1
	expect_output "no Ed25519 private key"
}

@test "a key is made once, for its owner only, by many builds at once" {
	local i pids=()
	export GUEST_TOOLS_CACHE=$BATS_TEST_TMPDIR/cache
	unset SIGNING_KEY
	for i in 1 2 3 4; do
		"$HERE/../../iso/key.sh" trusted >"$BATS_TEST_TMPDIR/key.$i" &
		pids+=($!)
	done
	# Not for all there is: bats has a child of its own, for the time-out.
	wait "${pids[@]}"
	[ "$(cat "$BATS_TEST_TMPDIR"/key.* | sort -u | wc -l)" = 1 ]
	[ "$(stat -c %a "$GUEST_TOOLS_CACHE"/*)" = 600 ]
	[ "$(cat "$BATS_TEST_TMPDIR/key.1")" = "$("$HERE/../../iso/key.sh" trusted)" ]
}
