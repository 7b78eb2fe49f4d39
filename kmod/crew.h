/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A few threads, made before they are needed, that do the same step for one
 * rank of file systems side by side.
 */
#ifndef FSFREEZE_CREW_H
#define FSFREEZE_CREW_H

#include <linux/types.h>
#include <linux/wait.h>

struct fsfreeze_op;
typedef bool (*fsfreeze_step_t)(struct fsfreeze_op *op, u32 rank);

struct fsfreeze_crew {
	wait_queue_head_t work;
	wait_queue_head_t idle;
	unsigned int size;
	/* The rest under the op's lock. */
	unsigned int inside;		/* members in some turn, also a past one */
	unsigned int turn;		/* counts the runs */
	unsigned int active;		/* members in this turn */
	unsigned int done;		/* members through with it */
	unsigned int expected;		/* members that were free when it began */
	bool dismissed;
	fsfreeze_step_t step;
	u32 rank;
};

void fsfreeze_crew_init(struct fsfreeze_crew *crew);
int fsfreeze_crew_start(struct fsfreeze_op *op, struct fsfreeze_crew *crew, unsigned int size,
			const char *name);
bool fsfreeze_crew_run(struct fsfreeze_op *op, struct fsfreeze_crew *crew, fsfreeze_step_t step,
		       u32 rank, long timeout);
void fsfreeze_crew_dismiss(struct fsfreeze_op *op, struct fsfreeze_crew *crew);

int fsfreeze_thread_start(int (*function)(void *), struct fsfreeze_op *op, void *arg,
			  const char *name);

/* The reference on the module goes last, from code that is not in it. */
#define fsfreeze_thread_exit(op)				\
	do {							\
		fsfreeze_op_put(op);				\
		module_put_and_kthread_exit(0);			\
	} while (0)

#endif
