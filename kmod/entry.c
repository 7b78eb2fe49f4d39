// SPDX-License-Identifier: GPL-2.0
#include "entry.h"

#include <linux/delay.h>
#include <linux/kdev_t.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "op.h"

#ifndef FSFREEZE_COMPAT_SUPER
#define FSFREEZE_HOLDER	(FREEZE_HOLDER_KERNEL | FREEZE_MAY_NEST)

/* An owner is for a freeze that excludes others; one that nests is thawed without. */
static int super_freeze(struct super_block *sb)
{
	if (sb->s_op->freeze_super)
		return sb->s_op->freeze_super(sb, FSFREEZE_HOLDER, NULL);
	return freeze_super(sb, FSFREEZE_HOLDER, NULL);
}

static int super_thaw(struct super_block *sb)
{
	if (sb->s_op->thaw_super)
		return sb->s_op->thaw_super(sb, FSFREEZE_HOLDER, NULL);
	return thaw_super(sb, FSFREEZE_HOLDER, NULL);
}
#endif

/**
 * fsfreeze_super_eligible - whether freezing it is what a snapshot wants
 * @sb: any superblock
 *
 * Return: true when it writes to block devices
 */
bool fsfreeze_super_eligible(struct super_block *sb)
{
	return sb->s_root && (sb->s_type->fs_flags & FS_REQUIRES_DEV) && !sb_rdonly(sb);
}

/**
 * fsfreeze_super_add - one more file system for a freeze
 * @op: the freeze
 * @sb: comes with an active reference, which is the freeze's then
 *
 * Return: 0 or -ENOMEM, and then the reference is still the caller's
 */
int fsfreeze_super_add(struct fsfreeze_op *op, struct super_block *sb)
{
	struct fsfreeze_super *super = kzalloc(sizeof(*super), GFP_NOFS);

	if (!super)
		return -ENOMEM;
	super->sb = sb;
	super->dev = sb->s_dev;
	strscpy(super->type, sb->s_type->name, sizeof(super->type));
	strscpy(super->id, sb->s_id, sizeof(super->id));
	list_add_tail(&super->link, &op->entries);
	op->nr_entries++;
	return 0;
}

void fsfreeze_super_free(struct fsfreeze_super *super)
{
	list_del(&super->link);
	if (super->sb)
		deactivate_super(super->sb);
	kfree(super);
}

/* The freeze is over: it may be unmounted for good, which can take its time. */
void fsfreeze_super_drop(struct fsfreeze_op *op, struct fsfreeze_super *super)
{
	struct super_block *sb;

	spin_lock(&op->lock);
	sb = super->sb;
	super->sb = NULL;
	spin_unlock(&op->lock);
	if (sb)
		deactivate_super(sb);
}

/* Below Linux 6.6 anybody's FITHAW thaws. Needs the sb, so before the end. */
bool fsfreeze_super_still_frozen(struct fsfreeze_super *super)
{
	return super->sb && READ_ONCE(super->sb->s_writers.frozen) == SB_FREEZE_COMPLETE;
}

static u32 entry_state(const struct fsfreeze_super *super)
{
	switch (super->state) {
	case SUPER_FROZEN:
	case SUPER_THAWING:
		return FSFREEZE_ENTRY_FROZEN;
	case SUPER_THAWED:
		return FSFREEZE_ENTRY_THAWED;
	case SUPER_FAILED:
		return FSFREEZE_ENTRY_FAILED;
	case SUPER_HELD:
		return FSFREEZE_ENTRY_HELD;
	default:
		return FSFREEZE_ENTRY_IDLE;
	}
}

/* As the report has it. Under the op's lock. */
void fsfreeze_super_describe(struct fsfreeze_super *super, struct fsfreeze_entry *entry)
{
	memset(entry, 0, sizeof(*entry));
	entry->dev_major = MAJOR(super->dev);
	entry->dev_minor = MINOR(super->dev);
	entry->state = entry_state(super);
	entry->error = super->error;
	entry->rank = super->rank;
	entry->flush_us = super->flush_us;
	entry->freeze_us = super->freeze_us;
	entry->thaw_us = super->thaw_us;
	strscpy(entry->type, super->type, sizeof(entry->type));
	strscpy(entry->id, super->id, sizeof(entry->id));
}

