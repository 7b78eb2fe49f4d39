# SPDX-License-Identifier: GPL-2.0-or-later
# The commands that report on the guest, against the machine's own files, and against
# the QEMU guest agent where there is one. Nothing is changed here.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
load agent/agent
load agent/parity
load agent/commands

setup()
{
	agent_config
	agent_start
}

teardown()
{
	agent_stop
	[ -z "${QEMU_GA_PID-}" ] || kill "$QEMU_GA_PID"
}

# of COMMAND EXPRESSION: jq's EXPRESSION on what the command returns
of() { result "$1" | jq -rc "$2"; }

@test "time, name, time zone, system and load are this machine's" {
	local now

	now=$(of guest-get-time '. / 1e9 | floor')
	assert [ $(($(date +%s) - now)) -le 2 ]
	assert_equal "$(of guest-get-host-name '."host-name"')" "$(uname -n)"
	assert_equal "$(of guest-get-timezone '.zone, .offset' | tr '\n' ' ')" \
		"$(date +%Z) $(($(date +%:::z | sed 's/^\([+-]\)0*\(.\)/\1\2/') * 3600)) "
	assert_equal "$(of guest-get-osinfo '."kernel-release", ."kernel-version", .machine')" "$(uname -r; uname -v; uname -m)"
	assert_equal "$(of guest-get-osinfo '.id, ."version-id"')" "$(. /etc/os-release; printf '%s\n' "$ID" "$VERSION_ID")"
	of guest-get-load 'select(.load1m >= 0 and .load15m >= 0) | keys | join(" ")' |
		grep -Fx 'load15m load1m load5m'
}

@test "the time zone is that of TZ and of now" {
	agent_stop
	TZ=XYZ-5:30 agent_start
	assert_equal "$(result guest-get-timezone)" '{"offset":19800,"zone":"XYZ"}'
}

@test "processors and memory are those of sysfs" {
	assert_equal "$(of guest-get-vcpus '[.[] | select(.online)] | length')" "$(getconf _NPROCESSORS_ONLN)"
	assert_equal "$(of guest-get-vcpus '[.[]."logical-id"] | sort | join(" ")')" \
		"$(ls /sys/devices/system/cpu | sed -n 's/^cpu\([0-9]\)/\1/p' | sort -n | xargs)"
	[ -d /sys/devices/system/memory ] || skip "this kernel has no memory blocks"
	assert_equal "$(of guest-get-memory-block-info .size)" "$((16#$(cat /sys/devices/system/memory/block_size_bytes)))"
	assert_equal "$(of guest-get-memory-blocks '[.[] | select(.online)] | length')" \
		"$(cat /sys/devices/system/memory/memory*/state | grep -cx online)"
}

@test "counters of processors and disks are all there, and count" {
	assert_equal "$(of guest-get-cpustats '[.[] | select(.type == "linux")] | length')" \
		"$(grep -c '^cpu[0-9]' /proc/stat)"
	of guest-get-cpustats '.[0] | keys | join(" ")' |
		grep -Fx 'cpu guest guestnice idle iowait irq nice softirq steal system type user'
	local before after

	before=$(of guest-get-cpustats 'map(.user + .system) | add')
	after=$((SECONDS + 1))
	while [ $SECONDS -le $after ]; do :; done
	assert [ $(($(of guest-get-cpustats 'map(.user + .system) | add') - before)) -ge 500 ]
	assert_equal "$(of guest-get-diskstats '.[].name' | sort)" "$(awk '{ print $3 }' /proc/diskstats | sort)"
	of guest-get-diskstats '.[0].stats | has("read-ios") and has("weight-ticks")' | grep -Fx true
}

@test "file systems are reported with their sizes, the last mounted first" {
	local root

	root=$(result guest-get-fsinfo | jq -c 'map(select(.mountpoint == "/"))[0] // empty')
	[ -n "$root" ] || skip "the root file system is not on a block device"
	assert_equal "$(jq -r .type <<<"$root")" "$(stat -f -c %T / | sed 's,ext2/ext3,ext4,')"
	assert_equal "$(jq -r '."total-bytes-privileged"' <<<"$root")" "$(stat -f -c '%b * %S' / | xargs expr | cat)"
	assert_equal "$(jq -r '."total-bytes-privileged" >= ."total-bytes" and ."total-bytes" >= ."used-bytes"' <<<"$root")" true
	result guest-get-fsinfo | jq -e '.[-1].mountpoint == "/"'
}

# dotted HEX: an address of /proc/net/route, as a little-endian machine writes it
dotted() { echo "$((16#${1:6:2})).$((16#${1:4:2})).$((16#${1:2:2})).$((16#${1:0:2}))"; }

