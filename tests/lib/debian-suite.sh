# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Packages of any Debian suite, unpacked in the cache, without touching what the
# machine itself has installed. Sourced; the mirror is the one the machine's own
# apt uses.
#
#   debian_suite_update SUITE              refresh the index (once a day)
#   debian_suite_depends SUITE PKG REGEX   first dependency of PKG that matches
#   debian_suite_closure SUITE PKG...      the packages and all they depend on
#   debian_suite_unpack SUITE PKG...       unpack together, print the directory
#
# Safe against a second user at the same time: everything is made under a
# temporary name and renamed into place. A suite's index is locked.

GUEST_TOOLS_CACHE=${GUEST_TOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/guest-tools}

# debian_suite_fail MESSAGE...: say it and fail.
debian_suite_fail() {
	echo "debian-suite: $*" >&2
	return 1
}

# debian_suite_mirror: the URI of the machine's own Debian mirror.
debian_suite_mirror() {
	local uri
	uri=$(apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 2>/dev/null |
		awk '$1 == "Debian" && $2 !~ /-/ { print $3; exit }')
	[ -n "$uri" ] || debian_suite_fail "apt knows no Debian mirror here (apt-get update first?)" ||
		return 1
	echo "${uri%/}"
}

# debian_suite_apt SUITE ARG...: apt-get with the suite as its only source.
debian_suite_apt() {
	debian_suite_tool "$1" apt-get -qq "${@:2}"
}

debian_suite_tool() {
	local dir=$GUEST_TOOLS_CACHE/apt/$1 tool=$2
	shift 2
	"$tool" -o Dir::State="$dir/state" -o Dir::State::status="$dir/status" \
		-o Dir::Cache="$dir/cache" -o Dir::Etc::sourcelist="$dir/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		-o APT::Sandbox::User= -o APT::Update::Post-Invoke-Success::= \
		-o APT::Default-Release= -o Acquire::Languages=none "$@"
}

# debian_suite_update SUITE: fetch its index unless today's is there.
debian_suite_update() {
	local suite=$1 dir=$GUEST_TOOLS_CACHE/apt/$1 mirror
	mkdir -p "$dir"/state/lists/partial "$dir"/cache/archives/partial || return 1
	(
		flock 9 || exit 1
		[ -z "$(find "$dir/stamp" -mtime -1 2>/dev/null)" ] || exit 0
		mirror=$(debian_suite_mirror) || exit 1
		: >"$dir/status"
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" \
			>"$dir/sources.list"
		debian_suite_apt "$suite" update ||
			debian_suite_fail "cannot fetch the index of $suite" || exit 1
		touch "$dir/stamp"
	) 9>"$dir/lock"
}

# debian_suite_depends SUITE PKG REGEX: the first dependency matching the regex.
debian_suite_depends() {
	debian_suite_tool "$1" apt-cache depends "$2" |
		awk -v want="$3" '$1 == "Depends:" && $2 ~ want { print $2; exit }'
}

# debian_suite_memo SUITE COMMAND...: what COMMAND prints, remembered for as long
# as the index stays. apt takes seconds for what is asked for every test.
debian_suite_memo() {
	local dir=$GUEST_TOOLS_CACHE/apt/$1 memo
	debian_suite_update "$1" || return 1
	memo=$dir/memo-$(echo "${*:2}" | sha256sum | cut -c1-16)
	if [ ! "$memo" -nt "$dir/stamp" ]; then
		"${@:2}" >"$memo.$BASHPID" || { rm -f "$memo.$BASHPID"; return 1; }
		mv "$memo.$BASHPID" "$memo"
	fi
	cat "$memo"
}

# debian_suite_versions SUITE PKG...: "Package: NAME" and "Version: V" of each.
debian_suite_versions() {
	debian_suite_tool "$1" apt-cache show --no-all-versions "${@:2}" |
		grep -E '^(Package|Version):'
}

# debian_suite_closure SUITE PKG...: these and everything they depend on, sorted.
debian_suite_closure() {
	debian_suite_apt "$1" --no-install-recommends -s install "${@:2}" |
		awk '$1 == "Inst" { print $2 }' | sort
}

# debian_suite_extract ROOT DEB...: unpack, with /usr merged as Debian has it.
debian_suite_extract() {
	local root=$1 deb part
	shift
	for part in bin sbin lib lib64; do
		mkdir -p "$root/usr/$part"
		[ -e "$root/$part" ] || ln -s "usr/$part" "$root/$part"
	done
	for deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -C "$root" --keep-directory-symlink -xf - || return 1
	done
	# What the alternatives system would do, for those who cannot do without.
	[ ! -x "$root/usr/bin/mawk" ] || ln -sf mawk "$root/usr/bin/awk"
	chmod 755 "$root"
}

# debian_suite_unpack SUITE PKG...: download, unpack into one directory, print it.
# The directory's name holds a hash of the names and versions: never stale.
debian_suite_unpack() {
	local suite=$1 key dir tmp
	shift
	key=$(debian_suite_memo "$suite" debian_suite_versions "$suite" "$@") || return 1
	key=$(echo "$key" | sha256sum | cut -c1-16)
	dir=$GUEST_TOOLS_CACHE/debian/$suite-$1-$key
	if [ ! -d "$dir" ]; then
		mkdir -p "$GUEST_TOOLS_CACHE/debian"
		tmp=$(mktemp -d "$dir.XXXXXX") || return 1
		(cd "$tmp" && debian_suite_apt "$suite" download "$@" >&2 &&
			mkdir root && debian_suite_extract root ./*.deb) ||
			{ rm -rf "$tmp"; debian_suite_fail "cannot get $* from $suite"; return 1; }
		mv -T "$tmp/root" "$dir" 2>/dev/null || [ -d "$dir" ] || return 1
		rm -rf "$tmp"
	fi
	echo "$dir"
}
