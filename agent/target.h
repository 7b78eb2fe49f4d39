/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_TARGET_H
#define AGENT_TARGET_H

#include <sys/types.h>

/* A file system to open, wherever it is mounted. */
struct target {
	const char *path; /* where it is mounted, maybe below another mount */
	dev_t dev;
	const char *type;
};

/**
 * target_open() - a descriptor on the file system, for FIFREEZE and FITHAW.
 *
 * Return: -1 and errno when something else is at the path
 */
int target_open(const struct target *target);

/**
 * target_open_hidden() - the same for one below another mount.
 *
 * From the first call on the process has a mount namespace of its own, in which what was in
 * the way is gone: for a process that has nothing else to do, after all target_open().
 */
int target_open_hidden(const struct target *target);

#endif
