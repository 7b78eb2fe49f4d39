/* SPDX-License-Identifier: GPL-2.0 */
/* The block devices in use, and what lies beneath each. */
#ifndef FSFREEZE_DEVICES_H
#define FSFREEZE_DEVICES_H

#include <linux/fs.h>
#include <linux/types.h>

struct block_device;
struct file_system_type;
struct gendisk;

/**
 * struct fsfreeze_device - one block device
 * @inode: of the bdev file system, held
 * @reached: a walk came by
 */
struct fsfreeze_device {
	struct inode *inode;
	struct block_device *bdev;
	struct gendisk *disk;
	char name[32];
	bool reached;
};

struct fsfreeze_devices {
	unsigned int nr;
	struct fsfreeze_device *devices;
};

/**
 * struct fsfreeze_walk - down from a superblock through the disks below it
 * @devices: got beforehand
 * @found: called for every superblock that has the backing file of a loop device;
 *	returns 1 when it is one of interest, 0 to pass through, or a negative errno
 * @unknown: called when a loop's backing file cannot be told
 */
struct fsfreeze_walk {
	struct fsfreeze_devices *devices;
	int (*found)(struct fsfreeze_walk *walk, struct super_block *sb);
	void (*unknown)(struct fsfreeze_walk *walk);
};

int fsfreeze_devices_get(struct fsfreeze_devices *devices);
void fsfreeze_devices_put(struct fsfreeze_devices *devices);
int fsfreeze_devices_walk(struct fsfreeze_walk *walk, struct super_block *sb);
int fsfreeze_devices_walk_unreached(struct fsfreeze_walk *walk);
struct file_system_type *fsfreeze_device_claiming_type(const struct fsfreeze_device *device,
						       struct file_system_type *registered);

#endif
