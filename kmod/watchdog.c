// SPDX-License-Identifier: GPL-2.0
/* The thread that thaws: when told to, and by itself when the time is up. */
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "hooks.h"
#include "op.h"

/*
 * How long a rank may take before the next one is thawed all the same. In the
 * right order nothing waits for another; this is for an order not known.
 */
#define RANK_PATIENCE	(HZ / 2)

static long time_left(struct fsfreeze_op *op)
{
	s64 us;

	spin_lock(&op->lock);
	us = ktime_us_delta(op->deadline, ktime_get());
	spin_unlock(&op->lock);
	return us > 0 ? usecs_to_jiffies(us) + 1 : 0;
}

static bool deadline_moved(struct fsfreeze_op *op)
{
	bool moved;

	spin_lock(&op->lock);
	moved = op->deadline_moved;
	op->deadline_moved = false;
	spin_unlock(&op->lock);
	return moved;
}

static void wait_for_the_end(struct fsfreeze_op *op)
{
	long left;

	while (!fsfreeze_op_stopped(op)) {
		left = time_left(op);
		if (!left)
			fsfreeze_op_stop(op, FSFREEZE_REASON_DEADLINE);
		else
			wait_event_interruptible_timeout(
				op->wait, fsfreeze_op_stopped(op) || deadline_moved(op), left);
	}
}

/*
 * Last frozen, first thawed. When even the crew is stuck, what is left is
 * thawed from this thread, the lowest file systems first.
 */
static void thaw_all(struct fsfreeze_op *op)
{
	u32 rank;

	for (rank = op->nr_ranks; rank-- > 0;)
		fsfreeze_crew_run(op, &op->thawers, fsfreeze_super_thaw_next, rank, RANK_PATIENCE);
	for (rank = op->nr_ranks; rank-- > 0;)
		while (fsfreeze_super_thaw_next(op, rank))
			;
}

static bool all_settled(struct fsfreeze_op *op)
{
	struct fsfreeze_super *super;
	bool settled;

	spin_lock(&op->lock);
	settled = op->freezer_done;
	if (settled) {
		list_for_each_entry(super, &op->entries, link)
			settled = settled && super->state != SUPER_THAWING &&
				  super->state != SUPER_FROZEN;
	}
	spin_unlock(&op->lock);
	return settled;
}

static bool crews_ready(struct fsfreeze_op *op)
{
	bool ready;

	spin_lock(&op->lock);
	ready = op->crews_ready;
	spin_unlock(&op->lock);
	return ready;
}

int fsfreeze_watchdog(void *arg)
{
	struct fsfreeze_op *op = arg;
	unsigned int flags = memalloc_noio_save();
	ktime_t start;

	wait_for_the_end(op);
	start = ktime_get();
	/* Without crews nothing is frozen, and nothing will be. */
	if (crews_ready(op))
		thaw_all(op);
	wait_event_interruptible(op->wait, all_settled(op));
	op->thaw_us = fsfreeze_us_since(start);
	fsfreeze_crew_dismiss(op, &op->thawers);
	memalloc_noio_restore(flags);
	if (op->hooks_begun)
		fsfreeze_hooks_run("thaw", op->hook_timeout_ms);
	fsfreeze_engine_over(op);
	fsfreeze_thread_exit(op);
	return 0;
}
