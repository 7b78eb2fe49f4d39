#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# deps.sh install   install what deps.table lists and this machine lacks
# deps.sh missing   print the packages that are missing, a line each
set -eu

table=$(dirname "$0")/deps.table

die() {
	printf 'deps: %s\n' "$*" >&2
	exit 1
}

# shellcheck disable=SC2086 # a probe may be a pattern
is_there() {
	case $1 in
	/*) ls $1 >/dev/null 2>&1 ;;
	*) command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ] ;;
	esac
}

if command -v apt-get >/dev/null; then
	column=2 manager=apt-get
elif command -v dnf >/dev/null; then
	column=3 manager=dnf
else
	column=1 manager=
fi

missing() {
	while read -r probe apt dnf _; do
		case $probe in '' | \#*) continue ;; esac
		is_there "$probe" && continue
		case $column in
		1) echo "$probe" ;;
		2) echo "$apt" ;;
		3) echo "$dnf" ;;
		esac
	done <"$table" | grep -vx -e - | sort -u
}

# shellcheck disable=SC2086 # package names have no blanks
install() {
	export DEBIAN_FRONTEND=noninteractive
	case $manager in
	apt-get)
		apt-get -q update
		apt-get -q -y --no-install-recommends install $1
		;;
	dnf) dnf -y install $1 ;;
	esac
}

list=$(missing | tr '\n' ' ')
case ${1:-} in
missing)
	[ -z "$list" ] || echo "$list" | tr " " "\n" | grep .
	exit
	;;
install) ;;
*) die "usage: deps.sh install | missing" ;;
esac
if [ -z "$list" ]; then
	echo "  DEPS    nothing is missing"
	exit
fi
[ -n "$manager" ] || die "cannot install: neither apt-get nor dnf is here; missing: $list"
[ "$(id -u)" = 0 ] || die "cannot install: not root; as root: $manager install $list"
echo "  DEPS    installing $list"
install "$list" || die "cannot install: $manager failed (above)"
list=$(missing | tr '\n' ' ')
[ -z "$list" ] || die "installed, and still missing: $list"
