# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The image builders of Debian 12, in a root of their own in the cache, which is only read.
# To be loaded after tests/vm/lib/guest.sh.

# shellcheck source=../lib/debian-suite.sh
. "$GUEST_TOP/tests/lib/debian-suite.sh"
# shellcheck source=../vm/lib/cache.sh
. "$GUEST_TOP/tests/vm/lib/cache.sh"

# A kernel is what the appliance of libguestfs is made of.
TOOLS="ansible-core cloud-init debootstrap e2fsprogs guestfs-tools libguestfs-tools linux-image-amd64 \
openssh-client packer qemu-system-x86 qemu-utils xorriso ca-certificates"

tools_make()
{
	timeout 900 mmdebstrap --quiet --mode=root --variant=minbase --include="${TOOLS// /,}" \
		--dpkgopt=force-unsafe-io --aptopt='APT::Install-Recommends "false"' \
		bookworm "$1/root" "$(debian_suite_mirror)"
}

tools_root()
{
	echo "$(cache_get tools-bookworm "$(cache_key "$TOOLS" </dev/null)" tools_make)/root"
}

# tools_run COMMAND...: there, in a mount namespace that ends with it; the examples are in
# /mnt/examples, and the directory of the test is /mnt/work and where it begins
tools_run()
{
	local root

	root=$(tools_root) || return
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount --propagation private sh -ec '
		root=$1 examples=$2 work=$3
		shift 3
		mount -t proc proc "$root/proc"
		mount --rbind /dev "$root/dev"
		for dir in tmp var/tmp root run mnt; do mount -t tmpfs tmpfs "$root/$dir"; done
		mkdir "$root/mnt/examples" "$root/mnt/work"
		mount --bind -o ro "$examples" "$root/mnt/examples"
		mount --bind "$work" "$root/mnt/work"
		exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			sh -c "cd /mnt/work && exec \"\$@\"" sh "$@"
		' sh "$root" "$GUEST_TOP/docs/examples" "$BATS_TEST_TMPDIR" "$@" 3>&-
}
