/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_HOOK_PLACES_H
#define AGENT_HOOK_PLACES_H

#include <glib.h>

/* Where hooks are: for the runner that runs them, and the agent, which starts no runner for none. */

#define HOOK_RUN_DIRECTORY "/run/guest-tools"
/* The hooks whose freeze was begun, as long as they are not thawed. */
#define HOOK_RECORD HOOK_RUN_DIRECTORY "/hooks-begun"

/* Ready hooks for databases; each of them only where its server is installed. */
#define HOOK_READY_DIRECTORY HOOK_LIBEXEC_DIRECTORY "/fsfreeze-hook.d"

/* A place is left out when the program @unless exists. */
struct hook_place {
	const char *path;
	gboolean is_directory;
	const char *unless;
};

/* The last one has no path. */
extern const struct hook_place hook_places[];

gboolean hook_is_program(const char *path);

/**
 * hook_directory_list() - the hooks in a directory that have something to do here.
 *
 * Return: their paths, sorted; empty when there is no directory.
 */
GPtrArray *hook_directory_list(const char *directory);

/**
 * hook_places_any() - whether the runner has anything to do, for a freeze or a thaw.
 */
gboolean hook_places_any(void);

#endif
