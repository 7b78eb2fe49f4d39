# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Roots that have the real rpm's database, for tests of the rpm packages and of setup.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

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
	# Keeps what is added below /var/lib/dkms, and puts a module where dkms does.
	cat >"$1/usr/bin/dkms" <<-'END'
		#!/bin/sh
		echo "$*" >>/dkms.log
		[ ! -e /dkms-fails ] || exit 10
		case $1 in
		add) mkdir -p "/var/lib/dkms/$3/$5" ;;
		install)
			[ -d "/var/lib/dkms/$3/$5" ] || exit 3
			mkdir -p "/lib/modules/$7/updates/dkms"
			echo "$5" >"/lib/modules/$7/updates/dkms/virtio_fsfreeze.ko"
			;;
		remove)
			rmdir "/var/lib/dkms/$3/$5"
			for module in /lib/modules/*/updates/dkms/virtio_fsfreeze.ko; do
				[ "$(cat "$module")" != "$5" ] || rm -r "${module%/dkms/*}"
			done
			;;
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

# rpm_real DIR: the root gets this machine's rpm, which runs in it
rpm_real() {
	local path

	# Debian's would look for the database in a home directory.
	mkdir -p "$1/etc/rpm" "$1/usr/lib/rpm"
	echo '%_dbpath /var/lib/rpm' >"$1/etc/rpm/macros"
	cp -a /usr/lib/rpm/{macros,macros.d,rpmrc,platform} "$1/usr/lib/rpm/"
	cp "$(command -v rpm)" "$1/usr/bin/rpm"
	for path in $(ldd "$(command -v rpm)" | grep -o '/[^ ]*'); do
		install -D "$path" "$1$path"
	done
}

# rpm_version DIR VERSION: both packages as that version into DIR, under the names of a medium.
# Of the agent the programs stay, and the configuration that it brings is another.
rpm_version() {
	local tree
	# Not for what calls this: its "make" would date everything anew.
	local -x SOURCE_DATE_EPOCH=1700000000
	tree=$(mktemp -d "$BATS_FILE_TMPDIR/tree.XXXXXX")
	mkdir -p "$1"
	cp -a "$HERE/../.."/{agent,docs,kmod,packaging,flags.mk,LICENSE,VERSION} "$tree"
	echo "# $2" >>"$tree/agent/agent.conf"
	VERSION=$2 "$tree/packaging/rpm/build.sh" agent guest-tools-agent \
		"$1/guest-tools-agent-$2-1.x86_64.rpm"
	VERSION=$2 BUILD=$tree/build "$tree/packaging/rpm/build.sh" kmod virtio-fsfreeze-dkms \
		"$1/virtio-fsfreeze-dkms-$2-1.noarch.rpm"
	rm -r "$tree"
}
