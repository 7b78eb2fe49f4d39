/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_TASK_H
#define AGENT_TASK_H

#include <glib.h>
#include <jansson.h>

#include "request.h"

/*
 * Work that may block, in a child process of its own: a hung file system then
 * hangs that child alone. The child has no descriptors but those given to it,
 * ends when the agent does, and may use whatever blocks.
 */

/* What the child has of the outside; for its function alone. */
struct task_io {
	int out;          /* to the agent; see task_write() */
	int fd;           /* in: what task_start() was given, or -1; out: what to hand back */
	gboolean started; /* something was written */
};

/*
 * The work. Return: its result; or NULL and an error; or NULL and no error when
 * it has written the text of its result itself. @arguments is the task's copy.
 */
typedef json_t *(*task_run)(struct task_io *io, json_t *arguments, GError **error);

/*
 * Told once of the end, in the agent. @text is the result as JSON, and NULL with
 * an @error, which is taken over. @fd is what the child handed back, or -1.
 */
typedef void (*task_done)(const char *text, gsize length, int fd, GError *error, gpointer data);

/* No limit: the work takes as long as it takes. */
#define TASK_NO_TIMEOUT 0

/**
 * task_start() - run a function in a child.
 * @fd: a descriptor for it, or -1; stays the caller's
 * @timeout_s: the child is killed after so many seconds, and @done told at once,
 *	whether it can be killed or not
 */
void task_start(task_run run, json_t *arguments, int fd, guint timeout_s, task_done done,
		gpointer data);

/** task_answer() - the same, with the result as the answer to @request. */
void task_answer(struct request *request, task_run run, json_t *arguments, guint timeout_s);

/** task_finish() - a task_done that answers the request which is its @data. */
void task_finish(const char *text, gsize length, int fd, GError *error, gpointer request);

/**
 * task_write() - in the child: write a piece of the result.
 *
 * A child whose agent is gone is ended here.
 */
void task_write(struct task_io *io, const char *text, gsize length);

#endif
