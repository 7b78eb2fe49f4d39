/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_AUTHORIZED_KEYS_H
#define AGENT_AUTHORIZED_KEYS_H

#include <glib.h>

/*
 * The file ~/.ssh/authorized_keys of a user. What leads to it belongs to that
 * user and is not trusted: these functions become the user, for good, and follow
 * no symbolic link. They are for a process that does nothing else.
 */

/** authorized_keys_become() - be that user from now on. Return: FALSE and an error. */
gboolean authorized_keys_become(const char *name, GError **error);

/**
 * authorized_keys_read() - the lines of the user we are.
 * @missing_ok: no file is an empty file
 *
 * Return: NULL-terminated, with comments and empty lines; NULL and an error.
 */
char **authorized_keys_read(gboolean missing_ok, GError **error);

/** authorized_keys_write() - replace them, at once or not at all; makes ~/.ssh as well. */
gboolean authorized_keys_write(const char *const *lines, GError **error);

#endif
