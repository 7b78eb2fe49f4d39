#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Init systems other than systemd: the start file comes into its place and is enabled as
# links, in any root; where the init system runs, it is driven. The real sysvinit and OpenRC
# are in tests/vm/init.bats.
# shellcheck disable=SC2016 # for the shells of the roots

load ../installer/setup-lib

setup() {
	need_as_root
	memory_dir T
	R=$T/r
	M=$T/m
	medium_static "$M" 1.0.0
	medium_start_files "$M" 1.0.0
	root_debian "$R"
}

teardown() {
	# Nothing of a root may be mounted any more: their namespaces are gone.
	[ -z "${T:-}" ] || rm -rf --one-file-system "$T"
}

in_root() {
	run as_root "$SETUP" "$1" --yes --root "$R" "${@:2}"
}

# No program of the root may run: that of another architecture could not, either.
forbid() {
	local program
	for program in "$@"; do
		printf '#!/bin/sh\ntouch /ran\n' >"$R/usr/sbin/$program"
		chmod 755 "$R/usr/sbin/$program"
	done
}

# links: each link of the service, and what it leads to, in the root.
links() {
	(cd "$R" && find etc -type l -name '*guest-tools-agent' | LC_ALL=C sort)
}

uninstall_leaves_nothing() {
	in_root uninstall
	expect_status 0
	snapshot "$R" | diff "$T/before" -
}

# enabled_in INIT LINKS FILE: an install enables it by these links and this file, and status
# agrees; an uninstall leaves the root as it was.
enabled_in() {
	local link
	root_init "$R" "$1"
	forbid update-rc.d chkconfig insserv rc-update
	snapshot "$R" >"$T/before"
	in_root install --medium "$M"
	expect_status 0
	expect_output "Service:  enabled, starts at boot"
	[ "$(links | paste -sd ' ')" = "$2" ] || { links; return 1; }
	for link in $(links); do
		[ "$(chroot_readlink "$link")" = "$3" ] || { echo "$link: $(chroot_readlink "$link")"; return 1; }
	done
	[ -f "$R$3" ]
	[ ! -e "$R/ran" ]
	in_root status
	expect_status 0
	in_root install --medium "$M"
	expect_output "already current"
	uninstall_leaves_nothing
}

