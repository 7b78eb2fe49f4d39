/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_ITEM_H
#define AGENT_ITEM_H

#include <stdint.h>
#include <sys/types.h>

#include "worker.h"

/*
 * What is done with one file system of the worker's, from whatever process or thread. Its
 * state says who may do what: whoever changes it away from WORKER_FROZEN is the one who thaws.
 */

/* CLOCK_MONOTONIC, us. */
int64_t item_now_us(void);

/* Sets the state that @errnum of opening or FIFREEZE means. */
void item_failed(struct worker_item *item, int errnum);

void item_flush(struct worker_item *item);

/**
 * item_freeze() - freeze it, and undo that when it comes too late.
 * @abort: set when all is over
 * @parent: our parent, without whom nobody thaws later
 */
void item_freeze(struct worker_item *item, const _Atomic uint32_t *abort, pid_t parent);

/* Thaws it if it is in the state @from: WORKER_FROZEN, or WORKER_FREEZING by whoever died. */
void item_thaw(struct worker_item *item, uint32_t from);

#endif
