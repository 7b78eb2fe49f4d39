# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What ours, at $SOCKET, and the QEMU guest agent, at $THEIR_SOCKET, both answer. Nothing is changed
# by it. To be loaded after agent.bash.

# same COMMAND ARGUMENTS FILTER: both answer alike, once jq's FILTER has taken out what cannot be
same()
{
	local ours theirs

	ours=$(ask_command "$1" "$2" | jq -cS "$3")
	theirs=$(SOCKET=$THEIR_SOCKET ask_command "$1" "$2" | jq -cS "$3")
	[ -n "$theirs" ] && [ "$ours" = "$theirs" ] || fail "$1 $2
ours:   $ours
theirs: $theirs"
}

reports_are_alike()
{
	same guest-ping '' .
	same guest-sync '{"id":-5}' .
	same guest-fsfreeze-status '' .
	same guest-get-vcpus '' '.return | sort_by(."logical-id")'
	same guest-get-memory-block-info '' .
	same guest-get-memory-blocks '' '.return | sort_by(."phys-index")'
	same guest-get-fsinfo '' '.return | map(del(."used-bytes", ."total-bytes", ."total-bytes-privileged", .disk[].serial))'
	same guest-get-disks '' '.return | map(del(.address?.serial)) | sort_by(.name)'
	same guest-get-diskstats '' '.return | map([.name, .major, .minor, (.stats | keys)])'
	same guest-get-cpustats '' '.return | map([.cpu, .type, keys])'
	same guest-network-get-interfaces '' '.return | map(del(.statistics))'
	same guest-get-host-name '' .
	same guest-get-users '' '.return | sort_by(.user)'
	same guest-get-timezone '' .
	same guest-get-osinfo '' .
}

# errors_are_alike [COMMAND ARGUMENTS]...: these, and those that every version has
errors_are_alike()
{
	local i cases=("$@"
		guest-sync '{}'
		guest-sync '{"id":"x"}'
		guest-file-open '{"path":"/none"}'
		guest-file-open '{"path":"/etc/passwd","mode":"bad"}'
		guest-file-open '{}'
		guest-file-read '{"handle":7}'
		guest-file-read '{"handle":"x"}'
		guest-file-write '{"handle":7,"buf-b64":"eA=="}'
		guest-file-write '{"handle":7,"buf-b64":"!"}'
		guest-file-seek '{"handle":7,"offset":1,"whence":"set"}'
		guest-file-seek '{"handle":7,"offset":1,"whence":"sett"}'
		guest-file-seek '{"handle":7,"offset":1,"whence":9}'
		guest-file-flush '{"handle":7}'
		guest-file-close '{"handle":7}'
		guest-exec '{"path":"true","arg":[1]}'
		guest-exec '{"path":"true","arg":"x"}'
		guest-exec '{"path":"true","input-data":"!"}'
		guest-exec '{}'
		guest-exec-status '{}'
		guest-set-user-password '{"username":"a:b","password":"eA==","crypted":false}'
		guest-set-user-password '{"username":"nobody","password":"eAp5","crypted":false}'
		guest-set-user-password '{"username":"nobody","password":"!","crypted":false}'
		guest-set-user-password '{"username":"nobody","password":"eA==","crypted":1}'
		guest-ssh-add-authorized-keys '{"username":"nobody","keys":["a\\nb"]}'
		guest-ssh-add-authorized-keys '{"username":"nobody","keys":["#"]}'
		guest-set-vcpus '{"vcpus":[]}'
		guest-set-vcpus '{"vcpus":[{"logical-id":0}]}'
		guest-set-vcpus '{"vcpus":[{"logical-id":0,"online":true,"x":1}]}'
		guest-set-vcpus '{"vcpus":[1]}'
		guest-set-memory-blocks '{"mem-blks":[]}'
		guest-set-memory-blocks '{"mem-blks":[{"phys-index":99999,"online":true}]}'
		guest-fstrim '{"minimum":"x"}'
		guest-shutdown '{"mode":"rubbish"}'
		guest-suspend-hybrid '{"a":1}'
		guest-set-time '{"time":"x"}'
		guest-get-fsinfo '{"x":1}'
		guest-fsfreeze-freeze-list '{"mountpoints":"x"}'
		guest-fsfreeze-freeze-list '{"mountpoints":[1]}'
		guest-get-nothing '{}'
	)

	for ((i = 0; i < ${#cases[@]}; i += 2)); do
		same "${cases[i]}" "${cases[i + 1]}" .
	done
}
