#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The harness itself: what the other VM tests rely on.
# shellcheck disable=SC2016,SC2154 # the guest's shell expands; bats sets output and stderr

bats_require_minimum_version 1.5.0

setup()
{
	load lib/guest.sh
}

teardown()
{
	guest_teardown
}

@test "a command's status, output and errors come back whole" {
	guest_start
	run -7 --separate-stderr guest_run 'echo out; echo err >&2; exit 7'
	[ "$output" = out ]
	[ "$stderr" = err ]
	run -137 guest_run 'kill -KILL $$'

	head -c 1048576 /dev/urandom >"$BATS_TEST_TMPDIR/sent"
	guest_put "$BATS_TEST_TMPDIR/sent" /run/copy
	guest_get /run/copy "$BATS_TEST_TMPDIR/back"
	cmp "$BATS_TEST_TMPDIR/sent" "$BATS_TEST_TMPDIR/back"
	guest_run 'head -c 1048576 /dev/zero | tee /dev/stderr' \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/out")" = 1048576 ]
	[ "$(stat -c %s "$BATS_TEST_TMPDIR/err")" = 1048576 ]
}

@test "a command that never ends is given up, and the next one answered" {
	guest_start
	GUEST_DEADLINE=2 run -124 guest_run 'echo begun; exec sleep 1000'
	[[ $output == begun* ]]
	run -0 guest_run 'pgrep -x sleep || echo killed'
	[ "$output" = killed ]
	# what the last client did not read is not taken for the next one's
	"$BUILD/vm/guest-exec" "$GUEST_DIR/control.sock" 'yes | head -c 500000' | head -c 10
	run -0 guest_run 'echo next'
	[ "$output" = next ]
}

@test "news of a host that left, when it is back already, end no command" {
	guest_start
	run -3 "$BUILD/vm/guest-exec" -d 20 -l 200 "$GUEST_DIR/control.sock" \
		'echo begun; sleep 2; echo lived; exit 3'
	[ "$output" = $'begun\nlived' ]
	# and one who stays away is not waited for
	run -124 "$BUILD/vm/guest-exec" -d 6 -l 4000 "$GUEST_DIR/control.sock" 'echo; exec sleep 1000'
	run -1 guest_run 'pgrep -x sleep'
}

@test "a background command keeps its output and status" {
	guest_start
	guest_run_bg job "echo it\\'s begun; sleep 1; echo done; exit 3"
	guest_wait_for "grep -q begun $GUEST_RUN/job.out" 5
	run -3 guest_bg_wait job 20
	run -0 guest_bg_output job
	[ "$output" = $'it\'s begun\ndone' ]
	guest_run_bg endless 'exec sleep 1000'
	run -124 guest_bg_wait endless 1
}

@test "each guest has a fresh disk and the time of day" {
	guest_start
	guest_run 'echo old >/etc/left-behind; fsfreeze -f / && fsfreeze -u /' # past the journal
	guest_stop
	guest_select second
	guest_start
	run -0 guest_run 'ls /etc/left-behind 2>/dev/null; date +%s'
	[[ $output =~ ^[0-9]+$ ]]
	((output >= EPOCHSECONDS - 5 && output <= EPOCHSECONDS + 5))
	# the guest may see its memory of a directory; look at the disk itself
	guest_disk_copy 0 "$BATS_TEST_TMPDIR/root.img"
	debugfs -R 'stat /etc/hostname' "$BATS_TEST_TMPDIR/root.img" 2>&1 | grep -q 'Type: regular'
	debugfs -R 'stat /etc/left-behind' "$BATS_TEST_TMPDIR/root.img" 2>&1 | grep -q 'File not found'
}

@test "restoring a guest: how long it takes until the first command is answered" {
	for i in 1 2 3 4 5 6 7 8 9 10; do
		guest_select "guest$i"
		start=$(date +%s%N)
		guest_start
		guest_run true
		echo $((($(date +%s%N) - start) / 1000000)) >>"$BATS_TEST_TMPDIR/times"
		guest_stop
	done
	sort -n "$BATS_TEST_TMPDIR/times" | awk '{ ms[NR] = $1 } END {
		print "# restored in ms: least " ms[1] ", median " ms[5] ", most " ms[NR] }' >&3
	[ "$(wc -l <"$BATS_TEST_TMPDIR/times")" = 10 ]
}

@test "two guests run side by side" {
	guest_start
	guest_run 'echo first >/root/who'
	guest_select second
	guest_start
	guest_run 'echo second >/root/who'
	guest_select guest
	run -0 guest_run 'cat /root/who'
	[ "$output" = first ]
}

@test "an ISO put into the drive can be mounted by its label, and be taken out" {
	guest_start
	mkdir "$BATS_TEST_TMPDIR/tree"
	echo content >"$BATS_TEST_TMPDIR/tree/file"
	xorriso -as mkisofs -quiet -V GUEST_TEST -r -J -o "$BATS_TEST_TMPDIR/test.iso" \
		"$BATS_TEST_TMPDIR/tree"
	guest_cdrom "$BATS_TEST_TMPDIR/test.iso"
	run -0 guest_run 'mount -r /dev/disk/by-label/GUEST_TEST /mnt && cat /mnt/file; umount /mnt'
	[ "$output" = content ]
	guest_cdrom ''
	run guest_run 'mount -r /dev/sr0 /mnt'
	[ "$status" -ne 0 ]
}

