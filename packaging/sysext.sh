#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sysext.sh OUT.raw: the agent as a systemd-sysext image, for guests whose /usr is read-only. The
# file's name, less ".raw", is the extension's. The same content gives the same bytes.
# Variables: VERSION, ARCH, BUILD, SOURCE_DATE_EPOCH.
set -eu
export LC_ALL=C TZ=UTC
umask 022

out=$1
here=$(cd "$(dirname "$0")" && pwd)
name=$(basename "$out" .raw)
: "${VERSION:?}" "${ARCH:?}" "${BUILD:?}" "${SOURCE_DATE_EPOCH:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
units=$tree/usr/lib/systemd/system

# systemd's name of an architecture, ConditionArchitecture= in systemd.unit(5).
case $ARCH in
amd64) architecture=x86-64 ;;
i386) architecture=x86 ;;
*) architecture=$ARCH ;;
esac

"$here/stage.sh" agent guest-tools-agent "$tree"
# An extension has no /etc: the agent does without, and an administrator's files are heeded.
rm -r "${tree:?}/etc" "$tree/usr/share/guest-tools"
mkdir -p "$tree/usr/lib/extension-release.d" "$units/multi-user.target.d"
cat >"$tree/usr/lib/extension-release.d/extension-release.$name" <<END
ID=_any
ARCHITECTURE=$architecture
EXTENSION_RELOAD_MANAGER=1
SYSEXT_VERSION_ID=$VERSION
END
# A channel that comes later starts the agent; one that was there before the extension does not.
port='dev-virtio\x2dports-org.qemu.guest_agent.0.device'
mkdir "$units/$port.wants"
ln -s ../guest-tools-agent.service "$units/$port.wants/"
cp "$here/sysext/guest-tools-sysext.service" "$units/"
cp "$here/sysext/multi-user.target.conf" "$units/multi-user.target.d/50-guest-tools.conf"

mkdir -p "$(dirname "$out")"
env -u SOURCE_DATE_EPOCH mksquashfs "$tree" "$out.new" -noappend -quiet -no-progress -all-root -no-xattrs \
	-comp xz -mkfs-time "$SOURCE_DATE_EPOCH" -all-time "$SOURCE_DATE_EPOCH" >"$work/log" 2>&1 || {
	cat "$work/log" >&2
	exit 1
}
mv "$out.new" "$out"
echo "  SYSEXT  $out ($(($(stat -c %s "$out") / 1024)) KiB)"
