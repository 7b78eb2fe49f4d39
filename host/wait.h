/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_WAIT_H
#define HOST_WAIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Waiting, bounded in time, and where it matters also ended by a signal. */

/* Monotonic clock, in ms; where a time is named @end, it is of this clock. */
int64_t wait_now_ms(void);

/* Return: 0 when @fd has one of @events, -ETIMEDOUT, -EINTR, or another negative errno. */
int wait_for_fd(int fd, short events, int64_t end);

/* Until @pid, a child, has ended: 0 and its status as waitpid(2) has it; or as above. */
int wait_for_child(pid_t pid, int64_t end, int *status);

/**
 * wait_catch_signals() - SIGINT, SIGTERM and SIGHUP end no longer the process but its
 * waits, with -EINTR: the present or the next one.
 *
 * To be called before wait_for_child(), too.
 */
void wait_catch_signals(void);

/* While @on, waits go on whatever comes: for what has to be finished. */
void wait_shield(bool on);

/* The signal that came, or 0. */
int wait_caught(void);

/* In a child: signals are again as they were before wait_catch_signals(). */
void wait_release_signals(void);

#endif
