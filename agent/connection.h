/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_CONNECTION_H
#define AGENT_CONNECTION_H

#include <glib.h>

/*
 * An open descriptor with the host at its other end, on the main loop.
 *
 * Watched edge-triggered: a virtio port whose host side is closed reports a
 * hang-up for as long as it lasts, and polling for that would never sleep.
 */
struct connection;

/*
 * The connection is over (@errnum 0) or broken (@errnum says how); the receiver
 * frees it. A device whose peer went away is not over: the next one may come.
 */
typedef void (*connection_closed)(struct connection *connection, int errnum, gpointer data);

/**
 * connection_new() - serve the peer on @fd, which is taken over.
 * @reopens: a device, whose end of file means that the host side was closed and
 *	may be opened again; otherwise a socket
 */
struct connection *connection_new(int fd, gboolean reopens, connection_closed closed, gpointer data,
				  GError **error);
void connection_free(struct connection *connection);

/** connection_fd() - for fstat(2) and the like. */
int connection_fd(const struct connection *connection);

#endif
