// SPDX-License-Identifier: GPL-2.0
/*
 * The loop driver tells what it is backed by only as a path, for userland: of
 * no use for a file in another mount namespace, over-mounted or deleted. The
 * file itself is in its private structure. Look for the one pointer there that
 * is a struct file by every cross-check, reading each word in a way that
 * survives its being anything else.
 */
#include "loop.h"

#include <linux/blkdev.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/uaccess.h>

/* struct loop_device is longer in every kernel, and has the file before this. */
#define LOOP_DEVICE_PEEK	512

/* The inode with the data, when @word points to an open file, else NULL. */
static struct inode *file_host(unsigned long word)
{
	struct file *file = (struct file *)word;
	struct inode *inode, *dentry_inode, *host;
	struct address_space *mapping, *host_mapping;
	struct dentry *dentry;

	if (!word || !IS_ALIGNED(word, sizeof(word)))
		return NULL;
	if (get_kernel_nofault(inode, &file->f_inode) ||
	    get_kernel_nofault(dentry, &file->f_path.dentry) ||
	    get_kernel_nofault(mapping, &file->f_mapping))
		return NULL;
	if (!inode || !dentry || !mapping)
		return NULL;
	if (get_kernel_nofault(dentry_inode, &dentry->d_inode) || dentry_inode != inode)
		return NULL;
	if (get_kernel_nofault(host, &mapping->host) || !host)
		return NULL;
	if (get_kernel_nofault(host_mapping, &host->i_mapping) || host_mapping != mapping)
		return NULL;
	return host;
}

/**
 * fsfreeze_loop_backing - what a loop device is stored in
 * @disk: a loop device, in use, so that it is not detached meanwhile
 * @sb: set to the superblock its backing file is on, or
 * @lower: set to the disk when it is backed by a block device
 *
 * Return: whether it could be told
 */
bool fsfreeze_loop_backing(struct gendisk *disk, struct super_block **sb, struct gendisk **lower)
{
	unsigned long *words = disk->private_data, word;
	struct inode *host = NULL;
	unsigned int i;

	for (i = 0; i < LOOP_DEVICE_PEEK / sizeof(word) && !host; i++) {
		if (get_kernel_nofault(word, &words[i]))
			return false;
		host = file_host(word);
	}
	if (!host)
		return false;
	if (S_ISBLK(host->i_mode))
		*lower = I_BDEV(host)->bd_disk;
	else
		*sb = host->i_sb;
	return true;
}
