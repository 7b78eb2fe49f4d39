#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The agent's commands that change a guest, need root, or need disks; and beside the QEMU
# guest agent, which this guest has as well.
# shellcheck disable=SC2016,SC2154 # the guest's shell expands; bats sets output

bats_require_minimum_version 1.5.0

setup_file()
{
	load lib/guest.sh
	load lib/port.sh
	guest_select commands
	guest_start --kernel debian12-qemu-ga --disk 64M:ext4 --disk 160M --disk 256M:btrfs
	agent_put
	# A disk, a partition of another, a loop device, one of two devices of a file system.
	guest_run 'set -e
		mkdir -p /srv/1 /srv/2 /srv/3 /srv/loop /srv/bind
		mount /dev/disk/by-id/virtio-disk1 /srv/1
		addpart /dev/disk/by-id/virtio-disk2 1 2048 200000
		udevadm settle
		disk=$(readlink -f /dev/disk/by-id/virtio-disk2)
		mkfs -q -t ext4 ${disk}1
		mount -o ro ${disk}1 /srv/2
		mount /dev/disk/by-id/virtio-disk3 /srv/3
		truncate -s 16M /srv/3/image
		mkfs -q -t ext4 /srv/3/image
		mount -o loop /srv/3/image /srv/loop
		mount --bind /srv/1 /srv/bind
		useradd -m alice
		useradd -m bob' >"$BATS_FILE_TMPDIR/prepare.log" 2>&1 || { cat "$BATS_FILE_TMPDIR/prepare.log"; return 1; }
}

setup()
{
	load lib/guest.sh
	load lib/port.sh
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR guest_select commands
}

teardown()
{
	guest_check
}

teardown_file()
{
	guest_teardown
}

