#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# sbom.sh STATIC NAME=PROGRAM...: print a bill of materials in SPDX 2.3: for each PROGRAM,
# which NAME is the path of where it is delivered, what is linked into it, by the map that
# the linker left beside it (PROGRAM.map), with version and licence.
# STATIC is the directory of the static libraries. Variables: VERSION, SOURCE_DATE_EPOCH.
set -eu
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
static=$1
shift
: "${VERSION:?}" "${SOURCE_DATE_EPOCH:?}"
work=$(mktemp -d)
mkdir "$work/of"
trap 'rm -rf "$work"' EXIT

die() {
	printf 'sbom: %s\n' "$*" >&2
	exit 1
}

# The files of which something is left in the program: sections that were discarded come
# before the memory map, and what is in that has an address and a size that is not 0.
linked() {
	awk '/^Linker script and memory map/ { on = 1 }
		/^\.comment|^ *\.debug|^\/DISCARD\// { on = 0 }
		on && match($0, /0x[0-9a-f]+ +0x[0-9a-f]+ [^ ].*/) {
			rest = substr($0, RSTART)
			split(rest, word, / +/)
			sub(/^[^ ]+ +[^ ]+ +/, "", rest)
			if (word[1] !~ /^0x0+$/ && word[2] != "0x0") print rest
		}' "$1" | sed -e 's/([^()]*)$//' -e 's,.*/,,' | sort -u
}

# The files of PROGRAM that are not its own objects, as their sources
sources() {
	[ -s "$1.map" ] || die "cannot tell what is in $1: there is no $1.map"
	own=$(sed -n 's/^LOAD \(.*\.o\)$/\1/p' "$1.map" | grep -v '/crt[^/]*$\|/rcrt1.o$' | sed 's,.*/,,')
	linked "$1.map" | while IFS= read -r file; do
		! printf '%s\n' "$own" | grep -qxF "$file" || continue
		awk -v file="$file" '$1 == file { print $2; found = 1 } END { exit !found }' \
			"$here/sbom.table" || die "cannot tell what $file in $1 is: sbom.table does not list it"
	done >"$work/found"
	[ -s "$work/found" ] || die "cannot tell what is in $1: its map names no library"
	sort -u "$work/found"
}

version() {
	case $1 in
	musl) dpkg-query -W -f '${Version}' musl-dev ;;
	gcc-12) dpkg-query -W -f '${Version}' "$(basename "$(dpkg -S "$(gcc -print-libgcc-file-name)" | cut -d : -f 1)")" ;;
	*) awk -v name="$1" '$1 == name { print $2 }' "$static/sources" ;;
	esac
}

licence() {
	awk -v name="$1" '$2 == name { sub(/^[^ ]+ +[^ ]+ +/, ""); print; exit }' "$here/sbom.table"
}

# A string of JSON has none of what would need an escape: all are names, versions, digests.
id() { printf %s "$1" | tr -c 'A-Za-z0-9.-' -; }

component() {
	version=$(version "$1")
	[ -n "$version" ] || die "cannot tell the version of $1"
	printf ',\n  {"name": "%s", "SPDXID": "SPDXRef-Package-%s", "versionInfo": "%s",\n' "$1" "$(id "$1")" "$version"
	printf '   "downloadLocation": "NOASSERTION", "filesAnalyzed": false,\n'
	printf '   "licenseConcluded": "%s", "licenseDeclared": "%s", "copyrightText": "NOASSERTION",\n' \
		"$(licence "$1")" "$(licence "$1")"
	printf '   "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:deb/debian/%s@%s?arch=source"}]}' \
		"$1" "$(printf %s "$version" | sed -e 's/+/%2B/g' -e 's/:/%3A/g')"
}

file() {
	printf '%s  {"fileName": "./%s", "SPDXID": "SPDXRef-File-%s", "fileTypes": ["BINARY"],\n' \
		"$comma" "$1" "$(id "$1")"
	printf '   "checksums": [{"algorithm": "SHA1", "checksumValue": "%s"}, {"algorithm": "SHA256", "checksumValue": "%s"}],\n' \
		"$(sha1sum <"$2" | cut -c 1-40)" "$(sha256sum <"$2" | cut -c 1-64)"
	printf '   "licenseConcluded": "GPL-2.0-or-later", "copyrightText": "NOASSERTION"}'
}

relation() {
	printf ',\n  {"spdxElementId": "%s", "relationshipType": "%s", "relatedSpdxElement": "%s"}' "$1" "$2" "$3"
}

for pair; do
	sources "${pair#*=}" >"$work/of/$(id "${pair%%=*}")"
done
sort -u "$work/of/"* >"$work/all"

printf '{"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT",\n'
printf ' "name": "guest-tools-%s", "documentNamespace": "urn:guest-tools:sbom:%s:%s",\n' "$VERSION" "$VERSION" \
	"$(for pair; do sha256sum <"${pair#*=}"; done | sha256sum | cut -c 1-32)"
printf ' "creationInfo": {"created": "%s", "creators": ["Tool: guest-tools-sbom"]},\n' \
	"$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)"
printf ' "packages": [\n  {"name": "guest-tools", "SPDXID": "SPDXRef-Package-guest-tools", "versionInfo": "%s",\n' "$VERSION"
printf '   "downloadLocation": "NOASSERTION", "filesAnalyzed": false,\n'
printf '   "licenseConcluded": "GPL-2.0-or-later", "licenseDeclared": "GPL-2.0-or-later", "copyrightText": "NOASSERTION"}'
while IFS= read -r source; do component "$source"; done <"$work/all"
printf '],\n "files": [\n'
comma=
for pair; do
	file "${pair%%=*}" "${pair#*=}"
	comma=',
'
done
printf '],\n "relationships": [\n  {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "SPDXRef-Package-guest-tools"}'
for pair; do
	name=$(id "${pair%%=*}")
	relation SPDXRef-Package-guest-tools CONTAINS "SPDXRef-File-$name"
	while IFS= read -r source; do
		relation "SPDXRef-File-$name" STATIC_LINK "SPDXRef-Package-$(id "$source")"
	done <"$work/of/$name"
done
printf ']}\n'
