/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void control_init(struct control *control, struct backend *backend)
{
	memset(control, 0, sizeof(*control));
	control->backend = backend;
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++)
		control->clients[i].fd = -1;
}

static void client_close(struct control *control, struct client *client)
{
	close(client->fd);
	client->fd = -1;
	backend_forget(control->backend, client->id);
}

void control_add(struct control *control, int fd)
{
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->fd >= 0)
			continue;
		client->fd = fd;
		client->have = 0;
		client->id = control->next_id++ % BACKEND_EVERYBODY;
		return;
	}
	close(fd);
}

/* A client that does not read what it asked for is not waited for. */
static void client_send(struct control *control, struct client *client, const void *message,
			size_t length)
{
	if (send(client->fd, message, length, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)length)
		shutdown(client->fd, SHUT_RDWR);
}

void control_deliver(struct control *control, uint32_t id, const void *message, size_t length)
{
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->fd >= 0 && (id == BACKEND_EVERYBODY || id == client->id))
			client_send(control, client, message, length);
	}
}

void control_poll(const struct control *control, struct pollfd *fds)
{
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++)
		fds[i] = (struct pollfd){ .fd = control->clients[i].fd, .events = POLLIN };
}

static int client_run(struct control *control, struct client *client)
{
	ssize_t length;
	int ret;

	while ((length = message_framed(client->bytes, client->have)) > 0) {
		ret = backend_command(control->backend, client->id, client->bytes, (size_t)length);
		if (ret < 0)
			return ret;
		client->have -= (size_t)length;
		memmove(client->bytes, client->bytes + length, client->have);
	}
	return length < 0 || client->have == sizeof(client->bytes) ? -EBADMSG : 0;
}

void control_read(struct control *control, struct client *client)
{
	ssize_t n = recv(client->fd, client->bytes + client->have,
			 sizeof(client->bytes) - client->have, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		client->have += (size_t)n;
	if (n <= 0 || client_run(control, client) < 0)
		client_close(control, client);
}

void control_run(struct control *control, const struct pollfd *fds)
{
	for (unsigned int i = 0; i < CONTROL_CLIENTS; i++)
		if (fds[i].revents && control->clients[i].fd == fds[i].fd && fds[i].fd >= 0)
			control_read(control, &control->clients[i]);
}
