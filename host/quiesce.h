/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_QUIESCE_H
#define HOST_QUIESCE_H

#include <stdbool.h>
#include <stdint.h>

#include "agent.h"
#include "guard.h"
#include "qmp.h"

/*
 * Making a guest quiet for a snapshot, in the best way that it offers: by its kernel,
 * by its agent, or, when it has neither, by stopping its virtual processors.
 */
struct quiesce_request {
	const char *device, *agent; /* sockets; NULL: not to be tried */
	bool channel;               /* @device is a port of the guest */
	const char *require;        /* the name of the only way, "frozen" for the first two, NULL for any */
	int timeout_ms;             /* for each question */
	int deadline_ms;            /* the guest thaws this long after it last heard of us */
	int hook_timeout_ms;        /* 0: the guest's own */
	bool no_hooks;
};

struct quiesce_way;

struct quiesce {
	const struct quiesce_request *request;
	struct qmp *qmp;
	const struct quiesce_way *way; /* how it was done */
	struct agent *agent;
	struct guard guard;
	int was_running;
	long long nr_frozen;   /* file systems */
	int64_t began, ended;  /* when it was quiet, and was not to be any more */
	int64_t next_keep;
	char why[512];         /* after a failure, for people */
};

/** quiesce_is_level() - whether @name can be required. */
bool quiesce_is_level(const char *name);

/** quiesce_name() - the way that was taken; quiesce_is_frozen() - whether file systems are consistent. */
const char *quiesce_name(const struct quiesce *quiesce);
bool quiesce_is_frozen(const struct quiesce *quiesce);

/**
 * quiesce_begin() - make the guest quiet. Ways that the guest has not are passed over; one
 * that it has and that fails is a failure.
 *
 * Return: 0; or a negative errno, when the guest runs as before.
 */
int quiesce_begin(struct quiesce *quiesce, const struct quiesce_request *request, struct qmp *qmp);

/** quiesce_keep() - to be called now and then while it lasts: moves the guest's deadline. */
void quiesce_keep(struct quiesce *quiesce);

/**
 * quiesce_end() - let the guest go on, whatever signal came.
 *
 * Return: 0; -ESTALE when it had not been quiet all the time; or another negative errno.
 */
int quiesce_end(struct quiesce *quiesce);

#endif
