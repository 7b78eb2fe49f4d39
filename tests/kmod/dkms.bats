#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The packaged source under the DKMS of four Debian releases, 2.8 to 3.2 and later.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert

setup() {
	load lib/module.sh
	[ "$(id -u)" = 0 ] || skip "building in a chroot needs root"
	BUILD=${BUILD:-$MODULE_TOP/build}
	DEB=$BUILD/packages/virtio-fsfreeze-dkms_$(cat "$MODULE_TOP/VERSION")_all.deb
	[ -e "$DEB" ] || skip "no $DEB: make packages"
}

# in_dkms_root SUITE SCRIPT: sh -c SCRIPT in the suite's build root, with its dkms and our package
# on top; nothing of it stays.  The kernel is not the running one.
in_dkms_root() {
	local top=$BATS_TEST_TMPDIR/$1
	mkdir -p "$top/upper" "$top/work" "$top/root" "$top/mnt" || return 1
	dpkg-deb -x "$DEB" "$top/upper" || return 1
	lower=$(debian_suite_unpack "$1" dkms):$(kernel_buildroot "$1") \
		RELEASE=$(kernel_release "$1") VERSION=$(cat "$MODULE_TOP/VERSION") \
		unshare --mount --propagation private bash -c '
		. "$1/tests/lib/kernels.sh"
		mount -t tmpfs tmpfs "$2/work" && mkdir "$2/work/w" "$2/work/u" &&
		cp -r "$2/upper/." "$2/work/u/" &&
		mount -t overlay -o "lowerdir=$lower,upperdir=$2/work/u,workdir=$2/work/w" o "$2/root" &&
		kernel_chroot "$2/root" "$2/mnt" sh -c "release=$RELEASE version=$VERSION; $3"
	' bash "$MODULE_TOP" "$top" "$2"
}

@test "DKMS of each release builds and installs the module, without a complaint, and removes it" {
	for suite in $KERNEL_SUITES; do
		run in_dkms_root "$suite" '
			echo "DKMS $(dkms --version)"
			dkms add -m virtio-fsfreeze -v $version 2>&1 &&
			dkms install -m virtio-fsfreeze -v $version -k $release 2>&1 &&
			file=$(find /lib/modules/ -name "virtio_fsfreeze.ko*") &&
			echo "$file" && modinfo -F description "$file" &&
			dkms status &&
			dkms remove -m virtio-fsfreeze -v $version --all >/dev/null 2>&1 &&
			find /lib/modules /var/lib/dkms -name "*fsfreeze*"'
		assert_success
		echo "# $suite: $(grep -m 1 '^DKMS' <<<"$output")" >&3
		assert_line --partial /updates/dkms/virtio_fsfreeze.ko
		assert_line 'Freeze all file systems, and thaw them whatever happens'
		assert_line --regexp '^virtio-fsfreeze.*: installed'
		refute_line --regexp -i '(deprecat|warning|error)'
		# Nothing is left but what "add" noted.
		assert_equal "$(grep -c '^/.*fsfreeze' <<<"$output")" 1
	done
}
