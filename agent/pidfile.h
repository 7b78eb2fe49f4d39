/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_PIDFILE_H
#define AGENT_PIDFILE_H

#include <glib.h>

/**
 * pidfile_take() - write our process id to @path and keep the file locked.
 *
 * Return: FALSE and an error that names the holder when another agent has it.
 */
gboolean pidfile_take(const char *path, GError **error);

/** pidfile_remove() - remove what pidfile_take() made, if it did. */
void pidfile_remove(void);

#endif
