// SPDX-License-Identifier: GPL-2.0
/* The thread that looks for the file systems, flushes and freezes them. */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "enumeration.h"
#include "hooks.h"
#include "op.h"
#include "order.h"
#include "selection.h"

/*
 * More do not help: with RCU expedited 16 are the fastest, and 64 no better,
 * for 50 file systems.
 */
#define CREW_SIZE	16U

/*
 * Before anything is frozen, so that hooks can write. The thaw hooks follow on
 * every way out from here. No runner, no hooks.
 */
static bool freezer_hooks(struct fsfreeze_op *op)
{
	int error;

	if (!op->hook_timeout_ms)
		return true;
	op->hooks_begun = true;
	error = fsfreeze_hooks_run("freeze", op->hook_timeout_ms);
	if (error && error != -ENOENT)
		fsfreeze_op_fail_named(op, error, "hook freeze");
	fsfreeze_op_rearm(op);
	return !fsfreeze_op_stopped(op);
}

/* Everything the thaw will need is there before anything is frozen. */
static int freezer_prepare(struct fsfreeze_op *op)
{
	unsigned int size;
	int error = 0;

	if (op->all)
		error = fsfreeze_enumerate(op);
	if (!error)
		error = fsfreeze_select(op);
	if (!error)
		error = fsfreeze_order(op);
	size = clamp(op->nr_entries, 1U, CREW_SIZE);
	if (!error)
		error = fsfreeze_crew_start(op, &op->thawers, size, "fsfreeze/thaw");
	if (!error)
		error = fsfreeze_crew_start(op, &op->freezers, size, "fsfreeze/freeze");
	spin_lock(&op->lock);
	op->crews_ready = !error;
	spin_unlock(&op->lock);
	return error;
}

static void freezer_flush(struct fsfreeze_op *op)
{
	ktime_t start = ktime_get();

	fsfreeze_crew_run(op, &op->freezers, fsfreeze_super_flush_next, FSFREEZE_ANY_RANK,
			  MAX_SCHEDULE_TIMEOUT);
	op->flush_us = fsfreeze_us_since(start);
}

/* Each level of freeze_super() waits for RCU: expedited, that is 60 ms less. */
static void freezer_freeze(struct fsfreeze_op *op)
{
	ktime_t start = ktime_get();
	u32 rank;

	rcu_expedite_gp();
	for (rank = 0; rank < op->nr_ranks && !fsfreeze_op_stopped(op); rank++)
		fsfreeze_crew_run(op, &op->freezers, fsfreeze_super_freeze_next, rank,
				  MAX_SCHEDULE_TIMEOUT);
	rcu_unexpedite_gp();
	op->freeze_us = fsfreeze_us_since(start);
}

int fsfreeze_freezer(void *arg)
{
	struct fsfreeze_op *op = arg;
	int error = -ECANCELED;

	if (freezer_hooks(op))
		error = freezer_prepare(op);
	if (error) {
		fsfreeze_op_fail(op, error, NULL);
	} else {
		unsigned int flags = memalloc_noio_save();

		freezer_flush(op);
		freezer_freeze(op);
		memalloc_noio_restore(flags);
	}
	fsfreeze_crew_dismiss(op, &op->freezers);
	fsfreeze_op_frozen(op);
	fsfreeze_thread_exit(op);
	return 0;
}
