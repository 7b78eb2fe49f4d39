/* SPDX-License-Identifier: GPL-2.0 */
/* What a loop device is stored in. */
#ifndef FSFREEZE_LOOP_H
#define FSFREEZE_LOOP_H

#include <linux/types.h>

struct gendisk;
struct super_block;

bool fsfreeze_loop_backing(struct gendisk *disk, struct super_block **sb, struct gendisk **lower);

#endif
