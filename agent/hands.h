/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_HANDS_H
#define AGENT_HANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "worker.h"

/*
 * The worker's hands: they make the calls that can block on a file system. Each takes a
 * token from a pipe, does what it says, and writes it back to another. A token is an
 * operation and the index of an item, in one write.
 */

enum hands_operation { HANDS_FLUSH, HANDS_FREEZE, HANDS_THAW };

#define HANDS_MAX_ITEMS 4096

struct hands {
	int tokens;  /* where the worker writes tokens, once they are started */
	int pending; /* tokens that have not come back */
};

/**
 * hands_start_freezers() - one process with a thread for each hand.
 * @done: where they write back what they are through with
 * @foreign: a descriptor that is not for them
 *
 * Threads cost a fraction of what processes do, to start and to switch between. Their process
 * outlives the worker: each of them ends by itself, once it has undone what came too late.
 */
bool hands_start_freezers(struct hands *hands, struct worker_shared *shared, uint32_t count, int done,
			  int foreign);

/**
 * hands_start_thawers() - a process for each hand, with all its memory locked.
 * @freezers: whose pipe is not for them
 *
 * One of them may be killed, and the others go on.
 */
bool hands_start_thawers(struct hands *hands, struct worker_shared *shared, uint32_t count, int done,
			 int foreign, const struct hands *freezers);

void hands_give(struct hands *hands, enum hands_operation operation, uint32_t index);

/* What a token that came back says. */
enum hands_operation hands_operation(uint32_t token);
uint32_t hands_index(uint32_t token);

#endif
