// SPDX-License-Identifier: GPL-2.0
#include "engine.h"

#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "hooks.h"
#include "op.h"
#include "statistics.h"

static unsigned int default_timeout_ms = 30000;
module_param(default_timeout_ms, uint, 0644);
MODULE_PARM_DESC(default_timeout_ms, "deadline of a freeze that names none (30000)");

/* Below the 120 s after which the kernel complains about blocked writers. */
static unsigned int max_timeout_ms = 110000;
module_param(max_timeout_ms, uint, 0644);
MODULE_PARM_DESC(max_timeout_ms, "the longest deadline that is accepted (110000)");

static DEFINE_SPINLOCK(engine_lock);
static DECLARE_WAIT_QUEUE_HEAD(engine_idle);
static struct fsfreeze_op *engine_op;	/* the freeze there is, with a reference */
static bool engine_blocked;

static const char *const reason_names[] = {
	[FSFREEZE_REASON_NONE] = "no reason",
	[FSFREEZE_REASON_REQUEST] = "on request",
	[FSFREEZE_REASON_CLOSE] = "because its owner went away",
	[FSFREEZE_REASON_DEADLINE] = "because the time was up",
	[FSFREEZE_REASON_ERROR] = "because one did not freeze",
	[FSFREEZE_REASON_SUSPEND] = "because the system goes to sleep",
	[FSFREEZE_REASON_REBOOT] = "because the system goes down",
	[FSFREEZE_REASON_HOST] = "because the host went away",
	[FSFREEZE_REASON_LOST] = "after somebody else had thawed",
};

static bool engine_timeout_valid(u32 timeout_ms)
{
	return timeout_ms && timeout_ms <= READ_ONCE(max_timeout_ms) &&
	       timeout_ms <= 60 * 60 * MSEC_PER_SEC;
}

static int engine_claim(struct fsfreeze_op *op)
{
	int error = 0;

	spin_lock(&engine_lock);
	if (engine_blocked)
		error = -ESHUTDOWN;
	else if (engine_op)
		error = -EBUSY;
	else
		engine_op = fsfreeze_op_get(op);
	spin_unlock(&engine_lock);
	return error;
}

/* From now on another one may be started. */
static void engine_unclaim(struct fsfreeze_op *op)
{
	spin_lock(&engine_lock);
	engine_op = NULL;
	spin_unlock(&engine_lock);
	wake_up_all(&engine_idle);
	fsfreeze_op_put(op);
}

static void drop_supers(struct super_block **supers, u32 from, u32 to)
{
	for (; from < to; from++)
		deactivate_super(supers[from]);
}

static int engine_add(struct fsfreeze_op *op, const struct fsfreeze_request *request)
{
	u32 i;
	int error;

	op->all = !request->listed;
	op->nr_names = request->nr_names;
	if (op->nr_names) {
		op->names = kmemdup(request->names, op->nr_names * sizeof(*op->names), GFP_KERNEL);
		if (!op->names) {
			drop_supers(request->supers, 0, request->nr_supers);
			return -ENOMEM;
		}
	}
	for (i = 0; i < request->nr_supers; i++) {
		error = fsfreeze_super_add(op, request->supers[i]);
		if (error) {
			drop_supers(request->supers, i, request->nr_supers);
			return error;
		}
	}
	return 0;
}

/* The watchdog first: nothing is frozen that it does not know of. */
static int engine_start(struct fsfreeze_op *op)
{
	int error;

	error = fsfreeze_thread_start(fsfreeze_watchdog, op, op, "fsfreeze/watchdog");
	if (error) {
		engine_unclaim(op);
		return error;
	}
	error = fsfreeze_thread_start(fsfreeze_freezer, op, op, "fsfreeze/engine");
	if (error) {
		fsfreeze_op_fail(op, error, NULL);
		fsfreeze_op_frozen(op);
	}
	return error;
}

static void engine_disown(struct fsfreeze_owner *owner)
{
	struct fsfreeze_op *op = owner->op;

	if (!op)
		return;
	spin_lock(&op->lock);
	op->owner = NULL;
	spin_unlock(&op->lock);
	owner->op = NULL;
	fsfreeze_op_put(op);
}

