/* SPDX-License-Identifier: GPL-2.0 */
/* One file system of a freeze. */
#ifndef FSFREEZE_ENTRY_H
#define FSFREEZE_ENTRY_H

#include <linux/fs.h>
#include <linux/list.h>
#include <linux/virtio_fsfreeze.h>

struct fsfreeze_op;

enum fsfreeze_super_state {
	SUPER_IDLE,	/* nothing done */
	SUPER_FLUSHING,
	SUPER_FLUSHED,
	SUPER_FREEZING,	/* a freezer is inside freeze_super() */
	SUPER_FROZEN,
	SUPER_THAWING,	/* somebody is inside thaw_super() */
	SUPER_THAWED,
	SUPER_FAILED,
	SUPER_HELD,	/* frozen by somebody else */
};

/**
 * struct fsfreeze_super - one superblock of a freeze
 * @link: in the op's list
 * @sb: with an active reference, until the freeze is over
 * @rank: 0 is frozen first and thawed last
 * @state: under the op's lock; who moves it to a state ending in -ING does the work
 */
struct fsfreeze_super {
	struct list_head link;
	struct super_block *sb;
	dev_t dev;
	char type[16];
	char id[40];
	enum fsfreeze_super_state state;
	int error;
	u32 rank;
	bool above_loop;	/* used while finding the order */
	bool below_unknown;
	u64 flush_us;
	u64 freeze_us;
	u64 thaw_us;
};

int fsfreeze_super_add(struct fsfreeze_op *op, struct super_block *sb);
void fsfreeze_super_free(struct fsfreeze_super *super);
void fsfreeze_super_drop(struct fsfreeze_op *op, struct fsfreeze_super *super);
bool fsfreeze_super_eligible(struct super_block *sb);
bool fsfreeze_super_still_frozen(struct fsfreeze_super *super);
void fsfreeze_super_describe(struct fsfreeze_super *super, struct fsfreeze_entry *entry);

/* One step for a crew: false when there was nothing (left) to do in that rank. */
bool fsfreeze_super_flush_next(struct fsfreeze_op *op, u32 rank);
bool fsfreeze_super_freeze_next(struct fsfreeze_op *op, u32 rank);
bool fsfreeze_super_thaw_next(struct fsfreeze_op *op, u32 rank);

#define FSFREEZE_ANY_RANK	U32_MAX

#endif
