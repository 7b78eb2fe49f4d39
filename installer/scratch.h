/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small file system to try things on, in a loop device. Its image, its mount
 * and all else of it are in a mount namespace of this process, below a tmpfs that
 * only that has: when the process ends, however it does, nothing of it is left.
 */
#ifndef SETUP_SCRATCH_H
#define SETUP_SCRATCH_H

#include "root.h"

#define SCRATCH_BASE "/run"
#define SCRATCH_DIR  SCRATCH_BASE "/guest-tools-scratch"

struct scratch {
	const char *type;
	int fd; /* of its top directory: what thaws it in any case */
};

/* scratch_make() - from now on this process has a mount namespace of its own */
gboolean scratch_make(const struct root *root, struct scratch *scratch, GError **err);

/* scratch_clear() - thaw it if it is frozen, and unmount it */
void scratch_clear(struct scratch *scratch);

#endif