/**
 * fsfreeze_engine_freeze - start a freeze
 * @owner: whose it is. Its calls must come one at a time, as with all below.
 * @request: what to freeze; its references are taken over, also on error
 *
 * Return: 0 when started, -EBUSY when there is one, -EINVAL for a bad time-out,
 * -ESHUTDOWN when the system goes down or to sleep, -ENOMEM
 */
int fsfreeze_engine_freeze(struct fsfreeze_owner *owner, const struct fsfreeze_request *request)
{
	u32 timeout_ms = request->timeout_ms ?: READ_ONCE(default_timeout_ms);
	struct fsfreeze_op *op = NULL;
	int error = -EINVAL;

	if (engine_timeout_valid(timeout_ms) && request->hook_timeout_ms <= FSFREEZE_HOOK_MAX_MS) {
		op = fsfreeze_op_new(owner, timeout_ms, request->hook_timeout_ms);
		error = op ? engine_claim(op) : -ENOMEM;
	}
	if (error) {
		drop_supers(request->supers, 0, request->nr_supers);
		goto out;
	}
	error = engine_add(op, request);
	if (error) {
		engine_unclaim(op);
		goto out;
	}
	engine_disown(owner);
	owner->op = fsfreeze_op_get(op);
	fsfreeze_statistics_begun(op);
	error = engine_start(op);
	if (error)
		engine_disown(owner);
out:
	if (op)
		fsfreeze_op_put(op);
	return error;
}

/* Called by the watchdog when everything is thawed: the end of the freeze. */
void fsfreeze_engine_over(struct fsfreeze_op *op)
{
	struct fsfreeze_super *super;

	if (op->reason == FSFREEZE_REASON_REQUEST)
		pr_debug("%u file systems thawed %s of %s\n", op->nr_was_frozen,
			 reason_names[op->reason], op->asked_by);
	else
		pr_notice("%u file systems, frozen for %s, thawed %s%s%s (error %d)\n",
			  op->nr_was_frozen, op->asked_by, reason_names[op->reason],
			  op->failed[0] ? ": " : "", op->failed, op->error);
	fsfreeze_statistics_over(op);
	spin_lock(&engine_lock);
	engine_op = NULL;
	spin_unlock(&engine_lock);
	fsfreeze_op_thawed(op);
	wake_up_all(&engine_idle);
	list_for_each_entry(super, &op->entries, link)
		fsfreeze_super_drop(op, super);
	fsfreeze_op_put(op);
}

/**
 * fsfreeze_engine_thaw - end the freeze, also one that is still going on
 * @owner: whose freeze
 * @reason: for the status
 *
 * Return: 0 when the thaw has started, or had, -ENOENT when @owner holds none
 */
int fsfreeze_engine_thaw(struct fsfreeze_owner *owner, enum fsfreeze_thaw_reason reason)
{
	struct fsfreeze_op *op = owner->op;
	bool going_on;

	if (!op)
		return -ENOENT;
	if (fsfreeze_op_stop(op, reason))
		return 0;
	spin_lock(&op->lock);
	going_on = op->state != FSFREEZE_THAWED;
	spin_unlock(&op->lock);
	return going_on ? 0 : -ENOENT;
}

/**
 * fsfreeze_engine_extend - move the deadline
 * @owner: whose freeze
 * @timeout_ms: from now, longer or shorter than what is left
 *
 * Return: 0, -EINVAL for a bad time-out, -ENOENT when it is over already
 */
int fsfreeze_engine_extend(struct fsfreeze_owner *owner, u32 timeout_ms)
{
	struct fsfreeze_op *op = owner->op;
	bool late;

	if (!engine_timeout_valid(timeout_ms))
		return -EINVAL;
	if (!op)
		return -ENOENT;
	spin_lock(&op->lock);
	late = op->reason != FSFREEZE_REASON_NONE;
	if (!late) {
		op->deadline = ktime_add_us(ktime_get(), (u64)timeout_ms * USEC_PER_MSEC);
		op->deadline_moved = true;
	}
	spin_unlock(&op->lock);
	wake_up_all(&op->wait);
	return late ? -ENOENT : 0;
}

static u32 op_nr_frozen(struct fsfreeze_op *op)
{
	struct fsfreeze_super *super;
	u32 frozen = 0;

	if (op->state == FSFREEZE_FREEZING && !op->crews_ready)
		return 0;
	list_for_each_entry(super, &op->entries, link)
		if (super->state == SUPER_FROZEN || super->state == SUPER_THAWING)
			frozen += fsfreeze_super_still_frozen(super);
	return frozen;
}

