/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_SANDBOX_H
#define HOST_SANDBOX_H

/**
 * sandbox_enter() - from now on only what serving open sockets takes.
 *
 * Any other system call ends the process.
 *
 * Return: 0 or a negative errno.
 */
int sandbox_enter(void);

#endif