/*
 * Find one in state @from and take it to @to, so that nobody else does.
 * Nothing is taken for flushing or freezing once the freeze is over.
 */
static struct fsfreeze_super *super_take(struct fsfreeze_op *op, u32 rank,
					 enum fsfreeze_super_state from,
					 enum fsfreeze_super_state to)
{
	struct fsfreeze_super *super, *taken = NULL;

	spin_lock(&op->lock);
	if (to != SUPER_THAWING && op->reason != FSFREEZE_REASON_NONE)
		goto out;
	list_for_each_entry(super, &op->entries, link) {
		if (super->state != from || (rank != FSFREEZE_ANY_RANK && super->rank != rank))
			continue;
		super->state = to;
		taken = super;
		break;
	}
out:
	spin_unlock(&op->lock);
	return taken;
}

static void super_settle(struct fsfreeze_op *op, struct fsfreeze_super *super,
			 enum fsfreeze_super_state state, int error)
{
	spin_lock(&op->lock);
	super->state = state;
	super->error = error;
	spin_unlock(&op->lock);
	wake_up_all(&op->wait);
}

/* Everything dirty goes out while writers still run; the freeze finds little. */
bool fsfreeze_super_flush_next(struct fsfreeze_op *op, u32 rank)
{
	struct fsfreeze_super *super = super_take(op, rank, SUPER_IDLE, SUPER_FLUSHING);
	ktime_t start = ktime_get();
	int error = 0;

	if (!super)
		return false;
	down_read(&super->sb->s_umount);
	if (!sb_rdonly(super->sb))
		error = sync_filesystem(super->sb);
	up_read(&super->sb->s_umount);
	super->flush_us = fsfreeze_us_since(start);
	super_settle(op, super, error ? SUPER_FAILED : SUPER_FLUSHED, error);
	if (error)
		fsfreeze_op_fail(op, error, super);
	return true;
}

/*
 * EBUSY means frozen by somebody else, or about to be, or just being thawed.
 * Wait until it is one or the other.
 */
static int super_freeze_settled(struct fsfreeze_op *op, struct super_block *sb)
{
	int frozen, error;

	for (;;) {
		error = super_freeze(sb);
		if (error != -EBUSY)
			return error;
		frozen = READ_ONCE(sb->s_writers.frozen);
		if (frozen == SB_FREEZE_COMPLETE || fsfreeze_op_stopped(op))
			return error;
		msleep(20);
	}
}

static void super_thaw_taken(struct fsfreeze_op *op, struct fsfreeze_super *super)
{
	ktime_t start = ktime_get();
	int error;

	error = super_thaw(super->sb);
	super->thaw_us = fsfreeze_us_since(start);
	super_settle(op, super, SUPER_THAWED, error);
	if (error)
		fsfreeze_op_lost(op, error, super);
}

/* What a returned freeze_super() means. True when the caller has to thaw it. */
static bool super_freeze_over(struct fsfreeze_op *op, struct fsfreeze_super *super, int error)
{
	bool late = false;

	spin_lock(&op->lock);
	if (!error) {
		late = op->reason != FSFREEZE_REASON_NONE;
		super->state = late ? SUPER_THAWING : SUPER_FROZEN;
		op->nr_was_frozen++;
	} else if (error == -EBUSY) {
		super->state = SUPER_HELD;
	} else {
		super->state = SUPER_FAILED;
	}
	super->error = error;
	spin_unlock(&op->lock);
	return late;
}

bool fsfreeze_super_freeze_next(struct fsfreeze_op *op, u32 rank)
{
	struct fsfreeze_super *super = super_take(op, rank, SUPER_FLUSHED, SUPER_FREEZING);
	ktime_t start = ktime_get();
	int error;

	if (!super)
		return false;
	error = super_freeze_settled(op, super->sb);
	super->freeze_us = fsfreeze_us_since(start);
	if (super_freeze_over(op, super, error))
		super_thaw_taken(op, super);
	if (error && error != -EBUSY)
		fsfreeze_op_fail(op, error, super);
	return true;
}

bool fsfreeze_super_thaw_next(struct fsfreeze_op *op, u32 rank)
{
	struct fsfreeze_super *super = super_take(op, rank, SUPER_FROZEN, SUPER_THAWING);

	if (!super)
		return false;
	super_thaw_taken(op, super);
	return true;
}
