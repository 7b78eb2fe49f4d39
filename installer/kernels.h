/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernels installed in a root: every one, not the one that happens to run.
 */
#ifndef SETUP_KERNELS_H
#define SETUP_KERNELS_H

#include "root.h"

struct kernel {
	char *release;
	char *headers;	  /* directory to build modules in, or NULL */
	gboolean running; /* only ever TRUE in the running system's root */
	char *module;	  /* where virtio_fsfreeze.ko is installed for it, or NULL */
};

/* kernels_detect() - struct kernel by version, oldest first; unref it */
GPtrArray *kernels_detect(const struct root *root);

/* kernels_find_module() - where the module is for one release, or NULL; free it */
char *kernels_find_module(const struct root *root, const char *release);

#endif
