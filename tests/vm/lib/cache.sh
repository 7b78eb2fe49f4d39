# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Things that are dear to make, kept outside the clone and named by what they are made from.

CACHE=${GUEST_TOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/guest-tools}/vm
CACHE_KEEP_DAYS=${CACHE_KEEP_DAYS:-7}

# cache_key WORD...: a short hash of the words and of the content of standard input
cache_key()
{
	{ printf '%s\n' "$@"; cat; } | sha256sum | cut -c1-16
}

# cache_get KIND KEY COMMAND...: print the directory KIND-KEY of the cache.  When it is not there
# yet, COMMAND is run with an empty directory as its last argument, and what it leaves there gets
# the final name only when COMMAND succeeds.  One at a time for each key, whoever asks.
cache_get()
{
	local dir=$CACHE/$1-$2 work lock

	mkdir -p "$CACHE" || return
	exec {lock}>"$CACHE/.lock-$1-$2" && flock "$lock" || return
	if [ ! -d "$dir" ]; then
		cache_expire "$1"
		work=$(mktemp -d "$CACHE/.new-$1-XXXXXX") || return
		if ! "${@:3}" "$work" {lock}>&- >&2 || ! chmod 755 "$work" ||
		   ! mv -T "$work" "$dir"; then
			rm -rf "$work"
			exec {lock}>&-
			return 1
		fi
	fi
	touch "$dir"
	exec {lock}>&-
	echo "$dir"
}

# cache_expire KIND: forget what nobody has asked for lately, and what a killed build left
cache_expire()
{
	find "$CACHE" -mindepth 1 -maxdepth 1 \( -name "$1-*" -o -name ".new-$1-*" \) \
		-type d -mtime "+$CACHE_KEEP_DAYS" -exec rm -rf {} +
}
