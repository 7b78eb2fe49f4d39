#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Init systems that are not systemd: sysvinit and OpenRC of Debian run the agent, installed by
# setup and by the package. The guest's systemd gives way to sysvinit, from which it boots; then
# OpenRC takes sysvinit's scripts over.
# The tests are about one guest, in their order.
# shellcheck disable=SC2016,SC2154 # the guest's shell expands; bats sets output

bats_require_minimum_version 1.5.0

on_guest()
{
	load lib/guest.sh
	load lib/port.sh
	load ../lib/debian-suite.sh
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR guest_select init
}

# packages NAME...: of the guest's suite, unpacked there: dpkg takes a minute under emulation
packages()
{
	local dir tar=$BATS_FILE_TMPDIR/packages.tar

	dir=$(debian_suite_unpack bookworm "$@") &&
		tar -C "$dir" --exclude=./bin --exclude=./sbin --exclude='./lib*' -cf "$tar" . &&
		guest_put "$tar" /run/packages.tar &&
		guest_run 'tar -C / --keep-directory-symlink --overwrite -xf /run/packages.tar
			rm /run/packages.tar; ldconfig'
}

# reboot: without asking whoever is init for it, as that is what changes
reboot()
{
	guest_run 'sync; mount -o remount,ro / || { echo s; echo u; } >/proc/sysrq-trigger' || true
	guest_qmp '{"execute":"system_reset"}'
	guest_wait_boot "$(cat "$GUEST_DIR/boot")"
	guest_run 'mkdir -p /srv/1; mountpoint -q /srv/1 || mount /dev/disk/by-id/virtio-disk1 /srv/1'
}

# setup_offline: into the guest's own files, as into an image: nothing of them runs
setup_offline()
{
	GUEST_DEADLINE=120 guest_run 'mkdir -p /mnt /image && { mountpoint -q /mnt || mount -r /dev/sr0 /mnt; } &&
		mount --bind / /image && /mnt/setup install --yes --agent=static --module=none --root /image &&
		umount /image'
}

setup_file()
{
	on_guest
	ISO=${SETUP_ISO:-$BUILD/iso/guest-tools-$(cat "$GUEST_TOP/VERSION").iso}
	[ -e "$ISO" ] || skip "no $ISO: make iso"
	guest_start --disk 64M:ext4 --cdrom "$ISO"
	guest_put "$(echo "$BUILD"/packages/guest-tools-agent_*.deb)" /root/agent.deb
	packages sysvinit-core sysv-rc initscripts insserv startpar
	guest_run 'set -e
		# The way in, which systemd had; and nobody logs in on the console.
		grep -v "^[1-6T][0-9]*:" /usr/share/sysvinit/inittab >/etc/inittab
		echo "gc:2345:respawn:/usr/local/sbin/guest-control /dev/virtio-ports/org.guest-tools.control.0" >>/etc/inittab
		insserv --default' >"$BATS_FILE_TMPDIR/sysvinit.log" 2>&1 || { cat "$BATS_FILE_TMPDIR/sysvinit.log"; return 1; }
	setup_offline
	reboot
}

setup() { on_guest; }

teardown()
{
	[ -n "${BATS_TEST_COMPLETED-}" ] || guest_run 'fsfreeze -u /srv/1; fsfreeze -u /' 2>/dev/null || true
	guest_check
}

teardown_file() { guest_teardown; }

# service VERB: by the script, whoever is init
service() { guest_run "/etc/init.d/guest-tools-agent $1"; }

agent_pid() { guest_run 'pgrep -o -x guest-tools-age'; }

starts_stops_and_reports()
{
	port_wait
	run -0 service status
	service stop
	run -3 service status
	run -1 agent_pid
	service start
	service start
	port_wait
	run -0 guest_run 'pgrep -c -x guest-tools-age'
	[ "$output" = 1 ]
	local before
	before=$(agent_pid)
	service reload
	port_wait
	[ "$(agent_pid)" = "$before" ]
	service restart
	port_wait
	[ "$(agent_pid)" != "$before" ]
}

stop_thaws()
{
	[ "$(port_result guest-fsfreeze-freeze)" -ge 2 ]
	service stop
	guest_run 'touch /srv/1/written /etc/written'
	service start
	port_wait
}

# kill_all [PID]: agent and freezing processes, so that none of them thaws for another that goes
# first, and PID with them
kill_all()
{
	guest_run "pids=\"${1-} \$(pgrep -x 'guest-tools-age|fsfreeze-worker')\"
		kill -STOP \$pids && kill -KILL \$pids"
}

# Nobody is left who would thaw, but for the init system.
crash_thaws()
{
	local before

	before=$(agent_pid)
	[ "$(port_result guest-fsfreeze-freeze)" -ge 2 ]
	kill_all
	GUEST_DEADLINE=30 guest_run 'touch /srv/1/written /etc/written'
	port_wait
	[ "$(agent_pid)" != "$before" ]
	[ "$(port_result guest-fsfreeze-status)" = '"thawed"' ]
}

