// SPDX-License-Identifier: GPL-2.0
#include "crew.h"

#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "op.h"

struct crew_member {
	struct fsfreeze_op *op;
	struct fsfreeze_crew *crew;
};

/**
 * fsfreeze_thread_start - start a thread that works for a freeze
 * @function: ends with fsfreeze_thread_exit()
 * @op: the thread gets a reference, and one on the module
 * @arg: what @function is called with
 * @name: of the thread
 *
 * Return: 0 or a negative errno, and then nothing was started
 */
int fsfreeze_thread_start(int (*function)(void *), struct fsfreeze_op *op, void *arg,
			  const char *name)
{
	struct task_struct *task;

	__module_get(THIS_MODULE);
	fsfreeze_op_get(op);
	task = kthread_run(function, arg, "%s", name);
	if (IS_ERR(task)) {
		fsfreeze_op_put(op);
		module_put(THIS_MODULE);
		return PTR_ERR(task);
	}
	return 0;
}

void fsfreeze_crew_init(struct fsfreeze_crew *crew)
{
	init_waitqueue_head(&crew->work);
	init_waitqueue_head(&crew->idle);
}

static bool crew_has_work(struct fsfreeze_op *op, struct fsfreeze_crew *crew, unsigned int seen)
{
	bool work;

	spin_lock(&op->lock);
	work = crew->turn != seen || crew->dismissed;
	spin_unlock(&op->lock);
	return work;
}

static void crew_turn_over(struct fsfreeze_op *op, struct fsfreeze_crew *crew, unsigned int turn)
{
	spin_lock(&op->lock);
	crew->inside--;
	if (turn == crew->turn) {
		crew->active--;
		crew->done++;
	}
	spin_unlock(&op->lock);
	wake_up_all(&crew->idle);
}

/* False when the member is to leave. */
static bool crew_do_turn(struct fsfreeze_op *op, struct fsfreeze_crew *crew, unsigned int *seen)
{
	fsfreeze_step_t step;
	u32 rank;

	spin_lock(&op->lock);
	if (crew->dismissed) {
		spin_unlock(&op->lock);
		return false;
	}
	*seen = crew->turn;
	step = crew->step;
	rank = crew->rank;
	crew->inside++;
	crew->active++;
	spin_unlock(&op->lock);

	while (step(op, rank))
		;
	crew_turn_over(op, crew, *seen);
	return true;
}

static int crew_member_work(void *arg)
{
	struct crew_member member = *(struct crew_member *)arg;
	unsigned int seen = 0, flags;

	kfree(arg);
	flags = memalloc_noio_save();
	do {
		wait_event_interruptible(member.crew->work,
					 crew_has_work(member.op, member.crew, seen));
	} while (crew_do_turn(member.op, member.crew, &seen));
	memalloc_noio_restore(flags);
	fsfreeze_thread_exit(member.op);
	return 0;
}

static int crew_hire(struct fsfreeze_op *op, struct fsfreeze_crew *crew, const char *name)
{
	struct crew_member *member = kmalloc(sizeof(*member), GFP_KERNEL);
	int error;

	if (!member)
		return -ENOMEM;
	member->op = op;
	member->crew = crew;
	error = fsfreeze_thread_start(crew_member_work, op, member, name);
	if (error)
		kfree(member);
	return error;
}

/**
 * fsfreeze_crew_start - hire the threads
 * @op: whom they work for
 * @crew: part of @op
 * @size: how many; fewer are enough when memory is short, one is needed
 * @name: of the threads
 *
 * Return: 0 or a negative errno when not one thread could be had
 */
int fsfreeze_crew_start(struct fsfreeze_op *op, struct fsfreeze_crew *crew, unsigned int size,
			const char *name)
{
	int error = 0;

	while (crew->size < size) {
		error = crew_hire(op, crew, name);
		if (error)
			break;
		crew->size++;
	}
	return crew->size ? 0 : error;
}

static bool crew_is_idle(struct fsfreeze_op *op, struct fsfreeze_crew *crew)
{
	bool idle;

	spin_lock(&op->lock);
	idle = crew->done >= crew->expected && !crew->active;
	spin_unlock(&op->lock);
	return idle;
}

/**
 * fsfreeze_crew_run - have a step done until nothing is left to do in a rank
 * @op: whom the crew works for
 * @crew: started
 * @step: takes one file system and does its work; false when there is none
 * @rank: which file systems
 * @timeout: in jiffies
 *
 * Members stuck in an earlier run are not waited for, and join when they can.
 *
 * Return: whether the run was over in time
 */
bool fsfreeze_crew_run(struct fsfreeze_op *op, struct fsfreeze_crew *crew, fsfreeze_step_t step,
		       u32 rank, long timeout)
{
	spin_lock(&op->lock);
	crew->step = step;
	crew->rank = rank;
	crew->turn++;
	crew->active = 0;
	crew->done = 0;
	crew->expected = crew->size - crew->inside;
	spin_unlock(&op->lock);
	wake_up_all(&crew->work);
	return wait_event_interruptible_timeout(crew->idle, crew_is_idle(op, crew), timeout) > 0;
}

/* Those still busy leave when they are done. */
void fsfreeze_crew_dismiss(struct fsfreeze_op *op, struct fsfreeze_crew *crew)
{
	spin_lock(&op->lock);
	crew->dismissed = true;
	spin_unlock(&op->lock);
	wake_up_all(&crew->work);
}
