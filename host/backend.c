/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "backend.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "log.h"

enum { RING_COMMANDS = 0, RING_MESSAGES = 1 };

/* How many messages of the guest are read before others get their turn. */
#define TURN 64

void backend_init(struct backend *backend, backend_deliver *deliver)
{
	static struct virtio_fsfreeze_config config;

	config.magic = htole32(FSFREEZE_WIRE_MAGIC);
	config.version = htole32(FSFREEZE_WIRE_VERSION);
	memset(backend, 0, sizeof(*backend));
	backend->deliver = deliver;
	vhost_init(&backend->vhost,
		   1u << VIRTIO_FSFREEZE_F_HOOKS | 1u << VIRTIO_FSFREEZE_F_EXTEND |
			   1u << VIRTIO_FSFREEZE_F_REPORT | 1u << VIRTIO_FSFREEZE_F_LIST |
			   1u << VIRTIO_FSFREEZE_F_STATISTICS,
		   &config, sizeof(config));
}

static bool has_driver(const struct backend *backend)
{
	return ring_is_running(&backend->vhost.rings[RING_COMMANDS]) &&
	       ring_is_running(&backend->vhost.rings[RING_MESSAGES]);
}

static void answer(struct backend *backend, struct pending *pending, uint16_t result)
{
	unsigned char message[sizeof(struct fsfreeze_msg)];
	size_t length = message_make(message, pending->type | FSFREEZE_MSG_REPLY, result,
				     pending->client_sequence, NULL, 0);

	pending->state = PENDING_FREE;
	backend->deliver(backend, pending->client, message, length);
}

static void give_up(struct backend *backend)
{
	for (unsigned int i = 0; i < BACKEND_PENDING; i++)
		if (backend->pending[i].state != PENDING_FREE)
			answer(backend, &backend->pending[i], FSFREEZE_RESULT_NO_DRIVER);
}

/* The one that has waited longest for a guest which is silent must give way. */
static struct pending *pending_new(struct backend *backend)
{
	struct pending *oldest = &backend->pending[0];

	for (unsigned int i = 0; i < BACKEND_PENDING; i++) {
		struct pending *pending = &backend->pending[i];

		if (pending->state == PENDING_FREE)
			return pending;
		if ((int32_t)(pending->sequence - oldest->sequence) < 0)
			oldest = pending;
	}
	answer(backend, oldest, FSFREEZE_RESULT_FAILED);
	return oldest;
}

static struct pending *pending_next(struct backend *backend)
{
	struct pending *next = NULL;

	for (unsigned int i = 0; i < BACKEND_PENDING; i++) {
		struct pending *pending = &backend->pending[i];

		if (pending->state == PENDING_WAITING &&
		    (!next || (int32_t)(pending->sequence - next->sequence) < 0))
			next = pending;
	}
	return next;
}

/* In the order they came. What finds no room stays until the guest makes some. */
static void send_waiting(struct backend *backend)
{
	struct ring *ring = &backend->vhost.rings[RING_COMMANDS];
	struct pending *pending;

	while ((pending = pending_next(backend))) {
		if (ring_write(ring, &backend->vhost.memory, pending->command, pending->length) < 0)
			return;
		pending->state = PENDING_SENT;
	}
}

int backend_command(struct backend *backend, uint32_t client, const void *command, size_t length)
{
	uint16_t type = message_type(command);
	struct pending *pending;

	if (length > BACKEND_COMMAND_MAX || message_result(command) || type >= FSFREEZE_MSG_EVENT)
		return -EBADMSG;
	pending = pending_new(backend);
	pending->state = PENDING_WAITING;
	pending->client = client;
	pending->client_sequence = message_sequence(command);
	pending->sequence = ++backend->sequence;
	pending->type = type;
	pending->length = (uint16_t)length;
	memcpy(pending->command, command, length);
	message_set_sequence(pending->command, pending->sequence);
	if (has_driver(backend))
		send_waiting(backend);
	else
		answer(backend, pending, FSFREEZE_RESULT_NO_DRIVER);
	return 0;
}

void backend_forget(struct backend *backend, uint32_t client)
{
	for (unsigned int i = 0; i < BACKEND_PENDING; i++)
		if (backend->pending[i].client == client)
			backend->pending[i].state = PENDING_FREE;
}

static void pass_on_reply(struct backend *backend, void *message, size_t length)
{
	for (unsigned int i = 0; i < BACKEND_PENDING; i++) {
		struct pending *pending = &backend->pending[i];

		if (pending->state != PENDING_SENT ||
		    pending->sequence != message_sequence(message) ||
		    (pending->type | FSFREEZE_MSG_REPLY) != message_type(message))
			continue;
		pending->state = PENDING_FREE;
		message_set_sequence(message, pending->client_sequence);
		backend->deliver(backend, pending->client, message, length);
		return;
	}
}

/* Only the frame is looked at here; what is in it, those who read it check. */
static void heard(struct backend *backend, void *bytes, size_t length)
{
	if (message_framed(bytes, length) != (ssize_t)length) {
		log_line("the guest sent %zu bytes that are no message", length);
		return;
	}
	if (message_type(bytes) == FSFREEZE_MSG_EVENT)
		backend->deliver(backend, BACKEND_EVERYBODY, bytes, length);
	else
		pass_on_reply(backend, bytes, length);
}

static void hear_guest(struct backend *backend)
{
	unsigned char bytes[FSFREEZE_MSG_MAX];
	struct ring *ring = &backend->vhost.rings[RING_MESSAGES];

	for (unsigned int i = 0; i < TURN; i++) {
		ssize_t length = ring_read(ring, &backend->vhost.memory, bytes, sizeof(bytes));

		if (length == -EAGAIN || length == -EIO)
			break;
		heard(backend, bytes, length < 0 ? 0 : (size_t)length);
	}
}

static bool is_broken(const struct backend *backend)
{
	return backend->vhost.rings[RING_COMMANDS].broken ||
	       backend->vhost.rings[RING_MESSAGES].broken;
}

void backend_run(struct backend *backend)
{
	bool was_broken = is_broken(backend);

	if (has_driver(backend)) {
		hear_guest(backend);
		send_waiting(backend);
	}
	if (!was_broken && is_broken(backend))
		log_line("the guest's rings are broken, waiting for it to start them anew");
	if (!has_driver(backend))
		give_up(backend);
}

void backend_disconnected(struct backend *backend)
{
	vhost_reset(&backend->vhost);
	give_up(backend);
}
