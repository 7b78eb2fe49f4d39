/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_WORKER_H
#define AGENT_WORKER_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "target.h"

/*
 * The userland freezer: a process of its own, forked by the agent, which may
 * get stuck in the kernel while the agent goes on. It uses neither GLib nor the
 * heap once it runs, has its memory locked, and thaws what it froze when it is
 * told to, when its time is up, and when the agent goes away.
 *
 * What it does is visible in memory shared with the agent, so that the agent
 * can thaw should the worker be killed.
 */

enum worker_state {
	WORKER_IDLE,
	WORKER_FREEZING,
	WORKER_FROZEN,
	WORKER_THAWED,
	WORKER_FAILED,      /* error says why */
	WORKER_HELD,        /* frozen by somebody else: left alone */
	WORKER_UNSUPPORTED, /* flushed, but this type cannot be frozen from userland */
	WORKER_LOST,        /* somebody else thawed it while we held it */
};

/* One file system; shared. */
struct worker_item {
	_Atomic uint32_t state; /* enum worker_state */
	int32_t error;          /* positive errno */
	uint32_t rank;          /* lower ones are frozen first and thawed last */
	int32_t fd;             /* on it, in the worker; -1 before it is open */
	uint32_t flush_us, freeze_us, thaw_us;
};

struct worker_shared {
	_Atomic uint32_t abort; /* a freeze that comes through now is undone at once */
	uint32_t ranks;         /* highest rank + 1 */
	uint32_t length;
	uint32_t flush_us;      /* all of the flush before the first freeze */
	uint32_t freeze_us;     /* from the first freeze to the last */
	struct worker_item items[];
};

/* Messages are packets of one struct worker_message. */
enum worker_message_type {
	WORKER_SAYS_OPENED, /* number: index of an item; carries its descriptor */
	WORKER_SAYS_FROZEN,
	WORKER_SAYS_THAWED, /* number: enum worker_reason */
	WORKER_DO_THAW,
	WORKER_DO_EXTEND,   /* number: ms from now to the deadline */
};

enum worker_reason {
	WORKER_REASON_REQUEST,
	WORKER_REASON_AGENT,    /* the agent is gone */
	WORKER_REASON_DEADLINE,
	WORKER_REASON_ERROR,    /* an item is WORKER_FAILED */
};

struct worker_message {
	uint32_t type;
	uint32_t number;
};

/**
 * worker_freeze() - the worker's life, from opening to thawing.
 * @shared: states of the file systems, all WORKER_IDLE
 * @targets: what to open, as many as @shared has items
 * @socket: SOCK_SEQPACKET to the agent
 * @timeout_ms: deadline, counted from the first freeze
 */
_Noreturn void worker_freeze(struct worker_shared *shared, const struct target *targets,
			     int socket, uint32_t timeout_ms);

/**
 * worker_thaw() - thaw what a worker that died has left frozen, and exit.
 *
 * The items' descriptors are the agent's, inherited.
 */
_Noreturn void worker_thaw(struct worker_shared *shared, int socket);

#endif
