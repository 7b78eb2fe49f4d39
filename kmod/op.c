// SPDX-License-Identifier: GPL-2.0
#include "hooks.h"
#include "op.h"
#include "statistics.h"

#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

static ktime_t op_deadline(u32 timeout_ms)
{
	return ktime_add_us(ktime_get(), (u64)timeout_ms * USEC_PER_MSEC);
}

/**
 * fsfreeze_op_new - a freeze about to start
 * @owner: whose
 * @timeout_ms: the deadline, which runs from now, or from fsfreeze_op_rearm()
 * @hook_timeout_ms: for the hooks before; 0 when none are run
 *
 * Return: with one reference for the caller, or NULL without memory
 */
struct fsfreeze_op *fsfreeze_op_new(struct fsfreeze_owner *owner, u32 timeout_ms,
				    u32 hook_timeout_ms)
{
	struct fsfreeze_op *op = kzalloc(sizeof(*op), GFP_KERNEL);

	if (!op)
		return NULL;
	kref_init(&op->ref);
	spin_lock_init(&op->lock);
	init_waitqueue_head(&op->wait);
	INIT_LIST_HEAD(&op->entries);
	fsfreeze_crew_init(&op->freezers);
	fsfreeze_crew_init(&op->thawers);
	op->owner = owner;
	op->state = FSFREEZE_FREEZING;
	op->timeout_ms = timeout_ms;
	op->hook_timeout_ms = hook_timeout_ms;
	op->deadline = op_deadline(hook_timeout_ms ? hook_timeout_ms + FSFREEZE_HOOK_GRACE_MS :
						     timeout_ms);
	op->asker = owner->name ? FSFREEZE_ASKER_HOST : FSFREEZE_ASKER_FILE;
	if (owner->name)
		strscpy(op->asked_by, owner->name, sizeof(op->asked_by));
	else
		get_task_comm(op->asked_by, current);
	return op;
}

struct fsfreeze_op *fsfreeze_op_get(struct fsfreeze_op *op)
{
	kref_get(&op->ref);
	return op;
}

static void op_free(struct kref *ref)
{
	struct fsfreeze_op *op = container_of(ref, struct fsfreeze_op, ref);
	struct fsfreeze_super *super, *next;

	list_for_each_entry_safe(super, next, &op->entries, link)
		fsfreeze_super_free(super);
	kfree(op->names);
	kfree(op);
}

void fsfreeze_op_put(struct fsfreeze_op *op)
{
	kref_put(&op->ref, op_free);
}

/* The only place that changes the state. Under the lock. */
static void op_set_state(struct fsfreeze_op *op, enum fsfreeze_state state)
{
	op->state = state;
	if (op->owner)
		op->owner->changed(op->owner);
	wake_up_all(&op->wait);
}

static bool op_stop_locked(struct fsfreeze_op *op, enum fsfreeze_thaw_reason reason)
{
	if (op->state != FSFREEZE_FREEZING && op->state != FSFREEZE_FROZEN)
		return false;
	op->reason = reason;
	op_set_state(op, FSFREEZE_THAWING);
	return true;
}

/**
 * fsfreeze_op_stop - the freeze is over: no more freezing, thaw
 * @op: the freeze
 * @reason: why; the first one counts
 *
 * Return: whether it was not over already
 */
bool fsfreeze_op_stop(struct fsfreeze_op *op, enum fsfreeze_thaw_reason reason)
{
	bool stopped;

	spin_lock(&op->lock);
	stopped = op_stop_locked(op, reason);
	spin_unlock(&op->lock);
	return stopped;
}

static void op_blame(struct fsfreeze_op *op, int error, struct fsfreeze_super *super)
{
	op->error = error;
	if (super)
		snprintf(op->failed, sizeof(op->failed), "%s %s", super->type, super->id);
}

/* Something that has a name and is no file system keeps the freeze from being. */
void fsfreeze_op_fail_named(struct fsfreeze_op *op, int error, const char *what)
{
	spin_lock(&op->lock);
	if (op_stop_locked(op, FSFREEZE_REASON_ERROR)) {
		op->error = error;
		strscpy(op->failed, what, sizeof(op->failed));
	}
	spin_unlock(&op->lock);
}

/* A file system, or with @super NULL something before the first, failed. */
void fsfreeze_op_fail(struct fsfreeze_op *op, int error, struct fsfreeze_super *super)
{
	spin_lock(&op->lock);
	if (op_stop_locked(op, FSFREEZE_REASON_ERROR))
		op_blame(op, error, super);
	spin_unlock(&op->lock);
}

/*
 * Somebody else thawed @super. What the host made of the freeze is not what it
 * thinks, so this outweighs a plain request or close as the reason.
 */
void fsfreeze_op_lost(struct fsfreeze_op *op, int error, struct fsfreeze_super *super)
{
	spin_lock(&op->lock);
	op_stop_locked(op, FSFREEZE_REASON_LOST);
	op->reason = FSFREEZE_REASON_LOST;
	if (!op->error)
		op_blame(op, error, super);
	spin_unlock(&op->lock);
}

bool fsfreeze_op_stopped(struct fsfreeze_op *op)
{
	bool stopped;

	spin_lock(&op->lock);
	stopped = op->reason != FSFREEZE_REASON_NONE;
	spin_unlock(&op->lock);
	return stopped;
}

/* The hooks are through: the time that was asked for runs from now. */
void fsfreeze_op_rearm(struct fsfreeze_op *op)
{
	spin_lock(&op->lock);
	op->deadline = op_deadline(op->timeout_ms);
	op->deadline_moved = true;
	spin_unlock(&op->lock);
	wake_up_all(&op->wait);
}

/* The freezer is through: everything is frozen, unless it was stopped. */
void fsfreeze_op_frozen(struct fsfreeze_op *op)
{
	spin_lock(&op->lock);
	op->freezer_done = true;
	if (op->state == FSFREEZE_FREEZING) {
		fsfreeze_statistics_frozen();
		op_set_state(op, FSFREEZE_FROZEN);
	}
	spin_unlock(&op->lock);
	wake_up_all(&op->wait);
}

void fsfreeze_op_thawed(struct fsfreeze_op *op)
{
	spin_lock(&op->lock);
	op_set_state(op, FSFREEZE_THAWED);
	spin_unlock(&op->lock);
}
