#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# manifest.sh DIR VERSION: write and sign DIR/MANIFEST, which lists every file of DIR with
# its SHA-256, size, and mode as the medium shows it: all are root's and read-only.
# Variables: as key.sh.
set -eu
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
keys=$("$here/key.sh" trusted)

list() {
	printf '# guest-tools %s\n' "$1"
	printf '%s\n' "$keys" | sed 's/^/# key=/'
	find . -type f ! -path ./MANIFEST ! -path ./MANIFEST.sig -printf '%P\n' | sort |
		while IFS= read -r path; do
			mode=0444
			[ ! -x "$path" ] || mode=0555
			printf '# mode=%s size=%s\n' "$mode" "$(stat -c %s "$path")"
			sha256sum "$path"
		done
}

cd "$1"
text=$(list "$2")
printf '%s\n' "$text" >MANIFEST
"$here/key.sh" sign MANIFEST
