# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The module built for Debian's kernels, each once per content. Sourced.
#
#   module_for SUITE          build it if need be, print the directory: the .ko, make.log

MODULE_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
# shellcheck source=tests/lib/kernels.sh
. "$MODULE_TOP/tests/lib/kernels.sh"

# module_source: the source tree as DKMS gets it, made below build/.
module_source() {
	make -s -C "$MODULE_TOP/kmod" >&2 && echo "${BUILD:-$MODULE_TOP/build}/kmod/dkms"
}

# module_key SUITE SOURCE: changes with whatever the result depends on.
module_key() {
	(cd "$2" && find . -type f -print0 | sort -z | xargs -0 sha256sum &&
		basename "$(kernel_buildroot "$1")") | sha256sum | cut -c1-16
}

# module_for SUITE: fails, with make's words, when it does not build. A warning is
# an error, and modpost's and objtool's, which are none, are in make.log.
module_for() {
	local source key dir work
	if linux_is_own "$1"; then
		dir=$(linux_build "$1") && echo "$dir/drivers/virtio/fsfreeze"
		return
	fi
	source=$(module_source) && key=$(module_key "$1" "$source") || return 1
	dir=$GUEST_TOOLS_CACHE/kmod/$1-$key
	if [ ! -d "$dir" ]; then
		mkdir -p "$GUEST_TOOLS_CACHE/kmod"
		work=$(kernel_build "$1" "$source" KCFLAGS=-Werror modules -j2 2>"$dir.$$.log") ||
			{ cat "$dir.$$.log" >&2; rm -f "$dir.$$.log"; return 1; }
		mv "$dir.$$.log" "$work/make.log"
		cp -r "$work" "$dir.$$" && rm -rf "$work"
		mv -T "$dir.$$" "$dir" 2>/dev/null || rm -rf "$dir.$$"
	fi
	echo "$dir"
}
