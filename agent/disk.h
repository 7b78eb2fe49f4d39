/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_DISK_H
#define AGENT_DISK_H

#include <glib.h>
#include <jansson.h>
#include <sys/types.h>

/* Disks and where the host finds them, from sysfs and udev's files. */

/** disks_list() - all block devices with a size, and their partitions. */
json_t *disks_list(void);

/**
 * disk_name() - the kernel's name of a block device, as in "sda1".
 *
 * Return: owned by the caller, or NULL when there is none.
 */
char *disk_name(dev_t dev);

/**
 * disk_add_addresses() - the addresses of the disks on which a block device lies.
 * @list: where to append them; a logical volume may have many, a RAM disk none
 */
void disk_add_addresses(dev_t dev, json_t *list);

#endif
