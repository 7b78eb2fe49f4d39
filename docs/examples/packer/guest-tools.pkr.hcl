# SPDX-License-Identifier: GPL-2.0-or-later
# A copy of a disk image with the guest tools in it.

variable "base_image" {
  type        = string
  description = "The image to begin with: qcow2, with an ssh server."
}

variable "guest_tools_iso" {
  type        = string
  description = "guest-tools-VERSION.iso"
}

variable "ssh_username" {
  type    = string
  default = "root"
}

variable "ssh_private_key_file" {
  type = string
}

variable "accelerator" {
  type    = string
  default = "kvm"
}

variable "output_directory" {
  type    = string
  default = "output"
}

# Such as -kernel, for an image without a boot loader.
variable "qemuargs" {
  type    = list(list(string))
  default = []
}

source "qemu" "image" {
  iso_url              = var.base_image
  iso_checksum         = "none"
  disk_image           = true
  skip_resize_disk     = true
  format               = "qcow2"
  disk_interface       = "virtio"
  net_device           = "virtio-net"
  accelerator          = var.accelerator
  memory               = 1024
  headless             = true
  output_directory     = var.output_directory
  vm_name              = "image.qcow2"
  qemuargs             = concat([["-cdrom", var.guest_tools_iso]], var.qemuargs)
  ssh_username         = var.ssh_username
  ssh_private_key_file = var.ssh_private_key_file
  ssh_timeout          = "10m"
  shutdown_command     = var.ssh_username == "root" ? "systemctl poweroff" : "sudo systemctl poweroff"
}

build {
  sources = ["source.qemu.image"]

  provisioner "shell" {
    script          = "${path.root}/guest-tools.sh"
    execute_command = var.ssh_username == "root" ? "{{ .Vars }} sh {{ .Path }}" : "sudo env {{ .Vars }} sh {{ .Path }}"
  }
}
