// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a program can write to the control socket, in pieces as the input has it,
 * and, the same way, to QEMU's: the first byte says which.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend.h"
#include "control.h"
#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct control control;

void log_line(const char *format, ...)
{
}

static void deliver(struct backend *backend, uint32_t client, const void *message, size_t length)
{
	assert(message_framed(message, length) == (ssize_t)length);
	control_deliver(&control, client, message, length);
}

static void to_control(struct backend *backend, const uint8_t *data, size_t size)
{
	char answers[4096];
	int pair[2];

	control_init(&control, backend);
	assert(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	control_add(&control, pair[0]);
	while (size > 0 && control.clients[0].fd >= 0) {
		size_t piece = data[0] % 70u < size - 1 ? data[0] % 70u : size - 1;

		if (piece > 0 && send(pair[1], data + 1, piece, MSG_NOSIGNAL) < 0)
			break;
		control_read(&control, &control.clients[0]);
		assert(control.clients[0].have <= sizeof(control.clients[0].bytes));
		while (recv(pair[1], answers, sizeof(answers), MSG_DONTWAIT) > 0)
			;
		data += piece + 1;
		size -= piece + 1;
	}
	if (control.clients[0].fd >= 0)
		close(control.clients[0].fd);
	close(pair[1]);
}

/* Each message: request, flags, payload's length, number of descriptors, payload. */
static void to_vhost(struct backend *backend, const uint8_t *data, size_t size)
{
	while (size >= 4) {
		/* Mostly one that is known, with the flags it must have. */
		struct vhost_message message = {
			.header = { data[0] % 28, data[1] & 8 ? data[1] : 1, data[2] },
		};
		size_t piece = data[2] < size - 4 ? data[2] : size - 4;

		for (unsigned int i = 0; i < VHOST_FDS_MAX && i < data[3] % 3u; i++) {
			message.fds[i] = memfd_create("fuzz", 0);
			assert(ftruncate(message.fds[i], 65536) == 0);
			message.nr_fds++;
		}
		memcpy(message.payload, data + 4, piece);
		if (vhost_handle(&backend->vhost, &message) < 0)
			break;
		for (unsigned int i = 0; i < message.nr_fds; i++)
			assert(message.fds[i] == -1);
		data += 4 + piece;
		size -= 4 + piece;
	}
	backend_disconnected(backend);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct backend backend;

	if (size < 1)
		return 0;
	backend_init(&backend, deliver);
	if (data[0] % 2)
		to_control(&backend, data + 1, size - 1);
	else
		to_vhost(&backend, data + 1, size - 1);
	backend_disconnected(&backend);
	return 0;
}
