#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# usage: tests/kmod/headers.sh [SUITE]...
#
# Build the module, by the suite's compiler, for every amd64 kernel of which Debian
# offers headers now, and print a line for each: the release, the suite, ok or FAIL,
# how its freeze_super() was recognised. A warning, a stub or a failed build is a FAIL,
# and the status is 1 then. (Some kernels' objtool does not know that their own
# __module_put_and_exit() never returns: said at the end of the line, and no FAIL.)
# Needs root, for its chroots, and a mirror; takes some minutes.
set -u -o pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kmod/lib/module.sh
. "$here/lib/module.sh"

releases()
{
	debian_suite_memo "$1" debian_suite_tool "$1" apt-cache search --names-only \
		'^linux-headers-[0-9].*-amd64$' | sed -n 's/^linux-headers-\([^ ]*\) .*/\1/p' | sort -V
}

# try SUITE RELEASE: build, print the line
try()
{
	local suite=$1 release=$2 work how
	work=$(mktemp -d) && cp -r "$source/." "$work/" || return 1
	if kernel_named_build "$suite" "$release" "$work" KCFLAGS=-Werror modules >"$work/log" 2>&1 &&
		! grep -vE 'Skipping BTF generation|objtool: hook_thread\(\) falls through' "$work/log" &&
		! grep FSFREEZE_MISSING "$work/compat-config.h"
	then
		how=$(grep -Eo 'HAVE_FREEZE_(ONE_ARGUMENT|HOLDER|OWNER) ' "$work/compat-config.h")
		printf '%-28s %-20s ok   %s %s\n' "$release" "$suite" "$how" \
			"$(grep -o 'objtool: .*' "$work/log")"
		rm -rf "$work" "$(kernel_headers "$suite" "$release")"
	else
		printf '%-28s %-20s FAIL, see %s\n' "$release" "$suite" "$work/log"
	fi
}

[ "$(id -u)" = 0 ] || { echo "headers.sh: a chroot needs root" >&2; exit 2; }
source=$(module_source) || exit 1
# shellcheck disable=SC2048 # a list
for suite in ${*:-$KERNEL_SOURCES}; do
	[ -n "${KERNEL_COMPILER[$suite]-}" ] ||
		{ echo "headers.sh: no suite $suite; there are: $KERNEL_SOURCES" >&2; exit 2; }
	debian_suite_update "$suite" || exit 1
	for release in $(releases "$suite"); do
		echo "$suite $release"
	done
done | {
	while read -r suite release; do
		try "$suite" "$release" &
		[ "$(jobs -rp | wc -l)" -lt "${JOBS:-2}" ] || wait -n
	done
	wait
} | tee "${BUILD:-$MODULE_TOP/build}/kmod/headers.log"
! grep -q FAIL "${BUILD:-$MODULE_TOP/build}/kmod/headers.log" &&
	grep -q ok "${BUILD:-$MODULE_TOP/build}/kmod/headers.log"