# Where a link leads to as the guest sees it.
chroot_readlink() {
	local target
	target=$(readlink "$R/$1")
	case $target in
	/*) echo "$target" ;;
	*) realpath -m -s --relative-base="$R" "$(realpath "$R/$(dirname "$1")")/$target" | sed 's,^,/,' ;;
	esac
}

@test "sysvinit: the script and a link for each runlevel, without running anything" {
	enabled_in sysvinit "etc/rc0.d/K15guest-tools-agent etc/rc1.d/K15guest-tools-agent \
etc/rc2.d/S85guest-tools-agent etc/rc3.d/S85guest-tools-agent etc/rc4.d/S85guest-tools-agent \
etc/rc5.d/S85guest-tools-agent etc/rc6.d/K15guest-tools-agent" /etc/init.d/guest-tools-agent
}

@test "sysvinit as Red Hat has it: links below rc.d" {
	enabled_in sysvinit-redhat "etc/rc.d/rc0.d/K15guest-tools-agent etc/rc.d/rc1.d/K15guest-tools-agent \
etc/rc.d/rc2.d/S85guest-tools-agent etc/rc.d/rc3.d/S85guest-tools-agent \
etc/rc.d/rc4.d/S85guest-tools-agent etc/rc.d/rc5.d/S85guest-tools-agent \
etc/rc.d/rc6.d/K15guest-tools-agent" /etc/rc.d/init.d/guest-tools-agent
}

@test "sysvinit as SUSE has it: links below init.d" {
	enabled_in sysvinit-suse "etc/init.d/rc0.d/K15guest-tools-agent etc/init.d/rc1.d/K15guest-tools-agent \
etc/init.d/rc2.d/S85guest-tools-agent etc/init.d/rc3.d/S85guest-tools-agent \
etc/init.d/rc4.d/S85guest-tools-agent etc/init.d/rc5.d/S85guest-tools-agent \
etc/init.d/rc6.d/K15guest-tools-agent" /etc/init.d/guest-tools-agent
}

@test "OpenRC: its own script, and a link in the default runlevel" {
	enabled_in openrc etc/runlevels/default/guest-tools-agent /etc/init.d/guest-tools-agent
	in_root install --medium "$M"
	head -1 "$R/etc/init.d/guest-tools-agent" | grep -q openrc-run
}

@test "upstart: its job is all there is to it" {
	enabled_in upstart "" /etc/init/guest-tools-agent.conf
}

@test "sysvinit: startpar's list names the service, and nothing else in it changes" {
	root_init "$R" sysvinit
	in_root install --medium "$M"
	expect_status 0
	printf 'TARGETS = rsyslog cron guest-tools-agent\nINTERACTIVE =\ncron: rsyslog\n' |
		diff "$R/etc/init.d/.depend.start" -
	[ "$(cat "$R/etc/init.d/.depend.stop")" = "TARGETS = guest-tools-agent" ]
	printf 'TARGETS = guest-tools-agent-x\n' >"$R/etc/init.d/.depend.start"
	in_root status
	expect_status 11
}

@test "links that another tool has numbered anew are ours still: enabled, and gone with us" {
	root_init "$R" sysvinit
	snapshot "$R" >"$T/before"
	in_root install --medium "$M"
	mv "$R/etc/rc2.d/S85guest-tools-agent" "$R/etc/rc2.d/S03guest-tools-agent"
	in_root status
	expect_status 0
	in_root install --medium "$M"
	expect_output "already current"
	uninstall_leaves_nothing
}

@test "a link that is missing is seen by status, and made by the next install" {
	root_init "$R" sysvinit
	in_root install --medium "$M"
	rm "$R/etc/rc3.d/S85guest-tools-agent"
	in_root status
	expect_status 11
	expect_output "not enabled"
	in_root install --medium "$M"
	expect_status 0
	[ -L "$R/etc/rc3.d/S85guest-tools-agent" ]
}

@test "an install under sysvinit that breaks at any step is undone" {
	local n=0
	root_init "$R" sysvinit
	snapshot "$R" >"$T/before"
	while [ $((n += 1)) -lt 200 ]; do
		GUEST_TOOLS_SETUP_FAULT=kill:$n run as_root "$SETUP_TEST" install --yes --root "$R" --medium "$M"
		[[ $output == *fault:* ]] || break
		run as_root "$SETUP_TEST" recover --yes --root "$R"
		expect_status 0
		if [ -e "$R/var/lib/guest-tools/state.json" ]; then
			in_root uninstall
		fi
		snapshot "$R" | diff "$T/before" - || { echo "killed at point $n"; return 1; }
	done
	[ "$n" -gt 20 ]
}

@test "an init system that setup does not drive gets the files, and the plan and status say so" {
	root_init "$R" runit
	run "$SETUP" plan --root "$R" --medium "$M"
	expect_status 0
	expect_output "setup does not start it under the init system runit: let that run /usr/sbin/guest-tools-agent"
	in_root install --medium "$M"
	expect_status 0
	[ -x "$R/usr/sbin/guest-tools-agent" ]
	[ -z "$(links)" ]
	in_root status
	expect_status 11
	expect_output "not enabled"
}

@test "a system that changed from sysvinit to systemd loses the links of both with setup" {
	root_init "$R" sysvinit
	snapshot "$R" >"$T/before"
	in_root install --medium "$M"
	ln -s /lib/systemd/systemd "$R/sbin/init"
	in_root status
	expect_status 11
	in_root install --medium "$M"
	expect_status 0
	[ -L "$R/etc/systemd/system/multi-user.target.wants/guest-tools-agent.service" ]
	in_root uninstall
	expect_status 0
	rm "$R/sbin/init"
	snapshot "$R" | diff "$T/before" -
}

# booted SCRIPT: run it in the root as its first process, with the machine's own programs, and
# with a /calls where tools note how they were called.
booted() {
	local dir
	cp "$SETUP" "$R/usr/sbin/guest-tools-setup"
	rm -rf "$R/bin" "$R/lib"
	mkdir -p "$R"/{dev,proc,run,medium,usr/lib,usr/lib64}
	cp -r "$M/." "$R/medium"
	# Without what would go where the machine's programs are mounted.
	rm -rf "$R/medium/amd64/tree/usr/lib"
	printf '#!/bin/sh\ncase $1 in --thaw) echo thaw >>/calls ;; *) exec sleep 1000 ;; esac\n' \
		>"$R/medium/amd64/tree/usr/sbin/guest-tools-agent"
	add_manifest "$R/medium" 1.0.0
	ln -s usr/bin "$R/bin"
	ln -s usr/lib "$R/lib"
	ln -s usr/lib64 "$R/lib64"
	run timeout 60 unshare --user --map-root-user --mount --pid --fork sh -c '
		for dir in usr/bin usr/lib usr/lib64; do
			mount --bind "/$dir" "$1/$dir" && mount -o remount,bind,ro "$1/$dir" || exit 99
		done
		mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" || exit 99
		exec chroot "$1" /bin/sh -ec "$2"' sh "$R" "$1"
	[ "$status" -ne 99 ] || skip "no mounts in a user namespace here"
}

# tool NAME SCRIPT: a program of the root that notes its call, and then does this.
tool() {
	printf '#!/bin/sh\necho "%s $*" >>/calls\n%s\n' "$1" "${2:-}" >"$R/usr/sbin/$1"
	chmod 755 "$R/usr/sbin/$1"
}

# The real start script: start, status, stop, and the distribution's tool told of both.
@test "running sysvinit: started, told to the tool that orders the links, stopped at uninstall" {
	root_init "$R" sysvinit
	tool update-rc.d 'mv /etc/rc2.d/S85guest-tools-agent /etc/rc2.d/S02guest-tools-agent 2>/dev/null
		[ "$3" != remove ] || test -x /etc/init.d/guest-tools-agent || exit 1'
	tool chkconfig
	: >"$R/run-initctl"
	booted 'mv /run-initctl /run/initctl
		guest-tools-setup install --yes --medium=/medium
		/etc/init.d/guest-tools-agent status
		guest-tools-setup status || echo status: $?
		guest-tools-setup uninstall --yes
		! pgrep -f "guest-tools-agent supervise"
		ls /etc/rc2.d /etc/init.d; echo end'
	expect_status 0
	expect_output "guest-tools-agent is running"
	expect_output "Service:  running"
	[ "$(grep -v thaw "$R/calls" | paste -sd,)" = \
		"update-rc.d guest-tools-agent defaults,update-rc.d -f guest-tools-agent remove" ]
	[[ $output != *S02* ]]
	expect_output end
}

@test "running sysvinit: a tool that fails is a warning, for it looks at other services as well" {
	root_init "$R" sysvinit-redhat
	tool chkconfig 'echo "another service is in a loop"; exit 1'
	: >"$R/run-initctl"
	booted 'mv /run-initctl /run/initctl
		guest-tools-setup install --yes --medium=/medium
		guest-tools-setup uninstall --yes'
	expect_status 0
	expect_output "chkconfig cannot order the links of guest-tools-agent: it says: another service is in a loop"
}

@test "running upstart: reload, start and stop through initctl" {
	root_init "$R" upstart
	tool initctl 'case $1 in
		version) echo "init (upstart 1.12.1)" ;;
		start) [ -e /etc/init/$2.conf ] && [ ! -e /started ] && echo "$2 start/running, process 1" >/started ;;
		stop) [ -e /started ] && rm /started ;;
		status) if [ -e /started ]; then cat /started; else echo "$2 stop/waiting"; fi ;;
		esac'
	rm "$R/sbin/initctl"
	ln -s ../usr/sbin/initctl "$R/sbin/initctl"
	booted 'guest-tools-setup install --yes --medium=/medium
		cat /started
		guest-tools-setup status || echo status: $?
		guest-tools-setup uninstall --yes
		test ! -e /started'
	expect_status 0
	expect_output "Service:  running"
	[ "$(grep -E '^initctl (start|stop|reload)' "$R/calls" | paste -sd,)" = \
		"initctl reload-configuration,initctl start guest-tools-agent,initctl stop guest-tools-agent,initctl reload-configuration" ]
}
