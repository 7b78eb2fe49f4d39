/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_SYSFS_H
#define AGENT_SYSFS_H

#include <glib.h>

/* Small files of the kernel, each with one value. */

/**
 * sysfs_read() - the value of an attribute, without white space around it.
 * @format: its path, as for printf
 *
 * Return: owned by the caller; NULL and errno when it cannot be read.
 */
char *sysfs_read(const char *format, ...) G_GNUC_PRINTF(1, 2);

/** sysfs_write() - set an attribute. Return: 0, or a negative errno. */
int sysfs_write(const char *path, const char *value);

/** sysfs_link() - the last component of a symbolic link's target, or NULL. */
char *sysfs_link(const char *format, ...) G_GNUC_PRINTF(1, 2);

/**
 * sysfs_list() - the sorted names in a directory that begin with @prefix.
 *
 * "cpu2" comes before "cpu10". Return: NULL-terminated, owned by the caller;
 * NULL and errno when the directory cannot be read.
 */
char **sysfs_list(const char *path, const char *prefix);

/** sysfs_number() - the number that is all of @text behind @prefix; FALSE when it is none. */
gboolean sysfs_number(const char *text, const char *prefix, guint64 *number);

#endif
