/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Used between fork and exit: no GLib, no heap but a thread's stack. */
#include "hands.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "item.h"

#define MAX_THREADS 64

/* Of which a hand uses one or two pages. */
#define STACK_BYTES 65536

#define TOKEN(operation, index) ((uint32_t)(operation) << 16 | (index))

enum hands_operation hands_operation(uint32_t token)
{
	return token >> 16;
}

uint32_t hands_index(uint32_t token)
{
	return token & 0xffff;
}

void hands_give(struct hands *hands, enum hands_operation operation, uint32_t index)
{
	uint32_t token = TOKEN(operation, index);

	if (write(hands->tokens, &token, sizeof(token)) == sizeof(token))
		hands->pending++;
}

/* What all hands of a process have in common. */
struct hand {
	struct worker_shared *shared;
	int tokens, done;
	pid_t parent;
};

static void *work(void *data)
{
	const struct hand *hand = data;
	uint32_t token;

	while (read(hand->tokens, &token, sizeof(token)) == sizeof(token)) {
		struct worker_item *item = &hand->shared->items[hands_index(token)];

		switch (hands_operation(token)) {
		case HANDS_FLUSH:
			item_flush(item);
			break;
		case HANDS_FREEZE:
			item_freeze(item, &hand->shared->abort, hand->parent);
			break;
		case HANDS_THAW:
			item_thaw(item, WORKER_FROZEN);
			break;
		}
		if (write(hand->done, &token, sizeof(token)) < 0)
			break;
	}
	return NULL;
}

/* The process ends with its last thread, so that each can undo its freeze. */
static _Noreturn void work_in_threads(struct hand *hand, uint32_t count)
{
	pthread_t threads[MAX_THREADS];
	pthread_attr_t attributes;
	uint32_t started = 0;

	/*
	 * What they touch stays in memory. Having all of it there beforehand would be most of
	 * the time that a start takes; where the kernel (before 4.4) cannot do without, what
	 * there is now is enough.
	 */
	if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
		mlockall(MCL_CURRENT);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	while (started + 1 < count && started < MAX_THREADS &&
	       pthread_create(&threads[started], &attributes, work, hand) == 0)
		started++;
	work(hand);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	_exit(0);
}

/* A thaw must not wait for memory that only a thaw makes free. */
static _Noreturn void work_alone(struct hand *hand)
{
	mlockall(MCL_CURRENT);
	work(hand);
	_exit(0);
}

/* The pipe of @hands; its reading end is the hands'. */
static bool pipe_open(struct hands *hands, struct hand *hand)
{
	int tokens[2];

	if (pipe2(tokens, O_CLOEXEC) < 0)
		return false;
	hands->tokens = tokens[1];
	hand->tokens = tokens[0];
	hand->parent = getpid();
	return true;
}

bool hands_start_freezers(struct hands *hands, struct worker_shared *shared, uint32_t count, int done,
			  int foreign)
{
	struct hand hand = { .shared = shared, .done = done };
	pid_t pid;

	if (!pipe_open(hands, &hand))
		return false;
	pid = fork();
	if (pid == 0) {
		close(hands->tokens);
		close(foreign);
		work_in_threads(&hand, count);
	}
	close(hand.tokens);
	return pid > 0;
}

bool hands_start_thawers(struct hands *hands, struct worker_shared *shared, uint32_t count, int done,
			 int foreign, const struct hands *freezers)
{
	struct hand hand = { .shared = shared, .done = done };
	pid_t pid = 1;

	if (!pipe_open(hands, &hand))
		return false;
	for (uint32_t i = 0; i < count && pid > 0; i++) {
		pid = fork();
		if (pid == 0) {
			close(hands->tokens);
			close(foreign);
			close(freezers->tokens);
			work_alone(&hand);
		}
	}
	close(hand.tokens);
	return pid > 0;
}
