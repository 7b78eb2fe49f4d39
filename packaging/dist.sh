#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# dist.sh OUT.tar.xz: the source, as it is here, without what git ignores; the same content
# and date give the same bytes. Made from a tarball's own content it is that tarball again.
# Variables: VERSION, SOURCE_DATE_EPOCH, and BUILD, which is left out.
set -eu
export LC_ALL=C

out=$1
cd "$(dirname "$0")/.."
: "${VERSION:?}" "${SOURCE_DATE_EPOCH:?}" "${BUILD:?}"

files() {
	if [ -e .git ]; then
		git -c core.quotePath=false ls-files -co --exclude-standard | while IFS= read -r path; do
			# git lists what was removed and not committed yet, too.
			if [ -e "$path" ] || [ -L "$path" ]; then printf '%s\n' "$path"; fi
		done
	else
		find . -path "./${BUILD#"$PWD/"}" -prune -o ! -type d -printf '%P\n'
	fi
}

trap 'rm -f "$out.new" "$out.tar"' EXIT
files | sort >"$out.new"
tar --create --file="$out.tar" --no-recursion --verbatim-files-from --format=gnu \
	--mtime="@$SOURCE_DATE_EPOCH" --owner=root:0 --group=root:0 --mode=u+rwX,go+rX,go-w \
	--transform="flags=r;s,^,guest-tools-$VERSION/," --files-from="$out.new"
xz -6 --threads=1 <"$out.tar" >"$out.new"
mv "$out.new" "$out"
