#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# containerdisk.sh ISO OUT.tar: the ISO as an OCI image, in one archive, as KubeVirt's
# containerDisk has it: one file below /disk that user 107, who runs QEMU there, can read.
# The same ISO gives the same bytes.
# Variables: VERSION, ARCH, SOURCE_DATE_EPOCH.
set -eu
export LC_ALL=C TZ=UTC
umask 022

iso=$1 out=$2
: "${VERSION:?}" "${ARCH:?}" "${SOURCE_DATE_EPOCH:?}"
created=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

die() {
	printf 'containerdisk: cannot make %s: %s\n' "$out" "$*" >&2
	exit 1
}

# archive DIR OUT OWNER: what is in DIR, with nothing of this machine and of now
archive() {
	tar -C "$1" --sort=name --format=ustar --mtime="@$SOURCE_DATE_EPOCH" --owner="$3" --group="$3" \
		--numeric-owner --mode=go+rX -cf "$2" .
}

# oci COMMAND...: umoci, whose words are for when it fails
oci() {
	umoci "$@" >"$work/log" 2>&1 || die "umoci $1 failed: $(tail -n 1 "$work/log")"
}

# The name that OCI has for an architecture, which is Go's.
case $ARCH in
i386) architecture=386 ;;
ppc64el) architecture=ppc64le ;;
*) architecture=$ARCH ;;
esac

mkdir -p "$work/layer/disk" "$(dirname "$out")"
install -m 444 "$iso" "$work/layer/disk/guest-tools.iso"
archive "$work/layer" "$work/layer.tar" 107

oci init --layout "$work/image"
oci new --image "$work/image:$VERSION"
oci raw add-layer --image "$work/image:$VERSION" --no-history "$work/layer.tar"
oci config --image "$work/image:$VERSION" --no-history --created "$created" --os linux \
	--architecture "$architecture" \
	--config.label "org.opencontainers.image.title=guest-tools" \
	--config.label "org.opencontainers.image.version=$VERSION" \
	--config.label "org.opencontainers.image.licenses=GPL-2.0-or-later"
oci gc --layout "$work/image"
archive "$work/image" "$out.new" 0
mv "$out.new" "$out"
echo "  OCI     $out ($(($(stat -c %s "$out") / 1024)) KiB)"
