/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_SOCKETS_H
#define HOST_SOCKETS_H

#include <stdint.h>

/* Unix stream sockets. Each returns a descriptor or a negative errno. */

/* In the place of a socket nobody listens on any more; -EADDRINUSE when one does. */
int socket_listen(const char *path);
int socket_connect(const char *path);
/* Whoever listens may have a queue of others before us; -ETIMEDOUT then. 0: as long as it takes. */
int socket_connect_within(const char *path, int64_t timeout_ms);
/* The one of that name that the service manager passed; -ENOENT when it did not. */
int socket_passed(const char *name);

#endif