@test "disks are plugged in with the file system asked for, and copied" {
	guest_start --disk 64M:ext4 --disk 320M:xfs --disk 16M
	run -0 guest_run 'for i in 1 2 3; do blkid -o value -s TYPE /dev/disk/by-id/virtio-disk$i; done
		blockdev --getsize64 /dev/disk/by-id/virtio-disk3'
	[ "$output" = $'ext4\nxfs\n16777216' ]
	guest_run 'mount /dev/disk/by-id/virtio-disk1 /mnt && echo precious >/mnt/file && umount /mnt'
	guest_disk_copy 1 "$BATS_TEST_TMPDIR/copy.img"
	[ "$(debugfs -R 'cat /file' "$BATS_TEST_TMPDIR/copy.img" 2>/dev/null)" = precious ]
	guest_run 'echo rooted >/root/file; fsfreeze -f / && fsfreeze -u /' # past the journal
	guest_disk_copy 0 "$BATS_TEST_TMPDIR/root.img"
	[ "$(debugfs -R 'cat /root/file' "$BATS_TEST_TMPDIR/root.img" 2>/dev/null)" = rooted ]
	run -0 guest_run 'echo still here'
}

@test "the control channel works while every file system is frozen" {
	guest_start
	guest_run 'fsfreeze -f /'
	for i in 1 2 3 4 5; do
		run -0 guest_run 'echo frozen; ls /'
		[[ $output == frozen* ]]
	done
	GUEST_DEADLINE=2 run -124 guest_run 'echo x >/root/file'
	guest_put "$BATS_TEST_FILENAME" /run/file
	run -0 guest_run 'fsfreeze -u / && echo y >/root/file && cat /root/file'
	[ "$output" = y ]
}

@test "the guest agent's port is there, both ways" {
	guest_start
	guest_run_bg echo 'exec 3<>/dev/virtio-ports/org.qemu.guest_agent.0; read -r line <&3;
		echo "got $line" >&3; sleep 5'
	# QEMU takes the end of input for the end of the connection, so input must last
	run -0 timeout 10 socat - "UNIX-CONNECT:$(guest_agent_socket)" < <(echo hello; sleep 2)
	[ "$output" = 'got hello' ]
}

@test "a reboot keeps the disks and the medium" {
	guest_start --disk 64M:ext4
	truncate -s 1M "$BATS_TEST_TMPDIR/medium.iso"
	guest_cdrom "$BATS_TEST_TMPDIR/medium.iso"
	guest_run 'echo kept >/etc/kept; mount /dev/disk/by-id/virtio-disk1 /mnt; echo data >/mnt/file'
	before=$(guest_run 'cat /proc/sys/kernel/random/boot_id')
	guest_reboot
	after=$(guest_run 'cat /proc/sys/kernel/random/boot_id')
	[ "$before" != "$after" ]
	run -0 guest_run 'cat /etc/kept; mount /dev/disk/by-id/virtio-disk1 /mnt && cat /mnt/file
		blockdev --getsize64 /dev/sr0; systemctl is-system-running'
	[ "$output" = $'kept\ndata\n1048576\nrunning' ]
}

@test "a guest can be booted with other kernel arguments" {
	guest_start --append 'fsfreeze.test=1' --disk 16M
	run -0 guest_run 'cat /proc/cmdline; blockdev --getsize64 /dev/disk/by-id/virtio-disk1'
	[[ $output == *' fsfreeze.test=1'*16777216 ]]
}

@test "the guest without headers has another kernel, and none to build with" {
	guest_start --kernel debian12-noheaders
	run -0 guest_run 'uname -r; ls -d /usr/src/linux-headers* /lib/modules/*/build 2>/dev/null; true'
	[[ $output == 6.12.*-cloud-amd64 ]]
	guest_run 'for i in ext4 xfs btrfs isofs loop; do modprobe $i || exit; done'
	run guest_run 'ls /usr/sbin/qemu-ga'
	[ "$status" -ne 0 ]
}

@test "a guest may have the agent that distributions ship" {
	guest_start --kernel debian12-qemu-ga
	run -0 guest_run 'systemctl is-active qemu-guest-agent'
	run -0 timeout 10 socat - "UNIX-CONNECT:$(guest_agent_socket)" \
		< <(echo '{"execute":"guest-ping"}'; sleep 2)
	[[ $output == *'{"return": {}}'* ]]
}

@test "a failed test's guest is kept and can be entered" {
	run bats "$GUEST_TOP/tests/vm/fixtures/fails.bats"
	[ "$status" -eq 1 ]
	dir=$(sed -n 's/^# go on by hand: tests\/vm\/enter //p' <<<"$output")
	[ -d "$GUEST_TOP/$dir" ]
	[ -s "$GUEST_TOP/$dir/command" ]
	run -0 --separate-stderr "$GUEST_TOP/tests/vm/enter" "$GUEST_TOP/$dir" 'cat /root/evidence'
	[ "$output" = 'it was me' ]
	rm -rf "${GUEST_TOP:?}/${dir%/*}"
}

@test "no emulator outlives the test that started it" {
	: >"$BATS_TEST_TMPDIR/log"
	# Without a time-out of its own, whose watcher would outlive the killed test and hold bats up.
	env -u BATS_TEST_TIMEOUT bats "$GUEST_TOP/tests/vm/fixtures/hangs.bats" >"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
	bats=$!
	for ((i = 0; i < 300; i++)); do
		pid=$(sed -n 's/^# qemu is //p' "$BATS_TEST_TMPDIR/log")
		[ -z "$pid" ] || break
		sleep 0.1
	done
	[ "$(cat "/proc/$pid/comm")" = qemu-system-x86 ]
	test=$(sed -n 's/^# test is //p' "$BATS_TEST_TMPDIR/log")
	kill -KILL "$test" # no trap of its own can run
	for ((i = 0; i < 50; i++)); do
		[ -e "/proc/$pid" ] || break
		sleep 0.1
	done
	[ ! -e "/proc/$pid" ]
	wait "$bats" || true
}
