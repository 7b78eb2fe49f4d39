# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# libvirt and QEMU of Debian forky, in a root of their own. Sourced, after device.sh.
#
#   libvirt_start DIR           the daemon; DIR is /mnt to it and to its guests
#   libvirt_virsh DIR ARG...    virsh; files are named as below /mnt
#   libvirt_define DIR EXAMPLE  a domain like host/examples/EXAMPLE, as a guest of device_prepare
#   libvirt_stop DIR

libvirt_root() {
	local packages
	packages=$(debian_suite_memo forky debian_suite_closure forky libvirt-daemon libvirt-daemon-driver-qemu \
		libvirt-clients qemu-system-x86 qemu-utils coreutils dash mount util-linux |
		grep -vE '^(systemd|udev|systemd-container|cron.*|logrotate|ipxe-qemu)$') || return 1
	# shellcheck disable=SC2086 # a list
	debian_suite_unpack forky libvirt-daemon $packages
}

libvirt_start() {
	local dir=$1 root
	root=$(libvirt_root) || return 1
	mkdir -p "$dir/libvirt"
	cat >"$dir/libvirtd.conf" <<-'END'
		unix_sock_dir = "/mnt/libvirt"
		auth_unix_rw = "none"
	END
	# All that a root without users, cgroups and AppArmor has not.
	cat >"$dir/qemu.conf" <<-'END'
		user = "+0"
		group = "+0"
		security_driver = "none"
		namespaces = []
		cgroup_controllers = []
		stdio_handler = "file"
		remember_owner = 0
	END
	cat >"$dir/libvirt-start" <<-'END'
		#!/bin/sh
		set -e
		mkdir -p /sys /run
		mount -t sysfs sysfs /sys
		mount -t tmpfs tmpfs /run
		cp /mnt/qemu.conf /etc/libvirt/
		printf '%s\n' root:x:0:0::/:/bin/sh libvirt-qemu:x:64055:64055::/:/bin/sh >/etc/passwd
		printf '%s\n' root:x:0: libvirt-qemu:x:64055: kvm:x:64056: >/etc/group
		exec libvirtd -f /mnt/libvirtd.conf -p /mnt/libvirtd.pid
	END
	chmod 755 "$dir/libvirt-start"
	kernel_layered "$root" "$dir" /mnt/libvirt-start >"$dir/libvirtd.log" 2>&1 3>&- &
	disown $!
	wait_for 30 libvirt_virsh "$dir" version
}

libvirt_virsh() {
	local root
	root=$(libvirt_root) && kernel_chroot "$root" "$1" \
		virsh -c "qemu+unix:///system?socket=/mnt/libvirt/libvirt-sock" "${@:2}"
}

# libvirt_define DIR EXAMPLE: booted from the kernel in DIR, with both of its disks, a console in
# a file and the shell of device.sh; else as it is, but that it is emulated
libvirt_define() {
	sed -e "s/<domain type='kvm'/<domain type='qemu'/" \
		-e "s,<type .*>hvm</type>,&<kernel>/mnt/vmlinuz</kernel><initrd>/mnt/initrd</initrd><cmdline>$QEMU_APPEND panic=-1 quiet no_timer_check</cmdline>," \
		-e 's,/var/lib/libvirt/images/vm1.raw,/mnt/vda,' \
		-e 's,/run/vhost-user-fsfreeze/vm1.sock,/mnt/vhost.sock,' \
		-e 's,/run/vm1.fsfreeze,/mnt/channel.sock,' \
		-e "s,<serial type='pty'/>,," \
		-e "s,<devices>,&<serial type='file'><source path='/mnt/console'/><target port='0'/></serial>\
<serial type='unix'><source mode='bind' path='/mnt/shell.sock'/><target port='1'/></serial>," \
		-e "0,/<\/disk>/s,</disk>,&<disk type='file'><driver name='qemu' type='raw'/><source file='/mnt/vdb'/>\
<target dev='vdb' bus='virtio'/></disk>," \
		"$DEVICE_TOP/host/examples/$2" >"$1/domain.xml"
	libvirt_virsh "$1" define /mnt/domain.xml
}

libvirt_stop() {
	local pid
	libvirt_virsh "$1" destroy vm1 || true
	pid=$(cat "$1/libvirtd.pid" 2>/dev/null) || return 0
	kill "$pid" && wait_for 10 gone "$pid"
}
