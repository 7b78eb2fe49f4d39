#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# build.sh OUT.iso FILE...
#
# Lays out the medium and writes it. The packages are the *.deb among the FILEs,
# "setup" is the installer's binary. Variables: VERSION, ARCH, BUILD,
# SOURCE_DATE_EPOCH, and those of key.sh. The same content and key give the same
# bytes. The public key is left beside it, for verify.sh.
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
	make -s -C "$top/kmod" >/dev/null
	mkdir -p "$root/packages" "$root/hooks" "$root/module"
	for dir in "$BUILD/prebuilt"/*/; do
		[ ! -d "$dir" ] || install -D -m 644 -t "$root/modules/$ARCH/$(basename "$dir")" "$dir"/*
	done
	cp -R "$BUILD/kmod/dkms" "$root/module/source"
	rm "$root/module/source/dkms.conf"
	install -m 755 "$top/kmod/direct/build-module" "$top/kmod/direct/kernel-hook" "$root/module/"
	for file; do
		cp "$file" "$root/packages/"
	done
	cp -R "$top/agent/fsfreeze-hook.d/." "$root/hooks/"
	cp "$here/README.txt" "$root/README.txt"
	cp "$top/LICENSE" "$root/LICENSE.txt"
	printf '%s\n' "$VERSION" >"$root/VERSION"
}

sbom() {
	"$top/packaging/sbom.sh" "${STATIC_PREFIX:-$BUILD/static}" "$ARCH/setup=$BUILD/installer/setup" \
		"$ARCH/tree/usr/sbin/guest-tools-agent=$BUILD/agent/guest-tools-agent" \
		"$ARCH/tree/usr/libexec/guest-tools/fsfreeze-hook=$BUILD/agent/fsfreeze-hook"
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
sbom >"$root/sbom.spdx.json" || die "what is linked into its programs cannot be told"
"$here/manifest.sh" "$root" "$VERSION" || die "its manifest cannot be written"
write
"$here/key.sh" public "${out%.iso}.pub" || die "the public key cannot be written"
mv "$out.new" "$out"
printf '  ISO     %s (%s KiB)\n' "$out" "$(($(stat -c %s "$out") / 1024))"
