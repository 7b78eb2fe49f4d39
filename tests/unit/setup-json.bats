#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What --json prints is as docs/setup.schema.json has it, of each command, in success and failure.

bats_require_minimum_version 1.5.0
load ../installer/setup-lib

SCHEMA=$BATS_TEST_DIRNAME/../../docs/setup.schema.json

setup() {
	need_as_root
	/usr/bin/python3 -c 'import jsonschema' 2>/dev/null || skip "python3-jsonschema is not installed"
	memory_dir T
	medium_static "$T/m1" 1.0.0
	mkdir "$T/m1/packages"
	echo package >"$T/m1/packages/a.deb"
	add_manifest "$T/m1" 1.0.0
	medium_static "$T/m2" 2.0.0
	root_debian "$T/r"
	rm "$T/r/usr/bin/dpkg"
	root_kernel "$T/r" 6.1.0-1-amd64
}

teardown() {
	[ -z "${T:-}" ] || rm -rf "$T"
}

# conforms FILE...: each is one document as the schema wants it
conforms() {
	/usr/bin/python3 - "$SCHEMA" "$@" <<-'END'
		import json, sys, jsonschema
		schema = json.load(open(sys.argv[1]))
		jsonschema.Draft7Validator.check_schema(schema)
		validator = jsonschema.Draft7Validator(schema)
		bad = 0
		for name in sys.argv[2:]:
		    for error in validator.iter_errors(json.load(open(name))):
		        print(name, list(error.absolute_path), error.message)
		        bad = 1
		sys.exit(bad)
	END
}

# say NAME EXIT COMMAND...: its document into $T/NAME.json
say() {
	local status=0
	as_root "$SETUP" "${@:3}" --json >"$T/$1.json" 2>/dev/null || status=$?
	[ "$status" -eq "$2" ] || { echo "$1: exit status $status, not $2"; cat "$T/$1.json"; return 1; }
}

@test "the documents of all commands are as the schema has them, and those of failures" {
	local r=(--root "$T/r") yes=(--yes --root "$T/r")
	say detect 0 detect "${r[@]}"
	say none 10 status "${r[@]}"
	say plan 0 plan "${r[@]}" --medium "$T/m1"
	say wish 3 plan "${r[@]}" --medium "$T/m1" --agent=package
	say verify 0 verify --medium "$T/m1"
	say absent 5 verify --medium "$T/nowhere"
	say extract 0 extract "$T/out" --medium "$T/m1"
	say unasked 8 install "${r[@]}" --medium "$T/m1"
	say install 0 install "${yes[@]}" --medium "$T/m2"
	say again 0 install "${yes[@]}" --medium "$T/m2"
	say older 9 install "${yes[@]}" --medium "$T/m1"
	say status 0 status "${r[@]}"
	say untried 3 status "${r[@]}" --self-test
	say nothing 0 recover "${r[@]}"
	say uninstall 0 uninstall "${yes[@]}"
	say gone 0 uninstall "${yes[@]}"
	conforms "$T"/*.json
	[ "$(jq -r .command "$T"/*.json | sort -u | wc -l)" -eq 8 ]
}

@test "the documents of broken runs are, too" {
	local n status
	[ -x "$SETUP_TEST" ] || skip "no $SETUP_TEST"
	for n in 1 4 9 14; do
		status=0
		GUEST_TOOLS_SETUP_FAULT=fail:$n as_root "$SETUP_TEST" install --yes --json --root "$T/r" \
			--medium "$T/m1" >"$T/broken-$n.json" 2>/dev/null || status=$?
		[ "$(jq .exit "$T/broken-$n.json")" -eq "$status" ]
	done
	conforms "$T"/broken-*.json
}

@test "detection is, on every recorded root" {
	local root
	mkdir "$T/all"
	for root in "$FIXTURES"/*/; do
		"$SETUP" detect --json --root "$root" >"$T/all/$(basename "$root").json" 2>/dev/null || true
	done
	[ "$(find "$T/all" -size +0 | wc -l)" -gt 50 ]
	conforms "$T"/all/*.json
}

@test "a document that is not as it should be is noticed by this check itself" {
	say status 10 status --root "$T/r"
	jq 'del(.health.channel)' "$T/status.json" >"$T/bad-1.json"
	jq '.installed = "no"' "$T/status.json" >"$T/bad-2.json"
	jq 'del(.error)' "$T/status.json" >"$T/bad-3.json"
	conforms "$T/status.json"
	for n in 1 2 3; do
		run conforms "$T/bad-$n.json"
		expect_status 1
	done
}

@test "the man page names every field of the schema" {
	local man=$HERE/../../docs/man/guest-tools-setup.8 field
	for field in $(jq -r '.. | .properties? // empty | keys[]' "$SCHEMA" | sort -u); do
		sed 's/\\-/-/g' "$man" | grep -qw -- "$field" || { echo "not in the man page: $field"; return 1; }
	done
}