@test "routes are those of the kernel, in numbers that people read" {
	local iface destination gateway flags refs use metric mask more

	while read -r iface destination gateway flags refs use metric mask more; do
		[ "$iface" != Iface ] || continue
		echo "$iface $(dotted "$destination") $(dotted "$gateway") $(dotted "$mask") $metric"
	done </proc/net/route >"$BATS_TEST_TMPDIR/kernel"
	of guest-network-get-route '.[] | select(.version == 4) |
		[.iface, .destination, .gateway, .mask, .metric] | join(" ")' >"$BATS_TEST_TMPDIR/ours"
	diff "$BATS_TEST_TMPDIR/ours" "$BATS_TEST_TMPDIR/kernel"
	assert_equal "$(of guest-network-get-route 'map(select(.version == 6)) | length')" \
		"$(cat /proc/net/ipv6_route 2>/dev/null | wc -l)"
	of guest-network-get-route 'map(select(.version == 6 and (.desprefixlen | type) != "string")) | length' |
		grep -Fx 0
}

@test "interfaces have their addresses and counters" {
	local lo

	lo=$(result guest-network-get-interfaces | jq -c '.[] | select(.name == "lo")')
	assert_equal "$(jq -c '."ip-addresses"[0]' <<<"$lo")" \
		'{"ip-address":"127.0.0.1","ip-address-type":"ipv4","prefix":8}'
	assert_equal "$(jq -r '.statistics | length' <<<"$lo")" 8
	assert_equal "$(of guest-network-get-interfaces 'map(.name) | unique | length')" "$(ls /sys/class/net | wc -l)"
}

@test "answers come in the order of the requests, and a ping at once" {
	run ask '{"execute":"guest-get-osinfo","id":1}{"execute":"guest-get-time","id":2}{"execute":"guest-nothing","id":3}{"execute":"guest-get-disks","id":4}{"execute":"guest-get-host-name","id":5}{"execute":"guest-ping","id":6}'
	run jq -s -c 'map(.id)' <<<"$output"
	assert_output '[6,1,2,3,4,5]'
}

@test "a sync forgets what was not answered yet" {
	run ask '{"execute":"guest-get-osinfo"}{"execute":"guest-get-osinfo"}{"execute":"guest-sync","arguments":{"id":9}}{"execute":"guest-get-host-name"}'
	assert_line --index 0 '{"return": 9}'
	assert_line --index 1 --partial host-name
	assert_equal "${#lines[@]}" 2
}

@test "wrong arguments are named with their place" {
	assert_equal "$(error_of guest-set-vcpus '{"vcpus":[{"logical-id":0}]}')" "Parameter 'vcpus[0].online' is missing"
	assert_equal "$(error_of guest-set-vcpus '{"vcpus":[1]}')" "Invalid parameter type for 'vcpus[0]', expected: object"
	assert_equal "$(error_of guest-set-memory-blocks '{"mem-blks":[{"phys-index":0,"online":true},{"phys-index":"0","online":true}]}')" \
		"Invalid parameter type for 'mem-blks[1].phys-index', expected: integer"
	assert_equal "$(error_of guest-set-vcpus '{"vcpus":[{"logical-id":0,"online":true,"x":1}]}')" "Parameter 'vcpus[0].x' is unexpected"
	assert_equal "$(error_of guest-exec '{"path":"true","arg":["a",1]}')" "Invalid parameter type for 'arg[1]', expected: string"
	assert_equal "$(error_of guest-exec '{"path":"true","arg":"a"}')" "Invalid parameter type for 'arg', expected: array"
	assert_equal "$(error_of guest-set-vcpus '{"vcpus":[{"logical-id":9999,"online":true}]}')" \
		"Could not open '/sys/devices/system/cpu/cpu9999/': No such file or directory"
}

@test "users that do not exist, and keys and passwords that are none, are refused" {
	assert_equal "$(error_of guest-ssh-get-authorized-keys '{"username":"no:body"}')" "failed to lookup user 'no:body': no such user"
	assert_equal "$(error_of guest-ssh-add-authorized-keys '{"username":"no:body","keys":["a\\nb"]}')" "invalid OpenSSH public key: 'a
b'"
	assert_equal "$(error_of guest-ssh-add-authorized-keys '{"username":"no:body","keys":["# a"]}')" "invalid OpenSSH public key: '# a'"
	assert_equal "$(error_of guest-set-user-password '{"username":"no:body","password":"eA==","crypted":false}')" "forbidden characters in username"
	assert_equal "$(error_of guest-set-user-password '{"username":"nobody","password":"eAp5","crypted":false}')" "forbidden characters in raw password"
	assert_equal "$(error_of guest-set-user-password '{"username":"nobody","password":"eAB5","crypted":false}')" "forbidden characters in raw password"
}

# --- beside the QEMU guest agent ---------------------------------------------------

qemu_ga_start()
{
	command -v qemu-ga >/dev/null || skip "qemu-ga is not installed"
	mkdir "$BATS_TEST_TMPDIR/state"
	THEIR_SOCKET=$BATS_TEST_TMPDIR/qemu-ga.sock
	(cd / && exec qemu-ga -m unix-listen -p "$THEIR_SOCKET" -t "$BATS_TEST_TMPDIR/state" \
		>"$BATS_TEST_TMPDIR/qemu-ga.log" 2>&1 3>&-) &
	QEMU_GA_PID=$!
	wait_for test -S "$THEIR_SOCKET"
}

@test "reports are those of the QEMU guest agent" {
	qemu_ga_start
	reports_are_alike
}

@test "errors are those of the QEMU guest agent" {
	qemu_ga_start
	errors_are_alike
}
