/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_PROGRAM_H
#define AGENT_PROGRAM_H

#include <glib.h>

/**
 * program_run() - run one of the guest's programs to its end; for tasks, as it blocks.
 * @argv: no shell is involved; the first is looked for in the usual places
 * @input: its standard input, or NULL
 *
 * Return: FALSE and an error with the last that it said, when it could not be
 * run (errno is then ENOENT if there is none) or did not end with status 0.
 */
gboolean program_run(const char *const *argv, const char *input, GError **error);

/** program_exists() - whether program_run() would find it. */
gboolean program_exists(const char *name);

#endif
