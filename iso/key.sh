#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Ed25519 keys of the medium, as PEM files of openssl:
#
#   key.sh public OUT.pem   the public part of the key that signs
#   key.sh trusted          all keys that setup is to believe, a line of hex each
#   key.sh sign FILE        write FILE.sig: 64 bytes, the same for the same key and content
#
# Variables: SIGNING_KEY, the private key; without it one is made once for this machine,
# in GUEST_TOOLS_CACHE. TRUSTED_KEYS, more public keys, of the next release for example.
set -eu
export LC_ALL=C

cache=${GUEST_TOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/guest-tools}
key=${SIGNING_KEY:-$cache/signing-key.pem}

die() {
	printf 'signing: %s\n' "$*" >&2
	exit 1
}

# Renamed into place, so that two builds at once agree on one.
make_key() {
	[ -z "${SIGNING_KEY:-}" ] || die "cannot sign: there is no $SIGNING_KEY"
	mkdir -p "$cache" || die "cannot write below $cache"
	new=$(mktemp "$key.XXXXXX") || die "cannot write below $cache"
	openssl genpkey -algorithm ed25519 -out "$new" || die "cannot make a key"
	ln "$new" "$key" 2>/dev/null || [ -e "$key" ] || die "cannot write $key"
	rm -f "$new"
}

# raw OPTION...: the 32 bytes of a public key, which end its DER form, as hex
raw() {
	der=$(openssl pkey "$@" -outform DER 2>/dev/null | od -An -v -tx1 | tr -d ' \n')
	case $der in
	302a300506032b6570032100*) echo "${der#302a300506032b6570032100}" ;;
	*) return 1 ;;
	esac
}

trusted() {
	raw -in "$key" -pubout || die "cannot use $key: it is no Ed25519 private key in PEM"
	for file in ${TRUSTED_KEYS:-}; do
		raw -pubin -in "$file" || die "cannot use $file: it is no Ed25519 public key in PEM"
	done
}

[ -e "$key" ] || make_key
case ${1:-} in
public) openssl pkey -in "$key" -pubout -out "${2:?}" ;;
trusted) trusted ;;
sign)
	openssl pkeyutl -sign -inkey "$key" -rawin -in "${2:?}" -out "$2.sig" ||
		die "cannot sign $2 with $key"
	;;
*) die "usage: key.sh public OUT | trusted | sign FILE" ;;
esac
