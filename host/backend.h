/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_BACKEND_H
#define HOST_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"
#include "vhost-user.h"

/*
 * The device: carries commands of clients to the guest, and its replies back to
 * those who asked. Each command gets a sequence number of ours on its way, so
 * clients cannot disturb each other, and a guest answers what it was asked once.
 */
#define BACKEND_PENDING 16
/*
 * A FREEZE with 24 names. A message has room for more, but each client and each command
 * that waits has a buffer of that size, in every daemon.
 */
#define BACKEND_COMMAND_MAX 1024

struct backend;

/**
 * typedef backend_deliver - a message for a client.
 * @client: as given to backend_command(), or BACKEND_EVERYBODY for an event
 */
typedef void backend_deliver(struct backend *backend, uint32_t client, const void *message,
			     size_t length);
#define BACKEND_EVERYBODY UINT32_MAX

struct pending {
	enum { PENDING_FREE, PENDING_WAITING, PENDING_SENT } state;
	uint32_t client;
	uint32_t client_sequence;
	uint32_t sequence;
	uint16_t type;
	uint16_t length;
	unsigned char command[BACKEND_COMMAND_MAX];
};

struct backend {
	struct vhost vhost;
	backend_deliver *deliver;
	uint32_t sequence;
	struct pending pending[BACKEND_PENDING];
};

void backend_init(struct backend *backend, backend_deliver *deliver);

/**
 * backend_command() - send what a client says to the guest.
 * @command: a message that message_framed() found
 *
 * Return: 0, an answer will come, or has; -EBADMSG when that is no command.
 */
int backend_command(struct backend *backend, uint32_t client, const void *command, size_t length);
/* The client went away; what it asked for is answered to nobody. */
void backend_forget(struct backend *backend, uint32_t client);
/* The guest has said something, made room, or its rings started or stopped. */
void backend_run(struct backend *backend);
/* QEMU went away, and with it the guest. */
void backend_disconnected(struct backend *backend);

#endif
