/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_TRANSPORT_H
#define AGENT_TRANSPORT_H

#include <glib.h>

/* The method of an agent that is the helper of another. */
#define TRANSPORT_HELPER "helper"

/* The ways to the host, as -m names them. */
struct transport {
	const char *method;
	const char *default_path; /* NULL: must be given */
	gboolean listens;         /* a socket that accepts clients; otherwise a device */
	/* Return: a non-blocking, close-on-exec descriptor, or -1 and an error with errno kept. */
	int (*open)(const char *path, GError **error);
	/* Undo what open() left in the file system; may be NULL. */
	void (*clean)(const char *path);
	int family;               /* of its sockets */
	const char *help;
};

/**
 * transport_activated() - take the listening socket that a service manager passed.
 *
 * By LISTEN_PID and LISTEN_FDS, as sd_listen_fds(3) documents them; both are unset.
 *
 * Return: the descriptor, non-blocking; -1 without an error when none was passed,
 * -1 and an error when what was passed does not fit @transport.
 */
int transport_activated(const struct transport *transport, GError **error);

/** transport_next() - all rows, in the order of --help. NULL starts and ends. */
const struct transport *transport_next(const struct transport *transport);

/** transport_find() - Return: the row of that name, or NULL and an error that lists them. */
const struct transport *transport_find(const char *method, GError **error);

#endif