static u32 op_remaining_ms(struct fsfreeze_op *op)
{
	s64 us = ktime_us_delta(op->deadline, ktime_get());

	if (op->reason != FSFREEZE_REASON_NONE || us <= 0)
		return 0;
	return div_s64(us, USEC_PER_MSEC) + 1;
}

/**
 * fsfreeze_engine_status - how the freeze last asked for is doing
 * @owner: whose
 * @status: filled but for its size
 */
void fsfreeze_engine_status(struct fsfreeze_owner *owner, struct fsfreeze_status *status)
{
	struct fsfreeze_op *op = owner->op;

	memset(status, 0, sizeof(*status));
	if (!op)
		return;
	spin_lock(&op->lock);
	status->state = op->state;
	status->reason = op->reason;
	status->error = op->error;
	status->nr_total = op->nr_entries;
	status->nr_frozen = op_nr_frozen(op);
	status->remaining_ms = op_remaining_ms(op);
	status->nr_was_frozen = op->nr_was_frozen;
	status->flush_us = op->flush_us;
	status->freeze_us = op->freeze_us;
	status->thaw_us = op->thaw_us;
	strscpy(status->failed, op->failed, sizeof(status->failed));
	spin_unlock(&op->lock);
}

/**
 * fsfreeze_engine_report - what became of each file system
 * @owner: whose freeze, the last one asked for
 * @nr: room in @entries
 * @entries: filled as far as it goes
 *
 * Return: how many there are; 0 as long as they are being looked for
 */
u32 fsfreeze_engine_report(struct fsfreeze_owner *owner, u32 nr, struct fsfreeze_entry *entries)
{
	struct fsfreeze_op *op = owner->op;
	struct fsfreeze_super *super;
	u32 i = 0;

	if (!op)
		return 0;
	spin_lock(&op->lock);
	if (op->crews_ready || op->freezer_done) {
		list_for_each_entry(super, &op->entries, link) {
			if (i < nr)
				fsfreeze_super_describe(super, &entries[i]);
			i++;
		}
	}
	spin_unlock(&op->lock);
	return i;
}

/**
 * fsfreeze_engine_release - the owner goes away: thaw, and never call it again
 * @owner: may be freed afterwards
 * @reason: for the log
 */
void fsfreeze_engine_release(struct fsfreeze_owner *owner, enum fsfreeze_thaw_reason reason)
{
	fsfreeze_engine_thaw(owner, reason);
	engine_disown(owner);
}

void fsfreeze_engine_info(struct fsfreeze_info *info)
{
	memset(info, 0, sizeof(*info));
	info->api_version = FSFREEZE_API_VERSION;
	info->default_timeout_ms = READ_ONCE(default_timeout_ms);
	info->max_timeout_ms = READ_ONCE(max_timeout_ms);
	info->holder_kernel = FSFREEZE_HELD_AS_KERNEL;
	strscpy(info->module_version, FSFREEZE_VERSION, sizeof(info->module_version));
}

static bool engine_is_idle(void)
{
	bool idle;

	spin_lock(&engine_lock);
	idle = !engine_op;
	spin_unlock(&engine_lock);
	return idle;
}

/**
 * fsfreeze_engine_block - thaw, and start no freeze until unblocked
 * @reason: why
 * @wait_ms: how long to wait for the thaw
 *
 * Return: whether everything is thawed
 */
bool fsfreeze_engine_block(enum fsfreeze_thaw_reason reason, unsigned int wait_ms)
{
	struct fsfreeze_op *op;

	spin_lock(&engine_lock);
	engine_blocked = true;
	op = engine_op ? fsfreeze_op_get(engine_op) : NULL;
	spin_unlock(&engine_lock);
	if (op) {
		fsfreeze_op_stop(op, reason);
		fsfreeze_op_put(op);
	}
	return wait_event_timeout(engine_idle, engine_is_idle(), msecs_to_jiffies(wait_ms)) > 0;
}

void fsfreeze_engine_unblock(void)
{
	spin_lock(&engine_lock);
	engine_blocked = false;
	spin_unlock(&engine_lock);
}
