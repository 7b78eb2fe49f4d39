/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One freeze, from being asked for to everything being thawed again, as the
 * engine's own files see it. Front doors see engine.h only.
 *
 *            freeze                last one frozen
 *   THAWED ---------> FREEZING ------------------------> FROZEN
 *      ^                 |                                  |
 *      |                 | request, close, deadline, error, suspend, reboot
 *      |  all thawed     v                                  |
 *      +------------- THAWING <-----------------------------+
 *
 * Two threads serve it. The freezer runs the hooks if there are to be any, looks
 * for the file systems, flushes and freezes them, and ends. The watchdog sleeps until the deadline or until the
 * freeze is stopped, and thaws. It waits for the freezer only after having
 * thawed everything that is frozen; what the freezer is stuck in is thawed by
 * the freezer itself as soon as that returns. Last, it runs the hooks.
 *
 * @lock is a spinlock and is never held across anything that sleeps, so no
 * stuck file system can keep the watchdog from its work.
 */
#ifndef FSFREEZE_OP_H
#define FSFREEZE_OP_H

#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "crew.h"
#include "engine.h"
#include "entry.h"

#ifndef FSFREEZE_HELD_AS_KERNEL
#define FSFREEZE_HELD_AS_KERNEL	1
#endif

struct fsfreeze_op {
	struct kref ref;
	spinlock_t lock;		/* everything below that changes after the start */
	wait_queue_head_t wait;		/* stopped, freezer done, deadline moved */
	struct fsfreeze_owner *owner;	/* NULL when it went away */
	char asked_by[16];		/* the owner's name or its comm, for the log */
	enum fsfreeze_asker asker;

	enum fsfreeze_state state;
	enum fsfreeze_thaw_reason reason;
	int error;
	char failed[64];
	ktime_t deadline;
	bool deadline_moved;
	bool all;			/* look for the file systems, none were given */
	struct fsfreeze_msg_name *names;	/* and keep those of these names; of all, when none */
	u32 nr_names;
	u32 timeout_ms;			/* the deadline as asked for */
	u32 hook_timeout_ms;		/* 0: without hooks */
	bool hooks_begun;		/* the freezer's, and after it the watchdog's */
	bool freezer_done;

	struct list_head entries;	/* complete before the first flush, then constant */
	u32 nr_entries;
	u32 nr_ranks;
	u32 nr_was_frozen;
	bool crews_ready;
	struct fsfreeze_crew freezers;
	struct fsfreeze_crew thawers;

	u64 flush_us;
	u64 freeze_us;
	u64 thaw_us;
};

struct fsfreeze_op *fsfreeze_op_new(struct fsfreeze_owner *owner, u32 timeout_ms,
				    u32 hook_timeout_ms);
struct fsfreeze_op *fsfreeze_op_get(struct fsfreeze_op *op);
void fsfreeze_op_put(struct fsfreeze_op *op);
bool fsfreeze_op_stop(struct fsfreeze_op *op, enum fsfreeze_thaw_reason reason);
void fsfreeze_op_fail(struct fsfreeze_op *op, int error, struct fsfreeze_super *super);
void fsfreeze_op_fail_named(struct fsfreeze_op *op, int error, const char *what);
void fsfreeze_op_lost(struct fsfreeze_op *op, int error, struct fsfreeze_super *super);
bool fsfreeze_op_stopped(struct fsfreeze_op *op);
void fsfreeze_op_rearm(struct fsfreeze_op *op);
void fsfreeze_op_frozen(struct fsfreeze_op *op);
void fsfreeze_op_thawed(struct fsfreeze_op *op);

/* The threads' functions. Each owns a reference of @op. */
int fsfreeze_freezer(void *op);
int fsfreeze_watchdog(void *op);

void fsfreeze_engine_over(struct fsfreeze_op *op);

static inline u64 fsfreeze_us_since(ktime_t start)
{
	return ktime_us_delta(ktime_get(), start);
}

#endif
