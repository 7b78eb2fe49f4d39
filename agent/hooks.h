/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_HOOKS_H
#define AGENT_HOOKS_H

#include <glib.h>

/*
 * Calls the hook runner, which calls the hooks: in a process of its own, with
 * the main loop going on, and never for longer than its time. Where there is a
 * helper, it is the one who does it: hooks may do whatever they like.
 */

/* @error is NULL when all went well, and otherwise says which hook failed; owned by the receiver. */
typedef void (*hooks_done)(GError *error);

/**
 * hooks_init() - where the runner is and how long it may take.
 * @runner: path, or NULL to run no hooks at all
 * @timeout_ms: the runner itself ends hooks after this time, all together
 */
void hooks_init(const char *runner, guint timeout_ms);

/** hooks_run() - call the runner with @verb, "freeze" or "thaw"; one at a time. */
void hooks_run(const char *verb, hooks_done done);

/** hooks_cancel() - end the running call early; the runner undoes what it began. */
void hooks_cancel(void);

#endif
