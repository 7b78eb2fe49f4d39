#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The agent in its unit: what the sandbox keeps from it, and the helper that is not in there.
# What each command does in this unit is in commands.bats.
# shellcheck disable=SC2016,SC2154 # the guest's shell expands; bats sets output

bats_require_minimum_version 1.5.0

on_guest()
{
	load lib/guest.sh
	load lib/port.sh
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR guest_select sandbox
}

setup_file()
{
	on_guest
	guest_start --kernel debian12 --disk 64M:ext4
	guest_put "$BUILD/agent/fsfreeze-hook" /run/fsfreeze-hook
	guest_run 'mkdir -p /usr/libexec/guest-tools /etc/guest-tools/fsfreeze-hook.d /srv/1
		mv /run/fsfreeze-hook /usr/libexec/guest-tools/
		mount /dev/disk/by-id/virtio-disk1 /srv/1'
	agent_put
}

setup() { on_guest; }

teardown()
{
	[ -n "${BATS_TEST_COMPLETED-}" ] || guest_run 'fsfreeze -u /srv/1; fsfreeze -u /' || true
	guest_check
}

teardown_file() { guest_teardown; }

disabled() { port_result guest-info | jq -r '.supported_commands | map(select(.enabled | not).name) | sort | join(" ")'; }

# of UNIT FIELD: of /proc/PID/status of its main process
of() { guest_run "sed -n 's/^$2:[[:space:]]*//p' /proc/\$(systemctl show -p MainPID --value $1)/status"; }

@test "systemd itself rates the unit at 4.0 or better, and the agent is in the sandbox it describes" {
	run -0 guest_run 'systemd-analyze security --threshold=40 guest-tools-agent | tail -n 1'
	echo "# ${output#*→ }" >&3
	[ "$(of guest-tools-agent NoNewPrivs)" = 1 ]
	[ "$(of guest-tools-agent Seccomp)" = 2 ]
	# CAP_DAC_READ_SEARCH, SYS_CHROOT, SYS_PTRACE, SYS_ADMIN and SYS_RESOURCE
	[ "$(of guest-tools-agent CapBnd)" = 00000000012c0004 ]
	# A program that the agent itself were made to run gets nowhere.
	run guest_run 'nsenter -m -t $(systemctl show -p MainPID --value guest-tools-agent) sh -c \
		"touch /etc/x; echo >/proc/sys/kernel/core_pattern; echo >/root/x; echo >/sys/kernel/uevent_helper"'
	[ "$(grep -c 'Read-only file system' <<<"$output")" = 4 ]
}

@test "each command is enabled, and what the sandbox forbids is done outside of it" {
	local pid

	[ "$(disabled)" = "" ]
	pid=$(port_result guest-exec '{"path":"sh","arg":["-c","touch /usr/written && grep CapBnd /proc/self/status"],"capture-output":true}' | jq .pid)
	guest_wait_for "! kill -0 $pid 2>/dev/null" 10
	run -0 port_result guest-exec-status "{\"pid\":$pid}"
	[ "$(jq .exitcode <<<"$output")" = 0 ]
	[ "$(jq -r '."out-data"' <<<"$output" | base64 -d)" = $'CapBnd:\t000001ffffffffff' ]
	[ "$(of guest-tools-helper Seccomp)" = 0 ]
}

@test "hooks run outside as well, veto, and still run when the service is stopped while frozen" {
	guest_run 'cat >/etc/guest-tools/fsfreeze-hook.d/10-test <<-"END"
			#!/bin/sh
			[ ! -e /run/veto ] || { echo "not today"; exit 1; }
			echo "$1 $(sed -n "s/^Seccomp:[[:space:]]*//p" /proc/self/status)" >>/var/lib/calls
		END
		chmod 755 /etc/guest-tools/fsfreeze-hook.d/10-test'
	run -0 port_result guest-fsfreeze-freeze
	[ "$output" = 2 ]
	guest_run 'systemctl stop guest-tools-agent'
	run -0 guest_run 'cat /var/lib/calls; touch /etc/thawed; rm /var/lib/calls; touch /run/veto
		systemctl is-active guest-tools-helper.service guest-tools-helper.socket; true'
	[ "$output" = $'freeze 0\nthaw 0\ninactive\ninactive' ]
	agent_use guest-tools-agent
	run -0 port_error guest-fsfreeze-freeze
	[[ $output == *"not today"* ]]
	run -0 port_result guest-fsfreeze-status
	[ "$output" = '"thawed"' ]
	guest_run 'rm /run/veto /etc/guest-tools/fsfreeze-hook.d/10-test'
}

@test "with the helper turned off, guest-info says what is gone, and what is left works" {
	guest_run 'systemctl mask --now guest-tools-helper.socket'
	[ "$(disabled)" = "guest-exec guest-exec-status guest-file-close guest-file-flush guest-file-open guest-file-read guest-file-seek guest-file-write guest-set-time guest-set-user-password guest-ssh-add-authorized-keys guest-ssh-get-authorized-keys guest-ssh-remove-authorized-keys" ]
	run -0 port_error guest-exec '{"path":"true"}'
	[ "$output" = "Command guest-exec has been disabled: the agent's helper is turned off" ]
	run -0 port_result guest-fsfreeze-freeze
	[ "$output" = 2 ]
	run -0 port_result guest-fsfreeze-thaw
	[ "$output" = 2 ]
	run -0 port_result guest-set-vcpus '{"vcpus":[{"logical-id":1,"online":false}]}'
	[ "$output" = 1 ]
	port_result guest-set-vcpus '{"vcpus":[{"logical-id":1,"online":true}]}'
	port_result guest-fstrim
	# Hooks cannot be left out: then there is no freeze.
	guest_run 'f=/etc/guest-tools/fsfreeze-hook.d/x; printf "#!/bin/sh\n" >$f; chmod 755 $f'
	run -0 port_error guest-fsfreeze-freeze
	[[ $output == *"cannot ask the helper"* ]]
	guest_run 'rm /etc/guest-tools/fsfreeze-hook.d/x; systemctl unmask guest-tools-helper.socket
		systemctl start guest-tools-helper.socket'
	[ "$(disabled)" = "" ]
}

@test "a helper that was killed is another one for the next command, and so is the agent" {
	port_result guest-set-time
	guest_run 'systemctl kill -s KILL guest-tools-helper; systemctl kill -s KILL guest-tools-agent'
	port_wait
	port_result guest-set-time
}
