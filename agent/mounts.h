/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_MOUNTS_H
#define AGENT_MOUNTS_H

#include <glib.h>
#include <sys/types.h>

/* A mounted file system that can be frozen: one for each superblock. */
struct mount {
	dev_t dev;  /* of the superblock, as mountinfo(5) tells it */
	char *path; /* where it is mounted; may be hidden under another mount */
	char *type;
	char *source;
	guint rank; /* 0 is frozen first: it lies on a file of one with a higher rank */
};

/**
 * mounts_read() - the writable file systems on block devices, in mount order.
 *
 * Network and FUSE file systems are not among them and are never touched, so
 * that one which hangs hangs nobody else.
 *
 * Return: (element-type struct mount): a new array, or NULL and an error.
 */
GPtrArray *mounts_read(GError **error);

/**
 * mounts_add_namespaces() - those that only other mount namespaces have, as of containers.
 *
 * Their paths are below /proc/PID/root, of a process that is there.
 */
void mounts_add_namespaces(GPtrArray *mounts);

/**
 * mounts_list() - all file systems on block devices, also those that are read-only.
 *
 * For reports; each once, in mount order, as with mounts_read().
 */
GPtrArray *mounts_list(GError **error);

/** mounts_find() - the one with that number, or NULL. */
struct mount *mounts_find(GPtrArray *mounts, dev_t dev);

/** mount_block_device() - the device below; that of the source where @mount has its own. */
dev_t mount_block_device(const struct mount *mount);

/**
 * mounts_select() - keep only the file systems that are mounted at these paths.
 * @mounts: from mounts_read()
 * @paths: NULL-terminated; a bind mount selects its whole file system
 *
 * Return: FALSE and an error for a path where nothing freezable is mounted.
 */
gboolean mounts_select(GPtrArray *mounts, const char *const *paths, GError **error);

/** mounts_rank() - set the ranks, from what loop, dm and md devices lie on. */
void mounts_rank(GPtrArray *mounts);

#endif
