# SPDX-License-Identifier: GPL-2.0-or-later
# The bill of materials says what is in the static programs, all of it and nothing else.

bats_load_library bats-support
bats_load_library bats-assert

top=$(cd "${BATS_TEST_DIRNAME}/../.." && pwd)
export BUILD=${BUILD:-$top/build}

# program NAME FLAGS...: a static program of standard input's source
program() {
	"$BUILD/static/bin/musl-cc" -static-pie -fPIE -ffunction-sections -x c - -x none -o "$BATS_TEST_TMPDIR/$1" \
		-Wl,--gc-sections -Wl,-Map="$BATS_TEST_TMPDIR/$1.map" "${@:2}"
}

sbom() {
	VERSION=1.2.3 SOURCE_DATE_EPOCH=0 "$top/packaging/sbom.sh" "$BUILD/static" "$@"
}

# linked FILE: the sources of what is linked into it, as the document on standard input says
linked() {
	jq -r --arg file "./$1" '(.files[] | select(.fileName == $file).SPDXID) as $id |
		.relationships[] | select(.spdxElementId == $id and .relationshipType == "STATIC_LINK") |
		.relatedSpdxElement | ltrimstr("SPDXRef-Package-")' | sort | paste -sd ' '
}

@test "every static program on the ISO is in its bill, with its digest, and each library with version and licence" {
	local path count=0

	make -s -C "$top" iso >/dev/null
	xorriso -osirrox on -indev "stdio:$BUILD/iso/guest-tools-$(cat "$top/VERSION").iso" \
		-extract / "$BATS_TEST_TMPDIR/medium" >/dev/null 2>&1
	cd "$BATS_TEST_TMPDIR/medium"
	while read -r path; do
		[ "$(head -c 4 "$path" | tail -c 3)" = ELF ] || continue
		count=$((count + 1))
		assert_equal "$(jq -r --arg file "./$path" '.files[] | select(.fileName == $file).checksums[] |
			select(.algorithm == "SHA256").checksumValue' sbom.spdx.json)" "$(sha256sum <"$path" | cut -c 1-64)"
		run linked "$path" <sbom.spdx.json
		assert_output --partial musl
	done < <(find . -type f -printf '%P\n')
	assert [ "$count" -ge 3 ]
	assert_equal "$(linked amd64/setup <sbom.spdx.json)" "gcc-12 glib2.0 jansson libsodium musl"
	# Of the libraries, each is of the version whose source was built.
	while read -r name version; do
		run jq -r --arg name "$name" '.packages[] | select(.name == $name).versionInfo' sbom.spdx.json
		[ -z "$output" ] || assert_output "$version"
	done <"$BUILD/static/sources"
	run jq -r '.packages[] | select(.versionInfo == "" or .licenseDeclared == "").name' sbom.spdx.json
	assert_output ''
	run jq -r '[.spdxVersion, .SPDXID, .dataLicense, (.packages + .files | map(.SPDXID) | length == (unique | length))] |
		join(" ")' sbom.spdx.json
	assert_output "SPDX-2.3 SPDXRef-DOCUMENT CC0-1.0 true"
}

@test "a library is listed for the program that uses it, and not for the one that does not" {
	program none <<<'int main(void) { return 0; }'
	program some "$BUILD/static/lib/libjansson.a" "$BUILD/static/lib/libsodium.a" -I"$BUILD/static/include" \
		<<<'#include <jansson.h>
		int crypto_verify_32(const void *, const void *);
		int unused(void) { return crypto_verify_32("", ""); }
		int main(void) { return json_integer_value(json_integer(0)); }'
	sbom "bin/none=$BATS_TEST_TMPDIR/none" "bin/some=$BATS_TEST_TMPDIR/some" >"$BATS_TEST_TMPDIR/sbom"
	run linked bin/some <"$BATS_TEST_TMPDIR/sbom"
	assert_output --regexp '(^| )jansson( |$)'
	# Taken from its library for a function that the linker then throws away.
	refute_output --partial libsodium
	grep -q 'libsodium.a(' "$BATS_TEST_TMPDIR/some.map"
	run linked bin/none <"$BATS_TEST_TMPDIR/sbom"
	refute_output --partial jansson
	assert_output --partial musl
	assert_equal "$(jq -r .creationInfo.created "$BATS_TEST_TMPDIR/sbom")" 1970-01-01T00:00:00Z
}

@test "a library that the table does not know stops it, as does a program without a map" {
	echo 'int other(void) { return 0; }' | gcc -c -x c - -o "$BATS_TEST_TMPDIR/other.o"
	ar rc "$BATS_TEST_TMPDIR/libother.a" "$BATS_TEST_TMPDIR/other.o"
	program strange "$BATS_TEST_TMPDIR/libother.a" <<<'int other(void); int main(void) { return other(); }'
	run sbom "bin/strange=$BATS_TEST_TMPDIR/strange"
	assert_failure
	assert_output --partial "libother.a in $BATS_TEST_TMPDIR/strange is: sbom.table does not list it"
	rm "$BATS_TEST_TMPDIR/strange.map"
	run sbom "bin/strange=$BATS_TEST_TMPDIR/strange"
	assert_failure
	assert_output --partial "there is no $BATS_TEST_TMPDIR/strange.map"
}
