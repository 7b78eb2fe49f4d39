/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_CONTROL_H
#define HOST_CONTROL_H

#include <poll.h>

#include "backend.h"

/*
 * The control socket: programs of the host send commands there and get replies
 * and events, in the same messages that go to the guest.
 */
#define CONTROL_CLIENTS 8

struct client {
	int fd; /* or -1 */
	uint32_t id;
	size_t have;
	unsigned char bytes[BACKEND_COMMAND_MAX];
};

struct control {
	struct backend *backend;
	uint32_t next_id;
	struct client clients[CONTROL_CLIENTS];
};

void control_init(struct control *control, struct backend *backend);
/* Takes @fd over: a client of that socket, or closed when there are too many. */
void control_add(struct control *control, int fd);
void control_deliver(struct control *control, uint32_t client, const void *message, size_t length);
/* @fds: one for each client, in order; fd is -1 where there is none. */
void control_poll(const struct control *control, struct pollfd *fds);
void control_run(struct control *control, const struct pollfd *fds);
/* Read once from a client, and do what is complete. For control_run(), and the fuzzer. */
void control_read(struct control *control, struct client *client);

#endif
