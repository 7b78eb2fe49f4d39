#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The examples for image builders, run by the builders as Debian 12 has them; then the image is booted.
# These are the very files of docs/examples.

bats_require_minimum_version 1.5.0

setup()
{
	load ../vm/lib/guest.sh
	load ../vm/lib/freeze.sh
	load ../vm/lib/image.sh
	load tools.sh
	ISO=${SETUP_ISO:-$BUILD/iso/guest-tools-$(cat "$GUEST_TOP/VERSION").iso}
	[ -e "$ISO" ] || skip "no $ISO: make iso"
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	cp "$ISO" "$BATS_TEST_TMPDIR/tools.iso"
	guest_select guest
}

teardown()
{
	umount -q "$BATS_TEST_TMPDIR/mnt" || true
	guest_teardown
}

# ssh_image FILE: a raw image whose guest takes its address by DHCP and lets root in with the key "key"
ssh_image()
{
	local image mnt=$BATS_TEST_TMPDIR/mnt

	image=$(image_new debian12-cloud) || return
	cp --sparse=always "$image/root.img" "$1" && cp "$image/vmlinuz" "$image/initrd" "$BATS_TEST_TMPDIR" || return
	tools_run ssh-keygen -q -t ed25519 -N '' -f key || return
	mkdir "$mnt" && mount -o loop "$1" "$mnt" || return
	install -D -m 600 "$BATS_TEST_TMPDIR/key.pub" "$mnt/root/.ssh/authorized_keys" &&
		printf '[Match]\nType=ether\n[Network]\nDHCP=ipv4\n' >"$mnt/etc/systemd/network/test.network" &&
		systemctl --root="$mnt" --quiet enable systemd-networkd || return
	umount "$mnt"
}

# attached: the ISO in a cdrom drive of a guest that is booted with these arguments, and ssh on a port
attached()
{
	attached=(-blockdev "driver=raw,node-name=medium,read-only=on,file.driver=file,file.filename=$ISO"
		-device scsi-cd,bus=scsi0.0,drive=medium
		-netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$1-:22"
		-device virtio-net-pci,netdev=net)
}

# port_free: a port of this machine that nobody listens on
port_free()
{
	local port

	for port in {22200..22299}; do
		if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "$port"; return; fi
	done
	return 1
}

@test "Packer accepts the template and builds an image from it" {
	local args dir=$BATS_TEST_TMPDIR

	ssh_image "$dir/base.img"
	qemu-img convert -O qcow2 "$dir/base.img" "$dir/base.qcow2"
	args=(-var base_image=/mnt/work/base.qcow2 -var guest_tools_iso=/mnt/work/tools.iso
		-var ssh_private_key_file=/mnt/work/key -var accelerator=tcg
		-var 'qemuargs=[["-kernel","/mnt/work/vmlinuz"],["-initrd","/mnt/work/initrd"],["-append","root=/dev/vda rw net.ifnames=0 mitigations=off"]]')
	cd "$dir"
	tools_run packer validate "${args[@]}" /mnt/examples/packer/guest-tools.pkr.hcl
	run tools_run env CHECKPOINT_DISABLE=1 PACKER_LOG=1 PACKER_LOG_PATH=/mnt/work/log packer build "${args[@]}" \
		/mnt/examples/packer/guest-tools.pkr.hcl
	echo "$output"
	[ "$status" -eq 0 ] || tail -n 40 "$dir/log"
	[ "$status" -eq 0 ]
	image_boots "$dir/output/image.qcow2" qcow2
}

@test "ansible-playbook installs over ssh; a second run changes nothing, a first without medium fails" {
	local dir=$BATS_TEST_TMPDIR port play=/mnt/examples/ansible/guest-tools.yml

	ssh_image "$dir/base.img"
	port=$(port_free)
	attached "$port"
	machine_overlay "$dir/base.img" raw "$GUEST_DIR/root.qcow2"
	guest_boot '' "${attached[@]}"
	guest_wait_for 'systemctl is-active ssh && networkctl status eth0 | grep 10.0.2' 60
	cat >"$dir/hosts" <<-END
		vm1 ansible_host=127.0.0.1 ansible_port=$port ansible_user=root ansible_ssh_private_key_file=/mnt/work/key ansible_ssh_common_args='-o StrictHostKeyChecking=no' ansible_python_interpreter=/usr/bin/python3
	END
	tools_run ansible-playbook --syntax-check -i hosts $play
	run ! tools_run ansible-playbook -i hosts -e guest_tools_medium=/dev/nothing $play
	run -0 tools_run ansible-playbook -i hosts $play
	echo "$output"
	[[ $output == *"changed=1 "* ]]
	run -0 tools_run ansible-playbook -i hosts $play
	echo "$output"
	[[ $output == *"changed=0 "*"failed=0 "* ]]
	guest_run 'systemctl poweroff' || true
	while kill -0 "$(<"$GUEST_DIR/qemu.pid")" 2>/dev/null; do sleep 0.2; done
	rm "$GUEST_DIR/qemu.pid"
	mv "$GUEST_DIR/root.qcow2" "$dir/image.qcow2"
	image_boots "$dir/image.qcow2" qcow2
}

@test "cloud-init finds the user-data valid" {
	tools_run cloud-init schema --config-file /mnt/examples/cloud-init/user-data
	printf '#cloud-config\nruncmd: 1\n' >"$BATS_TEST_TMPDIR/bad"
	run ! tools_run cloud-init schema --config-file bad
}

@test "virt-customize installs into an image that is not running" {
	local image dir=$BATS_TEST_TMPDIR

	image=$(image_new debian12-cloud)
	cp --sparse=always "$image/root.img" "$dir/image.img"
	tools_run env LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg \
		/mnt/examples/virt-customize/guest-tools.sh image.img tools.iso
	image_boots "$dir/image.img" raw
}

@test "debootstrap's template has the agent, and boots with its own kernel" {
	local dir=$BATS_TEST_TMPDIR

	tools_run env MIRROR="$(debian_suite_mirror)" /mnt/examples/debootstrap/template.sh template tools.iso
	[ -z "$(ls -d "$dir"/template/work* 2>/dev/null)" ]
	# The test's way in, which the saved guests have.
	mkdir "$dir/mnt"
	mount -o loop "$dir/template/root.img" "$dir/mnt"
	install "$BUILD/vm/guest-control" "$dir/mnt/usr/local/sbin/"
	cp "$GUEST_TOP/tests/vm/image/files/etc/systemd/system/guest-control.service" "$dir/mnt/etc/systemd/system/"
	systemctl --root="$dir/mnt" --quiet enable guest-control.service
	umount "$dir/mnt"
	mkdir -p "$GUEST_DIR/unbooted"
	ln -s "$dir/template" "$GUEST_DIR/unbooted/image"
	ln -s unbooted "$GUEST_DIR/saved"
	image_boots "$dir/template/root.img" raw
}
