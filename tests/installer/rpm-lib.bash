# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Roots that have the real rpm's database, for tests of the rpm packages and of setup.

need_rpm() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	command -v rpm >/dev/null || skip "rpm is not installed"
}

# rpm_root DIR: a shell, programs that note how they were called, and an empty database
rpm_root() {
	local name

	mkdir -p "$1"/{bin,dev,etc,proc,run,tmp,usr/bin,usr/sbin,usr/lib/systemd/system,usr/libexec,usr/src} \
		"$1"/usr/share/{doc,man/man4,man/man8} "$1"/var/{lib/rpm,tmp}
	mknod -m 666 "$1/dev/null" c 1 3 || true
	cp "$(command -v busybox)" "$1/bin/busybox"
	for name in sh rm echo cat mkdir rmdir; do ln -s busybox "$1/bin/$name"; done
	cat >"$1/usr/bin/systemctl" <<-'END'
		#!/bin/sh
		echo "$*" >>/systemctl.log
	END
	# Keeps what is added below /var/lib/dkms, as dkms does.
	cat >"$1/usr/bin/dkms" <<-'END'
		#!/bin/sh
		echo "$*" >>/dkms.log
		[ ! -e /dkms-fails ] || exit 10
		case $1 in
		add) mkdir -p "/var/lib/dkms/$3/$5" ;;
		remove) rmdir "/var/lib/dkms/$3/$5" ;;
		esac
	END
	printf '#!/bin/sh\nexit 1\n' >"$1/usr/sbin/modprobe"
	chmod 755 "$1/usr/bin/systemctl" "$1/usr/bin/dkms" "$1/usr/sbin/modprobe"
	mkdir -p "$1/var/lib/dkms/virtio-fsfreeze"
	rpm --root "$1" --dbpath /var/lib/rpm --initdb
	in_rpm_root "$1" -i "$(rpm_base)"
}

# rpm_base: print a package that stands for what every rpm system has, made once for a file
rpm_base() {
	local dir=$BATS_FILE_TMPDIR/base

	if [ ! -e "$dir/base.rpm" ]; then
		mkdir -p "$dir"
		printf '%s\n' 'Name: base' 'Version: 1' 'Release: 1' 'Summary: base' 'License: none' \
			'BuildArch: noarch' 'Provides: /bin/sh dkms' '%description' '%files' >"$dir/base.spec"
		rpmbuild -bb --quiet --nodeps --define "_topdir $dir" --define "_dbpath $dir/db" \
			--define "_rpmdir $dir" --define '_rpmfilename base.rpm' "$dir/base.spec" >&2
	fi
	echo "$dir/base.rpm"
}

# in_rpm_root DIR ARGS...: this machine's rpm on that root
in_rpm_root() {
	rpm --force-debian --root "$1" --dbpath /var/lib/rpm "${@:2}"
}
