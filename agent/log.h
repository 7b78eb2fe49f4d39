/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_LOG_H
#define AGENT_LOG_H

#include <glib.h>

/**
 * log_init() - send what g_message() and its kin say to a file or to stderr.
 * @path: the file to append to, or NULL for stderr
 * @verbose: also informational and debug messages
 *
 * May be called again, as for a file that was rotated. Return: FALSE and an error;
 * then all is as before.
 */
gboolean log_init(const char *path, gboolean verbose, GError **error);

/**
 * log_hold() - keep messages in memory from now on.
 *
 * For as long as file systems are frozen: whoever reads our messages may itself
 * be blocked on one, and would block us with it. At most LOG_HELD_MAX messages
 * are kept, and the count of what had to be dropped.
 */
void log_hold(void);

/** log_release() - write what was held, and write at once from now on. */
void log_release(void);

#define LOG_HELD_MAX 256

#endif
