/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_GUARD_H
#define HOST_GUARD_H

#include <stdint.h>

#include "qmp.h"

/*
 * A process that lets a stopped guest go on when we end without having done so, by
 * SIGKILL or for lack of memory. It shares our connection, as a monitor serves one
 * client at a time, and is silent as long as we are there.
 */
struct guard {
	int alive; /* its other end tells the guard that we are there */
};

/** guard_start() - before the guest is stopped. Return: 0 or a negative errno. */
int guard_start(struct guard *guard, struct qmp *qmp);

/** guard_end() - when the guest goes on again. */
void guard_end(struct guard *guard);

#endif