# answers [COMMAND ARGUMENTS FILTER]...: a line for each, through jq
answers()
{
	while [ $# -gt 0 ]; do
		port_command "$1" "$2" | jq -cS "$3" || return
		shift 3
	done
}

# both [COMMAND ARGUMENTS FILTER]...: what both agents answer, in $ours and $theirs
both()
{
	agent_use qemu-guest-agent
	theirs=$(answers "$@")
	agent_use guest-tools-agent
	ours=$(answers "$@")
	[ -n "$theirs" ]
	diff <(echo "$ours") <(echo "$theirs") || true
}

@test "file systems and disks are reported as by the QEMU guest agent" {
	# Since its version 10 that one tells a file system once, however often it is mounted.
	both guest-get-fsinfo '' '.return | map(select(.mountpoint != "/srv/bind") | del(."used-bytes", ."total-bytes-privileged"))'
	[ "$ours" = "$theirs" ]
	run -0 jq -r '.[].mountpoint' <<<"$ours"
	[[ ${lines[*]} == "/srv/loop /srv/3 /srv/2 /srv/1 /" ]]
	both guest-get-disks '' '.return | sort_by(.name)'
	[ "$ours" = "$theirs" ]
	run -0 jq -r 'map(select(.partition))[0].dependencies[0]' <<<"$ours"
	[ "$output" = "$(guest_run 'readlink -f /dev/disk/by-id/virtio-disk2')" ]
}

@test "every report and error is that of the QEMU guest agent" {
	local cases=(
		guest-get-vcpus '' '.return | sort_by(."logical-id")'
		guest-get-memory-blocks '' '.return | sort_by(."phys-index")'
		guest-get-memory-block-info '' .
		guest-get-diskstats '' '.return | map([.name, .major, .minor, (.stats | keys)])'
		guest-get-cpustats '' '.return | map([.cpu, .type, keys])'
		guest-network-get-interfaces '' '.return | map(del(.statistics))'
		guest-get-host-name '' .
		guest-get-timezone '' .
		guest-get-osinfo '' .
		guest-shutdown '{"mode":"rubbish"}' .
		guest-set-vcpus '{"vcpus":[{"logical-id":0,"online":false}]}' .
		guest-ssh-get-authorized-keys '{"username":"alice","x":1}' .
	)

	both "${cases[@]}"
	[ "$ours" = "$theirs" ]
	# What ours adds to the list of commands are those of later versions, and our own.
	# guest-get-devices is for Windows, and later versions do not list it elsewhere.
	both guest-info '' '.return.supported_commands | map(select(.name != "guest-get-devices")) | map([.name, ."success-response"]) | sort'
	run -0 jq -rn --argjson o "$ours" --argjson t "$theirs" '($t - $o | length), ($o - $t | map(.[0]) | join(" "))'
	[ "${lines[0]}" = 0 ]
	[ "${lines[1]}" = "guest-get-load guest-network-get-route guest-tools-fsfreeze-extend guest-tools-fsfreeze-info" ]
}

@test "who is logged in is read from utmp as glibc writes it" {
	guest_run 'perl -e '\''
		sub record { my ($type, $user, $sec, $usec) = @_;
			return pack("s x2 l a32 a4 a32 a256 s s l l l l4 x20",
				$type, 1, "tty", "1", $user, "", 0, 0, 0, $sec, $usec, 0, 0, 0, 0) }
		print record(7, "alice", 2000, 500000), record(7, "alice", 1000, 250000),
			record(8, "gone", 1, 1), record(7, "bob", 3000, 0)'\'' >/run/utmp'
	both guest-get-users '' '.return | sort_by(.user)'
	[ "$ours" = "$theirs" ]
	[ "$ours" = '[{"login-time":1000.25,"user":"alice"},{"login-time":3000,"user":"bob"}]' ]
	guest_run 'rm /run/utmp; mkdir -p /run/systemd/sessions
		printf "UID=1000\nUSER=alice\nCLASS=user\nREALTIME=1500000\n" >/run/systemd/sessions/x1
		printf "UID=0\nUSER=root\nCLASS=manager\nREALTIME=1\n" >/run/systemd/sessions/x2'
	run -0 port_result guest-get-users
	[ "$output" = '[{"login-time":1.5,"user":"alice"}]' ]
	guest_run 'rm /run/systemd/sessions/x1 /run/systemd/sessions/x2'
}

@test "programs run, and files are written and read, over the port" {
	local pid handle

	pid=$(port_result guest-exec '{"path":"id","arg":["-u"],"capture-output":"merged"}' | jq .pid)
	guest_wait_for "! kill -0 $pid 2>/dev/null" 10
	run -0 port_result guest-exec-status "{\"pid\":$pid}"
	[ "$output" = '{"exitcode":0,"exited":true,"out-data":"MAo=","out-truncated":false}' ]
	handle=$(port_result guest-file-open '{"path":"/run/written","mode":"w"}')
	run -0 port_result guest-file-write "{\"handle\":$handle,\"buf-b64\":\"aGk=\"}"
	[ "$output" = '{"count":2,"eof":false}' ]
	port_result guest-file-close "{\"handle\":$handle}"
	run -0 guest_run 'cat /run/written; stat -c " %a %U" /run/written'
	[ "$output" = "hi 644 root" ]
}

@test "a command that hangs does not hang the agent, nor keep a freeze or the port" {
	guest_run 'fsfreeze -f /srv/1'
	run -0 port_ask '{"execute":"guest-file-open","arguments":{"path":"/srv/1/new","mode":"w"}}{"execute":"guest-ping"}{"execute":"guest-get-time"}' 1
	[ "$output" = '{"return": {}}' ]
	# One that waits on the frozen file system is there, with no descriptor of the agent's.
	run -0 guest_run 'child=$(pgrep -P $(systemctl show -p MainPID --value guest-tools-helper)) &&
		ls -l /proc/$child/fd | grep -c -e vport -e epoll || true'
	[ "$output" = 0 ]
	# A new host is served; the agent ends when it is told to, whatever becomes of its child.
	run -0 port_ask '{"execute":"guest-sync","arguments":{"id":3}}{"execute":"guest-get-host-name"}' 2
	[ "${lines[0]}" = '{"return": 3}' ]
	run guest_run 'pid=$(systemctl show -p MainPID --value guest-tools-agent)
		systemctl stop --no-block guest-tools-agent
		for i in $(seq 50); do [ -e /proc/$pid ] || break; sleep 0.1; done
		[ ! -e /proc/$pid ]; status=$?
		fsfreeze -u /srv/1
		exit $status'
	[ "$status" -eq 0 ]
	agent_use guest-tools-agent
	local handle
	handle=$(port_result guest-file-open '{"path":"/srv/1/new","mode":"w"}')
	port_result guest-file-close "{\"handle\":$handle}"
}

@test "fstrim trims what is mounted from a disk, and says what cannot be" {
	both guest-fstrim '{"minimum":0}' '.return.paths | map(select(.path != "/srv/bind") | del(.trimmed)) | sort_by(.path)'
	[ "$ours" = "$theirs" ]
	guest_run 'head -c 10000000 /dev/urandom >/srv/1/big && sync && rm /srv/1/big && sync'
	run -0 port_result guest-fstrim
	echo "$output"
	[ "$(jq '.paths[] | select(.path == "/srv/1") | .trimmed >= 10000000' <<<"$output")" = true ]
}

@test "processors are stopped and started" {
	run -0 port_result guest-set-vcpus '{"vcpus":[{"logical-id":1,"online":false},{"logical-id":0,"online":false}]}'
	[ "$output" = 1 ]
	run -0 guest_run 'cat /sys/devices/system/cpu/online'
	[ "$output" = 0 ]
	run -0 port_result guest-get-vcpus
	[ "$(jq -c 'map(.online)' <<<"$output")" = '[true,false]' ]
	run -0 port_result guest-set-vcpus '{"vcpus":[{"logical-id":1,"online":true},{"logical-id":9,"online":true}]}'
	[ "$output" = 1 ]
	run -0 guest_run 'cat /sys/devices/system/cpu/online'
	[ "$output" = 0-1 ]
}

@test "memory blocks are set, or it is told why not" {
	run -0 port_result guest-set-memory-blocks '{"mem-blks":[{"phys-index":0,"online":true},{"phys-index":9999,"online":false}]}'
	[ "$output" = '[{"phys-index":0,"response":"success"},{"error-code":2,"phys-index":9999,"response":"not-found"}]' ]
	# Some block is free enough to go.
	run -0 port_result guest-get-memory-blocks
	local block answers=''
	for block in $(jq -r 'reverse[] | select(.online and ."can-offline") | ."phys-index"' <<<"$output"); do
		answers=$(port_result guest-set-memory-blocks "{\"mem-blks\":[{\"phys-index\":$block,\"online\":false}]}")
		[ "$(jq -r '.[0].response' <<<"$answers")" != success ] || break
	done
	[ "$(jq -r '.[0].response' <<<"$answers")" = success ] || { echo "$answers"; skip "no block of memory can be freed"; }
	run -0 guest_run "cat /sys/devices/system/memory/memory$block/state"
	[ "$output" = offline ]
	run -0 port_result guest-set-memory-blocks "{\"mem-blks\":[{\"phys-index\":$block,\"online\":true}]}"
	[ "$(jq -r '.[0].response' <<<"$output")" = success ]
}

@test "the time is set in the system and in the hardware clock, and taken from there" {
	run -0 port_result guest-set-time '{"time":2000000000500000000}'
	run -0 guest_run 'echo $(($(date +%s) - 2000000000)) $(($(cat /sys/class/rtc/rtc0/since_epoch) - 2000000000))'
	[ "${output% *}" -ge 0 ] && [ "${output% *}" -lt 20 ]
	[ "${output#* }" -ge 0 ] && [ "${output#* }" -lt 20 ]
	guest_run 'date -s @1000000000'
	run -0 port_result guest-set-time
	run -0 guest_run 'echo $(($(date +%s) - $(cat /sys/class/rtc/rtc0/since_epoch)))'
	[ "$output" -ge -1 ] && [ "$output" -le 1 ]
	run -0 port_error guest-set-time '{"time":-1}'
	[ "$output" = "Time -1 is before 1970" ]
	# Without a hardware clock it is an error only when the time is to come from there.
	guest_run 'mv /dev/rtc0 /dev/hidden; rm -f /dev/rtc'
	run -0 port_result guest-set-time "{\"time\":$(date +%s)000000000}"
	run -0 port_error guest-set-time
	[ "$output" = "cannot open the hardware clock: No such file or directory" ]
	guest_run 'mv /dev/hidden /dev/rtc0; ln -s rtc0 /dev/rtc'
}

@test "passwords are set, raw and crypted, and for users alone" {
	local hash='$6$salt$abcdef'

	port_result guest-set-user-password "{\"username\":\"alice\",\"crypted\":false,\"password\":\"$(printf 'se:cr"et' | base64)\"}"
	run -0 guest_run 'perl -e '\''$h = (getpwnam("alice"))[1]; print crypt("se:cr\"et", $h) eq $h ? "right" : "wrong"'\'
	[ "$output" = right ]
	port_result guest-set-user-password "{\"username\":\"bob\",\"crypted\":true,\"password\":\"$(printf %s "$hash" | base64)\"}"
	run -0 guest_run 'perl -e '\''print +(getpwnam("bob"))[1]'\'
	[ "$output" = "$hash" ]
	run -0 port_error guest-set-user-password '{"username":"nobodyhere","crypted":false,"password":"eA=="}'
	[[ $output == "child process has failed to set user password: chpasswd ended with status 1: "*nobodyhere* ]]
	# A second line would be a second user's password.
	run -0 port_error guest-set-user-password "{\"username\":\"alice\",\"crypted\":true,\"password\":\"$(printf 'x\nroot:y' | base64)\"}"
	[ "$output" = "forbidden characters in crypted password" ]
}

keys() { port_result guest-ssh-get-authorized-keys '{"username":"alice"}' | jq -r '.keys | join(" ")'; }

@test "SSH keys are added, read, replaced and removed, as files of the user" {
	run -0 port_error guest-ssh-get-authorized-keys '{"username":"alice"}'
	[ "$output" = "failed to open directory '/home/alice/.ssh': No such file or directory" ]
	port_result guest-ssh-add-authorized-keys '{"username":"alice","keys":["ssh-a A","ssh-b B"]}'
	run -0 guest_run 'stat -c "%a %U %G" /home/alice/.ssh /home/alice/.ssh/authorized_keys; cat /home/alice/.ssh/authorized_keys'
	[ "$output" = $'700 alice alice\n600 alice alice\nssh-a A\nssh-b B' ]
	guest_run 'echo "# mine" >>/home/alice/.ssh/authorized_keys'
	port_result guest-ssh-add-authorized-keys '{"username":"alice","keys":["ssh-b B","ssh-c C"]}'
	both guest-ssh-get-authorized-keys '{"username":"alice"}' '.return.keys | sort'
	[ "$ours" = "$theirs" ]
	[ "$(keys)" = "ssh-a A ssh-b B ssh-c C" ]
	port_result guest-ssh-remove-authorized-keys '{"username":"alice","keys":["ssh-b B","ssh-x X"]}'
	run -0 guest_run 'cat /home/alice/.ssh/authorized_keys'
	[ "$output" = $'ssh-a A\n# mine\nssh-c C' ]
	port_result guest-ssh-add-authorized-keys '{"username":"alice","reset":true,"keys":["ssh-n N"]}'
	run -0 guest_run 'cat /home/alice/.ssh/authorized_keys'
	[ "$output" = "ssh-n N" ]
}

@test "what a user puts in place of the SSH keys does not lead root anywhere" {
	guest_run 'mkdir -p /root/.ssh && echo root-key >/root/.ssh/authorized_keys
		rm -rf /home/bob/.ssh && ln -s /root/.ssh /home/bob/.ssh'
	run -0 port_error guest-ssh-get-authorized-keys '{"username":"bob"}'
	[ "$output" = "failed to open directory '/home/bob/.ssh': Not a directory" ]
	run -0 port_error guest-ssh-add-authorized-keys '{"username":"bob","keys":["ssh-e E"]}'
	guest_run 'rm /home/bob/.ssh; mkdir /home/bob/.ssh; chown bob: /home/bob/.ssh
		ln -s /root/.ssh/authorized_keys /home/bob/.ssh/authorized_keys'
	run -0 port_error guest-ssh-get-authorized-keys '{"username":"bob"}'
	[[ $output == "failed to read '/home/bob/.ssh/authorized_keys': "*[Ss]ymbolic\ link* ]]
	# One that replaces the file does not write through the link either.
	run -0 port_result guest-ssh-add-authorized-keys '{"username":"bob","reset":true,"keys":["ssh-e E"]}'
	run -0 guest_run 'cat /root/.ssh/authorized_keys /home/bob/.ssh/authorized_keys; stat -c %U /home/bob/.ssh/authorized_keys'
	[ "$output" = $'root-key\nssh-e E\nbob' ]
}

@test "suspend to memory comes back by the host, and the agent with it" {
	run -0 guest_run 'cat /sys/power/state'
	[[ $output == *mem* ]] || skip "this guest cannot suspend to memory"
	PORT_DEADLINE=2 run port_command guest-suspend-ram
	[[ $output != *error* ]] || { echo "$output"; false; }
	local i
	for ((i = 0; i < 100; i++)); do
		[[ $(guest_qmp '{"execute":"query-status"}') != *suspended* ]] || break
		sleep 0.1
	done
	[[ $(guest_qmp '{"execute":"query-status"}') == *suspended* ]]
	guest_qmp '{"execute":"system_wakeup"}'
	port_wait
}

@test "a suspend that the guest cannot do says why" {
	run -0 port_error guest-suspend-disk
	[[ $output == "cannot suspend the guest: "* || $output == "the requested suspend mode is not supported by the guest" ]]
	run -0 port_error guest-suspend-hybrid
	port_result guest-get-host-name
}

@test "shutdown with reboot reboots, and without it powers down" {
	PORT_DEADLINE=5 run port_command guest-shutdown '{"mode":"reboot"}'
	[[ $output != *error* ]]
	guest_wait_boot "$(cat "$GUEST_DIR/boot")"
	agent_use guest-tools-agent
	PORT_DEADLINE=2 run port_command guest-shutdown
	[[ $output != *error* ]]
	local i
	for ((i = 0; i < 300; i++)); do
		kill -0 "$(cat "$GUEST_DIR/qemu.pid")" 2>/dev/null || return 0
		sleep 0.2
	done
	echo "the guest is still there"
	return 1
}

@test "each kind of disk has the address that the host gave it" {
	local name theirs ours
	local disks=(sata:ide-hd,bus=ahci.2 lsi:scsi-hd,bus=lsi.0,scsi-id=3
		scsi:scsi-hd,bus=scsi0.0,scsi-id=2,lun=5 nvme:nvme)
	local devices=(--qemu -device --qemu ich9-ahci,id=ahci --qemu -device --qemu lsi53c895a,id=lsi)

	for name in "${disks[@]}"; do
		devices+=(--qemu -blockdev --qemu "driver=null-co,read-zeroes=on,size=67108864,node-name=${name%%:*}"
			--qemu -device --qemu "${name#*:},drive=${name%%:*},serial=${name%%:*}")
	done
	guest_stop
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR guest_select disks
	guest_start --kernel debian12-qemu-ga --cold "${devices[@]}"
	agent_put
	both guest-get-disks '' '.return | map(select(.address) | .address | {
		"pci": (."pci-controller" | [.domain, .bus, .slot, .function]),
		"at": [."bus-type", .bus, .target, .unit], dev, serial}) | sort_by(.dev)'
	printf '%s\n' "ours:   $ours" "theirs: $theirs"
	for name in 'sata ["sata",0,0,2]' 'lsi ["scsi",0,0,3]' 'scsi ["scsi",0,2,5]' 'nvme ["nvme",0,0,0]'; do
		run jq -c --arg s "${name% *}" 'map(select(.serial // "" | contains("_" + $s)))[0].at' <<<"$ours"
		[ "$output" = "${name#* }" ]
	done
	# The same as theirs, but for the SCSI target.
	[ "$(jq -c 'map(select(.at[0] | IN("sata", "virtio", "nvme")))' <<<"$ours")" = \
		"$(jq -c 'map(select(.at[0] | IN("sata", "virtio", "nvme")))' <<<"$theirs")" ]
	run -0 port_result guest-get-disks
	[ "$(jq -r '.[] | select(.name == "/dev/nvme0n1") | .smart.type, .smart."available-spare-threshold", (.smart | length)' <<<"$output" | xargs)" = "nvme 0 26" ]
}
