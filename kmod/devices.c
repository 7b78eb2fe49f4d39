// SPDX-License-Identifier: GPL-2.0
#include "devices.h"

#include <linux/blkdev.h>
#include <linux/kernfs.h>
#include <linux/major.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "loop.h"

/* Stacks higher than this are taken for a circle. */
#define MAX_DEPTH	16

struct device_collection {
	struct fsfreeze_devices *devices;
	unsigned int room;
	unsigned int seen;
};

/*
 * The bdev file system's inodes are the block devices there are, or on older
 * kernels those that are open. One that is being freed has no user and nothing
 * on it: igrab() skips it.
 */
static void collect_devices(struct super_block *sb, struct device_collection *collection)
{
	struct fsfreeze_devices *devices = collection->devices;
	struct inode *inode;

	spin_lock(&sb->s_inode_list_lock);
	list_for_each_entry(inode, &sb->s_inodes, i_sb_list) {
		if (!S_ISBLK(inode->i_mode))
			continue;
		collection->seen++;
		if (devices->nr < collection->room && igrab(inode))
			devices->devices[devices->nr++].inode = inode;
	}
	spin_unlock(&sb->s_inode_list_lock);
}

static void describe_device(struct fsfreeze_device *device)
{
	device->bdev = I_BDEV(device->inode);
	device->disk = device->bdev->bd_disk;
	if (!device->disk)
		return;
	snprintf(device->name, sizeof(device->name), "%pg", device->bdev);
	strreplace(device->name, '/', '!');
}

static int devices_try(struct fsfreeze_devices *devices, unsigned int room, unsigned int *seen)
{
	struct device_collection collection = { .devices = devices, .room = room };

	devices->nr = 0;
	devices->devices = kcalloc(room, sizeof(*devices->devices), GFP_KERNEL);
	if (!devices->devices)
		return -ENOMEM;
	collect_devices(blockdev_superblock, &collection);
	*seen = collection.seen;
	return 0;
}

/**
 * fsfreeze_devices_get - all block devices in use right now
 * @devices: to be given back with fsfreeze_devices_put()
 *
 * Return: 0 or a negative errno
 */
int fsfreeze_devices_get(struct fsfreeze_devices *devices)
{
	unsigned int room = 64, seen, i;
	int error;

	for (;;) {
		error = devices_try(devices, room, &seen);
		if (error || seen <= room)
			break;
		fsfreeze_devices_put(devices);
		room = 2 * seen;
	}
	for (i = 0; !error && i < devices->nr; i++)
		describe_device(&devices->devices[i]);
	return error;
}

void fsfreeze_devices_put(struct fsfreeze_devices *devices)
{
	unsigned int i;

	for (i = 0; i < devices->nr; i++)
		iput(devices->devices[i].inode);
	kfree(devices->devices);
	devices->devices = NULL;
	devices->nr = 0;
}

/**
 * fsfreeze_device_claiming_type - a private type that claims a device
 * @device: any
 * @registered: a type from the kernel's list, its module held
 *
 * What a device is claimed with may be anything, so it is read with care and
 * believed when it has the very name and the very module of a registered type.
 *
 * Return: the type, with no reference of its own, or NULL
 */
struct file_system_type *fsfreeze_device_claiming_type(const struct fsfreeze_device *device,
						       struct file_system_type *registered)
{
	struct file_system_type *type = READ_ONCE(device->bdev->bd_holder);
	struct module *owner;
	const char *name;
	int flags;

	if (!type || type == registered || !registered->owner)
		return NULL;
	if (get_kernel_nofault(name, &type->name) || get_kernel_nofault(owner, &type->owner) ||
	    get_kernel_nofault(flags, &type->fs_flags))
		return NULL;
	if (name != registered->name || owner != registered->owner || !(flags & FS_REQUIRES_DEV))
		return NULL;
	return type;
}

/* A device mapper or md disk has what it consists of in its slaves directory. */
static bool disk_has_slaves(struct gendisk *disk)
{
	return disk->slave_dir && disk->slave_dir->sd &&
	       !RB_EMPTY_ROOT(&disk->slave_dir->sd->dir.children);
}

static bool disk_has_slave(struct gendisk *disk, const char *name)
{
	struct kernfs_node *node = kernfs_find_and_get(disk->slave_dir->sd, name);

	if (node)
		kernfs_put(node);
	return node;
}

static int walk_disk(struct fsfreeze_walk *walk, struct gendisk *disk, int depth);

/*
 * A file system that is not part of the freeze is passed through: what it lies
 * on may be. Where that cannot be told, so cannot the whole.
 */
static int walk_loop(struct fsfreeze_walk *walk, struct gendisk *disk, int depth)
{
	struct super_block *sb = NULL;
	struct gendisk *lower = NULL;
	int found;

	if (!get_capacity(disk))
		return 0;
	if (!fsfreeze_loop_backing(disk, &sb, &lower)) {
		walk->unknown(walk);
		return 0;
	}
	if (lower)
		return walk_disk(walk, lower, depth + 1);
	found = walk->found(walk, sb);
	if (found)
		return found < 0 ? found : 0;
	if (sb->s_bdev)
		return walk_disk(walk, sb->s_bdev->bd_disk, depth + 1);
	walk->unknown(walk);
	return 0;
}

static int walk_slaves(struct fsfreeze_walk *walk, struct gendisk *disk, int depth)
{
	struct fsfreeze_devices *devices = walk->devices;
	unsigned int i;
	int error = 0;

	for (i = 0; i < devices->nr && !error; i++) {
		struct fsfreeze_device *device = &devices->devices[i];

		if (device->disk && device->disk != disk && disk_has_slave(disk, device->name))
			error = walk_disk(walk, device->disk, depth + 1);
	}
	return error;
}

static int walk_disk(struct fsfreeze_walk *walk, struct gendisk *disk, int depth)
{
	unsigned int i;

	if (depth > MAX_DEPTH)
		return -ELOOP;
	for (i = 0; i < walk->devices->nr; i++)
		if (walk->devices->devices[i].disk == disk)
			walk->devices->devices[i].reached = true;
	if (disk->major == LOOP_MAJOR)
		return walk_loop(walk, disk, depth);
	return disk_has_slaves(disk) ? walk_slaves(walk, disk, depth) : 0;
}

/**
 * fsfreeze_devices_walk - from a file system down to what it is stored in
 * @walk: what to do on the way
 * @sb: where to start; with its own device unknown, the walk is empty
 *
 * Return: 0 or a negative errno, also one from @walk's functions
 */
int fsfreeze_devices_walk(struct fsfreeze_walk *walk, struct super_block *sb)
{
	return sb->s_bdev ? walk_disk(walk, sb->s_bdev->bd_disk, 0) : 0;
}

/* The same from every device that no walk has come by: nobody knows who uses it. */
int fsfreeze_devices_walk_unreached(struct fsfreeze_walk *walk)
{
	unsigned int i;
	int error = 0;

	for (i = 0; i < walk->devices->nr && !error; i++)
		if (walk->devices->devices[i].disk && !walk->devices->devices[i].reached)
			error = walk_disk(walk, walk->devices->devices[i].disk, 0);
	return error;
}
