/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_CHILD_H
#define AGENT_CHILD_H

#include <glib.h>
#include <sys/types.h>

/*
 * Children and signals on the main loop, through one signalfd. GLib's own
 * sources for them start a thread, of which this agent has none.
 */

typedef void (*child_exited)(int wait_status, gpointer data);
typedef void (*signal_arrived)(int signum);

/**
 * signals_init() - block the signals below and watch for them on the main loop.
 * @arrived: told of SIGTERM, SIGINT and SIGHUP
 */
gboolean signals_init(signal_arrived arrived, GError **error);

/** signals_restore() - undo the blocking; for a child, between fork and exec. */
void signals_restore(gpointer unused);

/**
 * child_become_ordinary() - in a child, before it execs a program of the guest.
 *
 * Signals and umask are what a service's are, and it is no longer spared when
 * memory is short.
 */
void child_become_ordinary(void);

/**
 * child_close_others() - in a child that does not exec: close what it inherited.
 *
 * Standard input, output and error are kept, and the two given; -1 is none. A
 * child that kept the channel, or a freeze, would keep it from the agent's heirs.
 */
void child_close_others(int keep, int keep_too);

/** child_watch() - tell @exited once, when @pid is over and reaped. */
void child_watch(pid_t pid, child_exited exited, gpointer data);

#endif
