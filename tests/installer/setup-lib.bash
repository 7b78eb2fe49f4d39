# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # run sets status and output
# What the tests of setup share. Sourced by each bats file.

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUILD=${BUILD:-$HERE/../../build}
SETUP=${SETUP:-$BUILD/installer/setup}
SETUP_TEST=${SETUP_TEST:-$BUILD/installer/setup-test}
FIXTURES=$HERE/fixtures

# expect_status N: the last run ended so, else show what it said.
expect_status() {
	[ "$status" -eq "$1" ] || {
		echo "exit status $status, not $1; output:"
		echo "$output"
		return 1
	}
}

# expect_output TEXT: the last run printed this somewhere.
expect_output() {
	[[ $output == *"$1"* ]] || {
		echo "not printed: $1; output:"
		echo "$output"
		return 1
	}
}

# add_manifest DIR VERSION: list and sign what is in the tree, as the medium does.
add_manifest() {
	"$HERE/../../iso/manifest.sh" "$1" "$2"
}

# sign DIR: its MANIFEST as it is now.
sign() {
	"$HERE/../../iso/key.sh" sign "$1/MANIFEST"
}

# root_debian DIR: as much of a Debian root as detection looks at; nothing in it runs.
root_debian() {
	mkdir -p "$1"/{etc,usr/sbin,usr/bin,sbin,bin,lib/systemd,var/lib/dpkg}
	cp "$FIXTURES/debian-12/etc/"* "$1/etc/"
	cp /bin/true "$1/bin/sh"
	ln -sf /lib/systemd/systemd "$1/sbin/init"
	: >"$1/var/lib/dpkg/status"
	local program
	for program in dpkg dkms gcc make; do
		install -m 755 /dev/null "$1/usr/bin/$program"
	done
}

# root_occupied DIR: the same without dpkg, with another agent, and a file of the user's where one of
# ours goes
root_occupied() {
	root_debian "$1"
	rm "$1/usr/bin/dpkg"
	mkdir -p "$1/etc/systemd/system"
	install -m 755 /dev/null "$1/usr/sbin/qemu-ga"
	echo 'a file of the user' >"$1/usr/sbin/guest-tools-setup"
	chmod 700 "$1/usr/sbin/guest-tools-setup"
}

# root_kernel DIR RELEASE [headers]
root_kernel() {
	mkdir -p "$1/lib/modules/$2/kernel"
	: >"$1/lib/modules/$2/modules.builtin"
	[ "${3:-}" = headers ] || return 0
	mkdir -p "$1/usr/src/linux-headers-$2"
	: >"$1/usr/src/linux-headers-$2/Makefile"
	: >"$1/usr/src/linux-headers-$2/.config"
	ln -s "/usr/src/linux-headers-$2" "$1/lib/modules/$2/build"
}

# medium_static DIR VERSION: a medium with the static tree only.
medium_static() {
	mkdir -p "$1/amd64/tree/usr/sbin" "$1/amd64/tree/usr/lib/systemd/system" \
		"$1/amd64/tree/etc/guest-tools"
	printf 'agent %s\n' "$2" >"$1/amd64/tree/usr/sbin/guest-tools-agent"
	chmod 555 "$1/amd64/tree/usr/sbin/guest-tools-agent"
	printf '# settings of %s\n' "$2" >"$1/amd64/tree/etc/guest-tools/agent.conf"
	printf '[Service]\nExecStart=/usr/sbin/guest-tools-agent\n[Install]\nWantedBy=multi-user.target\n' \
		>"$1/amd64/tree/usr/lib/systemd/system/guest-tools-agent.service"
	cp "${3:-$SETUP}" "$1/amd64/setup"
	add_manifest "$1" "$2"
}

# medium_debian DIR VERSION: a medium that lists packages, for plans; they cannot be installed.
medium_debian() {
	mkdir -p "$1/packages" "$1/amd64"
	echo agent >"$1/packages/guest-tools-agent_$2_amd64.deb"
	echo module >"$1/packages/virtio-fsfreeze-dkms_$2_all.deb"
	cp "$SETUP" "$1/amd64/setup"
	add_manifest "$1" "$2"
}

# as_root CMD...: in a user namespace where it is root and owns only its own files.
as_root() {
	unshare --user --map-root-user --mount "$@"
}

# memory_dir: a directory in memory, where there is such, for setup syncs a lot; $1 is set to it.
memory_dir() {
	local base=${TMPDIR:-/tmp}
	[ ! -w /dev/shm ] || base=/dev/shm
	printf -v "$1" %s "$(mktemp -d "$base/setup-test.XXXXXX")"
}

need_as_root() {
	as_root true 2>/dev/null || skip "no user namespaces here"
}

# snapshot DIR: every name in it with type, mode, and content or target; times are not compared.
snapshot() {
	(cd "$1" && find . -printf '%y %m %p %l\n' | LC_ALL=C sort &&
		find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum)
}

# medium_start_files DIR VERSION: add the start files of the init systems to such a medium.
medium_start_files() {
	mkdir -p "$1/amd64/tree/usr/share/guest-tools/init"
	cp "$HERE/../../agent/init/"* "$1/amd64/tree/usr/share/guest-tools/init/"
	add_manifest "$1" "$2"
}

# root_init DIR INIT: another init system in a root_debian without dpkg, as far as is looked at.
root_init() {
	local level
	rm -rf "$1/usr/bin/dpkg" "$1/sbin/init" "$1/lib/systemd"
	mkdir -p "$1/etc/init.d"
	case $2 in
	sysvinit | sysvinit-suse)
		: >"$1/etc/inittab"
		for level in 0 1 2 3 4 5 6; do
			case $2 in
			sysvinit) mkdir "$1/etc/rc$level.d" ;;
			sysvinit-suse) mkdir "$1/etc/init.d/rc$level.d" ;;
			esac
		done
		# What insserv writes for startpar, where that is installed.
		printf 'TARGETS = rsyslog cron\nINTERACTIVE =\ncron: rsyslog\n' >"$1/etc/init.d/.depend.start"
		printf 'TARGETS =' >"$1/etc/init.d/.depend.stop"
		[ "$2" != sysvinit-suse ] || ln -s init.d "$1/etc/rc.d"
		;;
	sysvinit-redhat)
		: >"$1/etc/inittab"
		rmdir "$1/etc/init.d"
		mkdir -p "$1/etc/rc.d/init.d"
		ln -s rc.d/init.d "$1/etc/init.d"
		for level in 0 1 2 3 4 5 6; do
			mkdir "$1/etc/rc.d/rc$level.d"
			ln -s "rc.d/rc$level.d" "$1/etc/rc$level.d"
		done
		;;
	openrc)
		mkdir -p "$1/etc/runlevels/default"
		ln -s /bin/busybox "$1/sbin/init"
		;;
	upstart)
		mkdir "$1/etc/init"
		install -m 755 /dev/null "$1/sbin/initctl"
		;;
	runit) ln -s runit-init "$1/sbin/init" ;;
	slackware)
		mkdir -p "$1/etc/rc.d"
		: >"$1/etc/rc.d/rc.M"
		;;
	esac
}
