/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_LOGINS_H
#define AGENT_LOGINS_H

#include <glib.h>

struct login {
	char *user;
	gint64 time; /* of the earliest login that lasts, in microseconds since 1970 */
};

/**
 * logins_read() - who is logged in, each user once.
 *
 * From utmp, as glibc's programs write it; where a system has none any more,
 * from the sessions of systemd-logind.
 *
 * Return: (element-type struct login): a new array.
 */
GPtrArray *logins_read(void);

#endif
