/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_DISKS_H
#define HOST_DISKS_H

#include <stdint.h>

#include "qmp.h"

/*
 * The disks of a guest that are to be snapshotted, and what QEMU is to do for it: in
 * one transaction, all or none.
 */
struct disks_request {
	const char *const *named; /* NODE=FILE; with internal NODE; NULL-terminated, may be empty */
	const char *into;         /* directory for the files of all writable disks, or NULL */
	const char *internal;     /* name of a snapshot within the images, or NULL */
};

struct disks {
	json_t *actions; /* of the transaction */
	json_t *names;   /* of the disks, in the same order */
	json_t *files;   /* that QEMU is to make; none with internal */
	char why[512];   /* after a failure, for people */
};

/**
 * disks_plan() - ask QEMU what disks there are, and plan. Nothing is changed.
 *
 * Return: 0 or a negative errno. disks_clear() @disks in any case.
 */
int disks_plan(struct disks *disks, const struct disks_request *request, struct qmp *qmp, int64_t end);
void disks_clear(struct disks *disks);

/** disks_remove_files() - of a transaction that failed: none of them was there before. */
void disks_remove_files(const struct disks *disks);

#endif
