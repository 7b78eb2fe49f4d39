/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_BLOCKDEV_H
#define AGENT_BLOCKDEV_H

#include <glib.h>
#include <sys/types.h>

/**
 * blockdev_backing_files() - the files on which a block device lies.
 * @dev: device number
 *
 * Follows partitions, and dm and md devices down to their parts, as sysfs tells
 * them, to the backing file of each loop device. A plain disk has none.
 *
 * Return: (element-type utf8): a new array of paths, perhaps empty.
 */
GPtrArray *blockdev_backing_files(dev_t dev);

#endif
