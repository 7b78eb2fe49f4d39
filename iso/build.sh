#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# build.sh OUT.iso FILE...
#
# Lays out the medium and writes it. The packages are the *.deb among the FILEs,
# "setup" is the installer's binary. Variables: VERSION, ARCH, BUILD,
# SOURCE_DATE_EPOCH. The same content gives the same bytes.
set -eu
export LC_ALL=C TZ=UTC
umask 022

here=$(cd "$(dirname "$0")" && pwd)
top=$here/..
out=$1
shift
: "${VERSION:?}" "${ARCH:?}" "${BUILD:?}" "${SOURCE_DATE_EPOCH:?}"

die() {
	printf 'iso: cannot build %s: %s\n' "$out" "$*" >&2
	exit 1
}

mkdir -p "$(dirname "$out")" || die "no such directory"
root=$(mktemp -d "$(dirname "$out")/root.XXXXXX") || die "no directory for its content"
trap 'rm -rf "$root" "$out.new"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

lay_out() {
	install -D -m 755 "$here/setup.sh" "$root/setup"
	install -D -m 755 "$BUILD/installer/setup" "$root/$ARCH/setup"
	install -m 644 "$top/docs/man/guest-tools-setup.8" "$root/$ARCH/"
	make -s -C "$top/agent" install DESTDIR="$root/$ARCH/tree" >/dev/null
	mkdir -p "$root/packages" "$root/hooks"
	for file; do
		cp "$file" "$root/packages/"
	done
	cp -R "$top/agent/fsfreeze-hook.d/." "$root/hooks/"
	cp "$here/README.txt" "$root/README.txt"
	cp "$top/LICENSE" "$root/LICENSE.txt"
	printf '%s\n' "$VERSION" >"$root/VERSION"
}

# Modes as the medium shows them: the files of all are root's and read-only.
manifest() {
	printf '# guest-tools %s\n' "$VERSION"
	cd "$root"
	find . -type f ! -name MANIFEST -printf '%P\n' | sort | while IFS= read -r path; do
		mode=0444
		[ ! -x "$path" ] || mode=0555
		printf '# mode=%s size=%s\n' "$mode" "$(stat -c %s "$path")"
		sha256sum "$path"
	done
}

write() {
	xorriso -as mkisofs -quiet -V GUEST_TOOLS -volset GUEST_TOOLS -A "guest-tools $VERSION" \
		-publisher guest-tools -preparer guest-tools -r -J -joliet-long \
		--set_all_file_dates "=$SOURCE_DATE_EPOCH" -o "$out.new" "$root" 2>"$root.log" || {
		tail -n 5 "$root.log" >&2
		rm -f "$root.log"
		die "xorriso failed (above)"
	}
	rm -f "$root.log"
}

lay_out "$@" || die "its content cannot be laid out"
manifest >"$root/MANIFEST" || die "its manifest cannot be written"
write
mv "$out.new" "$out"
printf '  ISO     %s (%s KiB)\n' "$out" "$(($(stat -c %s "$out") / 1024))"
