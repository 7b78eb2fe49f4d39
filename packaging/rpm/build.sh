#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# build.sh ROOM NAME OUT.rpm: the package NAME of what "make -C ROOM install" installs, by
# NAME.spec.in. The same content gives the same bytes; the rpm of RHEL 6 (4.8) reads it:
# gzip, SHA-256 of files, no dependency of a later kind.
# Variables: VERSION, ARCH, BUILD, SOURCE_DATE_EPOCH.
set -eu
export LC_ALL=C TZ=UTC
umask 022

room=$1 name=$2 out=$3
here=$(cd "$(dirname "$0")" && pwd)
: "${VERSION:?}" "${ARCH:?}" "${BUILD:?}" "${SOURCE_DATE_EPOCH:?}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# "name of rpm" for "name of Debian"
arch_of() {
	case $1 in
	amd64) echo x86_64 ;;
	arm64) echo aarch64 ;;
	i386) echo i686 ;;
	*) echo "$1" ;;
	esac
}

# What is ours alone of the directories; configuration that was changed stays.
list() {
	echo "%defattr(-,root,root,-)"
	find . -mindepth 1 \( -type d -path '*[-/]guest-tools*' -o -type d -path '*virtio-fsfreeze*' \) \
		-printf '%%dir "/%P"\n' | sort
	find ./etc ! -type d -printf '%%config(noreplace) "/etc/%P"\n' 2>/dev/null | sort
	find . -path ./etc -prune -o ! -type d -printf '"/%P"\n' | sort
}

# A script of the Debian package, where a spec says: @INCLUDE path@
spec() {
	while IFS= read -r line; do
		case $line in
		@INCLUDE*@)
			file=${line#@INCLUDE }
			sed -e '/^#!/d' -e 's/%/%%/g' "$here/../${file%@}"
			;;
		*) printf '%s\n' "$line" ;;
		esac
	done <"$here/$name.spec.in" | sed "s/@VERSION@/$VERSION/g"
}

"$here/../stage.sh" "$room" "$name" "$work/stage"
find "$work/stage" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
(cd "$work/stage" && list) >"$work/files"
spec >"$work/$name.spec"
# Of the machine's own rpm nothing is asked but its program: not its database, not its macros.
rpmbuild -bb --quiet --nodeps --target "$(arch_of "$ARCH")-linux" \
	--define "_topdir $work/top" --define "_tmppath $work" --define "_dbpath $work/db" \
	--define "stage $work/stage" --define "filelist $work/files" \
	--define "_rpmdir $work/rpms" --define "_rpmfilename %{NAME}.rpm" \
	--define "_rpmformat 4" --define "_binary_payload w9.gzdio" \
	--define "_binary_filedigest_algorithm 8" --define "_build_id_links none" \
	--define "debug_package %{nil}" --define "__os_install_post %{nil}" \
	--define "use_source_date_epoch_as_buildtime 1" \
	--define "clamp_mtime_to_source_date_epoch 1" --define "_buildhost reproducible" \
	"$work/$name.spec" >"$work/log" 2>&1 || {
	tail -n 40 "$work/log" >&2
	exit 1
}
mv "$work/rpms/$name.rpm" "$out"
