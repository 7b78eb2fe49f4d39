/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_SNAPSHOT_H
#define HOST_SNAPSHOT_H

#include "disks.h"
#include "quiesce.h"

/* A snapshot of a guest's disks, taken while the guest is quiet. */
struct snapshot_request {
	const char *qmp; /* socket of QEMU's monitor */
	struct disks_request disks;
	char **command; /* run this in place of QEMU's snapshot; NULL for none */
	bool quiet_command; /* its output goes to standard error */
	struct quiesce_request quiesce;
};

/**
 * snapshot_take() - make the guest quiet, snapshot, let it go on, whatever happens.
 * @result: what was done, also when it turned out not to be consistent; json_decref() it
 * @why: after a failure, for people; free() it
 *
 * Return: 0; -ENOTCONN when QEMU does not answer; -ESTALE when the snapshot is there, but
 * was not consistent by its end; or another negative errno, and there is none.
 */
int snapshot_take(const struct snapshot_request *request, json_t **result, char **why);

#endif
