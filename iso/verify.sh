#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# verify.sh ISO KEY.pub: is the medium as the owner of KEY signed it? Nothing of the
# medium is run. KEY must come from elsewhere than the medium. The same by hand: copy the
# files out of the ISO or mount it, then
#
#   openssl pkeyutl -verify -pubin -inkey KEY.pub -rawin -in MANIFEST -sigfile MANIFEST.sig
#   sha256sum --strict -c MANIFEST
set -eu
export LC_ALL=C

die() {
	printf 'verify: %s\n' "$*" >&2
	exit 1
}

[ $# = 2 ] || die "usage: verify.sh ISO KEY.pub"
iso=$1 key=$(realpath "$2")
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT

xorriso -osirrox on -indev "stdio:$(realpath "$iso")" -extract / "$work/medium" >"$work/log" 2>&1 ||
	die "cannot read $iso: $(tail -n 1 "$work/log")"
cd "$work/medium"
openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in MANIFEST -sigfile MANIFEST.sig \
	>"$work/log" 2>&1 || die "$iso is not signed by the owner of $key: $(tail -n 1 "$work/log")"
sha256sum --quiet --strict -c MANIFEST >&2 || die "$iso is not as it was signed (above)"
find . -type f ! -path ./MANIFEST ! -path ./MANIFEST.sig -printf '%P\n' | sort >"$work/files"
sed -n 's/^[0-9a-f]\{64\}  //p' MANIFEST | sort >"$work/listed"
strange=$(comm -23 "$work/files" "$work/listed")
[ -z "$strange" ] || die "$iso has files that were not signed: $strange"
sed -n 's/^# mode=0\([0-7]*\) size=\([0-9]*\)$/\1 \2/p' MANIFEST >"$work/signed"
sed -n 's/^[0-9a-f]\{64\}  //p' MANIFEST | tr '\n' '\0' | xargs -0 stat -c '%a %s' |
	cmp -s "$work/signed" - || die "$iso has files of other modes than were signed"
printf 'verify: %s is as signed: %s files, %s\n' "$iso" "$(wc -l <"$work/files")" \
	"$(sed -n '1s/^# //p' MANIFEST)"
