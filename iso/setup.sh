#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The entry at the top of the medium: runs the setup of this machine's architecture,
# from a copy in memory where the medium is mounted noexec.

# "name of the directory on the medium" for "name the kernel gives the machine"
arch_of() {
	case $1 in
	x86_64 | amd64) echo amd64 ;;
	i?86) echo i386 ;;
	aarch64 | arm64) echo arm64 ;;
	*) echo "$1" ;;
	esac
}

# A private directory in memory that programs can be run from.
ram_dir() {
	for base in /run /dev/shm /tmp /var/tmp "${TMPDIR:-}"; do
		if [ -z "$base" ] || [ ! -d "$base" ] || [ ! -w "$base" ]; then continue; fi
		dir=$base/guest-tools-setup.$$
		(umask 077 && mkdir "$dir") 2>/dev/null || continue
		if cp "$1" "$dir/setup" 2>/dev/null && chmod 700 "$dir/setup" &&
			"$dir/setup" --version >/dev/null 2>&1; then
			echo "$dir"
			return 0
		fi
		rm -rf "$dir"
	done
	return 1
}

main() {
	top=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P) || exit 5
	arch=$(arch_of "$(uname -m)")
	setup=$top/$arch/setup
	if [ ! -f "$setup" ]; then
		echo "setup: cannot run: this medium has nothing for $arch machines" >&2
		exit 5
	fi
	if "$setup" --version >/dev/null 2>&1; then
		exec "$setup" "$@"
	fi
	if ! dir=$(ram_dir "$setup"); then
		echo "setup: cannot run $setup: the medium is mounted noexec (or the program is not" \
			"for this machine), and no directory was found to run a copy from" >&2
		exit 5
	fi
	trap 'rm -rf "$dir"' EXIT
	trap '' INT TERM HUP
	"$dir/setup" --medium="$top" "$@"
	exit $?
}

# All of it is read before it runs: the medium may be gone when it ends.
main "$@"
