/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connection.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "client.h"
#include "error.h"

/* Read so much before anything else on the main loop gets its turn. */
#define CHUNK 4096
#define CHUNKS_PER_TURN 64

struct connection {
	int fd;
	int epoll;
	guint source, again;
	gboolean fresh; /* nothing was received from this peer yet */
	struct client *client;
	connection_closed closed;
	gpointer data;
};

static void pump(struct connection *connection);

static gboolean pump_again(gpointer data)
{
	struct connection *connection = data;

	connection->again = 0;
	pump(connection);
	return G_SOURCE_REMOVE;
}

static void schedule(struct connection *connection)
{
	if (!connection->again)
		connection->again = g_idle_add(pump_again, connection);
}

static void want_write(gboolean want, gpointer data)
{
	if (want)
		schedule(data);
}

static void new_client(struct connection *connection)
{
	client_free(connection->client);
	connection->client = client_new(want_write, connection);
	connection->fresh = TRUE;
}

static void over(struct connection *connection, int errnum)
{
	if (!connection->fresh)
		new_client(connection);
	connection->closed(connection, errnum, connection->data);
}

/* Edge-triggered, so everything is done until the descriptor says EAGAIN. */
static void pump(struct connection *connection)
{
	guint8 bytes[CHUNK];

	for (guint i = 0; i < CHUNKS_PER_TURN; i++) {
		ssize_t n;

		if (!client_flush(connection->client, connection->fd)) {
			over(connection, errno);
			return;
		}
		if (!client_may_receive(connection->client))
			return;
		n = read(connection->fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			over(connection, n < 0 ? errno : 0);
			return;
		}
		connection->fresh = FALSE;
		client_receive(connection->client, bytes, (gsize)n);
	}
	schedule(connection);
}

static gboolean ready(gint fd, GIOCondition condition, gpointer data)
{
	struct epoll_event event;

	if (epoll_wait(fd, &event, 1, 0) > 0)
		pump(data);
	return G_SOURCE_CONTINUE;
}

struct connection *connection_new(int fd, connection_closed closed, gpointer data, GError **error)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct connection *connection;

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		agent_error_errno(error, errno, "cannot watch the channel");
		if (epoll >= 0)
			close(epoll);
		close(fd);
		return NULL;
	}
	connection = g_new0(struct connection, 1);
	connection->fd = fd;
	connection->epoll = epoll;
	connection->closed = closed;
	connection->data = data;
	new_client(connection);
	connection->source = g_unix_fd_add(epoll, G_IO_IN, ready, connection);
	return connection;
}

void connection_free(struct connection *connection)
{
	if (!connection)
		return;
	g_clear_handle_id(&connection->source, g_source_remove);
	g_clear_handle_id(&connection->again, g_source_remove);
	client_free(connection->client);
	close(connection->epoll);
	close(connection->fd);
	g_free(connection);
}

int connection_fd(const struct connection *connection)
{
	return connection->fd;
}
