/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * os-release and lsb-release files: shell assignments, parsed and never executed.
 */
#ifndef SETUP_OSRELEASE_H
#define SETUP_OSRELEASE_H

#include <glib.h>

/*
 * osrelease_parse() - keys and values of @len bytes
 *
 * Quotes and backslashes as in the shell; CRLF, blank lines and comments are taken; lines that are
 * no assignment, values that are no UTF-8 or hold control characters, and all after a NUL are
 * passed over. The last assignment wins. Values are at most OSRELEASE_VALUE_MAX bytes.
 * Return: a table of strings, never NULL; unref it.
 */
GHashTable *osrelease_parse(const char *text, gsize len);
#define OSRELEASE_VALUE_MAX 256

#endif
