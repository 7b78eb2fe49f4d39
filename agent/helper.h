/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_HELPER_H
#define AGENT_HELPER_H

#include <glib.h>
#include <jansson.h>

#include "task.h"

/*
 * The agent's other process, which does what the sandbox of its unit forbids: programs,
 * files, passwords, keys, the clock and hooks. It is an agent as well (method "helper"), in a
 * unit of its own that starts when it is asked. Its replies come in any order.
 *
 *	agent:  {"execute": NAME, "arguments": {...}, "id": NUMBER} <newline>
 *	helper: {"return": VALUE, "id": NUMBER} <newline>, or "error" as for a host
 */

/* Commands that only a helper has. */
#define HELPER_RUN_HOOKS    "guest-tools-run-hooks"
#define HELPER_CANCEL_HOOKS "guest-tools-cancel-hooks"

/** helper_init() - ask the helper on this socket; NULL: there is none, and all is done here. */
void helper_init(const char *socket);

/** helper_is_used() - whether there is to be a helper. */
gboolean helper_is_used(void);

/** helper_is_there() - whether it can be asked now: it is off when its socket is. */
gboolean helper_is_there(void);

/**
 * helper_ask() - have the helper run a command.
 * @done: gets the text of the value, or the error; also when the helper goes away
 */
void helper_ask(const char *command, json_t *arguments, task_done done, gpointer data);

#endif
