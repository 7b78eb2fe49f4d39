#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# explain.sh A B: in what two files that should be the same differ; of ISOs, their content.
set -eu

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
case $1 in
*.iso)
	for side in "$1 $work/a" "$2 $work/b"; do
		xorriso -osirrox on -indev "stdio:${side% *}" -extract / "${side##* }" >/dev/null 2>&1
	done
	diff -rq "$work/a" "$work/b" | sed "s,$work/,,g" || true
	if ! diff -rq "$work/a" "$work/b" >/dev/null; then set -- "$work/a" "$work/b"; fi
	;;
esac
if ! command -v diffoscope >/dev/null; then
	echo "diffoscope is not installed, so only where they differ:"
	cmp "$1" "$2"
	exit
fi
diffoscope --text - --max-page-size 20000 --max-report-size 20000 "$1" "$2" | head -n 200
