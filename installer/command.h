/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs of the guest, run in its root: by chroot where that is not "/", with
 * /proc and a minimal /dev that exist only for the program, an environment that
 * says nothing of this machine, and nothing on standard input.
 */
#ifndef SETUP_COMMAND_H
#define SETUP_COMMAND_H

#include <glib.h>

#include "root.h"

enum command_flags {
	COMMAND_DEFAULT = 0,
	/* A signal to setup ends the program as well, rather than waiting for it. */
	COMMAND_INTERRUPTIBLE = 1 << 0,
};

/*
 * command_run() - run @argv and wait for it
 * @output: what it printed, both streams, the end of it if it was much; may be NULL
 *
 * A program that leaves another behind which keeps its output open is not waited for.
 * Return: its exit status, 128 + signal if it was killed, -1 with @err if it could not be started.
 */
int command_run(const struct root *root, const char *const *argv, enum command_flags flags,
		GString *output, GError **err);

/* command_last_line() - the last line with something on it: a program's own words; free it */
char *command_last_line(const GString *output);

/* command_catch_signals() - INT, TERM and HUP ask to stop instead of killing; PIPE is ignored */
void command_catch_signals(void);

/* command_interrupted() - the signal that asked to stop, or 0 */
int command_interrupted(void);

#endif