@test "sysvinit: what setup installed without running anything starts at boot, and goes with setup" {
	run -0 guest_run 'readlink /proc/1/exe; ls /etc/rc2.d /etc/rc6.d | grep "guest-tools-agent$"'
	[[ $output =~ sbin/init.*S[0-9]+guest-tools-agent.*K[0-9]+guest-tools-agent ]]
	port_wait
	run -0 guest_run 'guest-tools-setup status'
	[[ $output == *"Service:  running"* ]]
	run -0 guest_run 'guest-tools-setup uninstall --yes
		ls /etc/rc?.d /etc/init.d | grep guest-tools || pgrep -x guest-tools-age || echo gone'
	[[ $output == *gone ]] || { echo "$output"; return 1; }
}

@test "sysvinit: setup installs and starts it on the running system, and uninstalls it" {
	run -0 guest_run 'mount -r /dev/sr0 /mnt; /mnt/setup install --yes --agent=static --module=none'
	[[ $output == *"Service:  running"* ]]
	port_wait
	run -0 guest_run 'ls /etc/rc2.d /etc/rc6.d; grep guest-tools-agent /etc/init.d/.depend.start'
	[[ $output =~ S[0-9]+guest-tools-agent.*K[0-9]+guest-tools-agent.*TARGETS ]]
	run -0 guest_run 'guest-tools-setup uninstall --yes
		ls /etc/rc?.d /etc/init.d | grep guest-tools || pgrep -x guest-tools-age || echo gone'
	[[ $output == *gone ]] || { echo "$output"; return 1; }
}

@test "sysvinit: the package starts the agent, and again when it is upgraded" {
	local before

	GUEST_DEADLINE=120 guest_run 'dpkg -i /root/agent.deb'
	run -0 guest_run 'ls /etc/rc2.d /etc/rc6.d | grep "guest-tools-agent$"'
	[[ $output =~ S[0-9]+guest-tools-agent.*K[0-9]+guest-tools-agent ]]
	port_wait
	before=$(agent_pid)
	GUEST_DEADLINE=120 guest_run 'dpkg -i /root/agent.deb'
	port_wait
	[ "$(agent_pid)" != "$before" ]
}

@test "sysvinit: start, stop, status, reload and restart do what LSB says" {
	starts_stops_and_reports
}

@test "sysvinit: stopping while frozen thaws" {
	stop_thaws
}

@test "sysvinit: SIGKILL of agent and worker while frozen thaws, and the agent comes back" {
	crash_thaws
}

@test "sysvinit: even with its shell killed as well, the next start or stop thaws" {
	[ "$(port_result guest-fsfreeze-freeze)" -ge 2 ]
	kill_all "$(guest_run 'cat /run/guest-tools-agent.pid')"
	run -1 service status
	service start
	guest_run 'touch /srv/1/written /etc/written'
	port_wait
}

@test "sysvinit: all commands are there, in one process" {
	run -0 port_result guest-info
	[ "$(jq '.supported_commands | map(select(.enabled | not)) | length' <<<"$output")" = 0 ]
	port_result guest-exec '{"path":"true"}'
	run -0 guest_run 'cat /proc/$(pgrep -o -x guest-tools-age)/oom_score_adj'
	[ "$output" = -900 ]
}

@test "OpenRC: setup puts its own script there, and supervise-daemon has the agent from boot on" {
	GUEST_DEADLINE=120 guest_run 'dpkg --purge guest-tools-agent'
	packages openrc libeinfo1 librc1
	# As the package does when it takes over from sysv-rc.
	guest_run 'for link in /etc/rcS.d/S*; do rc-update add "$(basename "$(readlink -f "$link")")" sysinit; done' \
		>"$BATS_FILE_TMPDIR/openrc.log"
	setup_offline
	reboot
	port_wait
	run -0 guest_run 'rc-status default; pgrep -af supervise-daemon; guest-tools-setup status'
	[[ $output == *guest-tools-agent*started* ]]
	[[ $output == *supervise-daemon*guest-tools-agent* ]]
	[[ $output == *"Service:  running"* ]]
}

@test "OpenRC: start, stop, status, reload and restart" {
	starts_stops_and_reports
}

@test "OpenRC: stopping while frozen thaws" {
	stop_thaws
}

@test "OpenRC: SIGKILL of agent and worker while frozen thaws, and the agent comes back" {
	crash_thaws
}

@test "OpenRC: setup stops it at uninstall, and starts it when it is installed again" {
	run -0 guest_run 'guest-tools-setup uninstall --yes; pgrep -x guest-tools-age ||
		ls /etc/runlevels/*/guest-tools-agent /etc/init.d/guest-tools-agent 2>/dev/null || echo gone'
	[[ $output == *gone ]] || { echo "$output"; return 1; }
	run -0 guest_run 'mount -r /dev/sr0 /mnt; /mnt/setup install --yes --agent=static --module=none'
	[[ $output == *"Service:  running"* ]]
	port_wait
}
