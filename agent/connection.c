/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connection.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "client.h"
#include "error.h"

/* Read so much before anything else on the main loop gets its turn. */
#define CHUNK 4096
#define CHUNKS_PER_TURN 64

/*
 * A virtio port tells of the host's closing and opening on another queue than
 * the one its data comes on: the first request of a new peer can be read before
 * we see that the old one is gone. So what is to be sent outlives the end of
 * file for this long, and is for whoever is there then.
 */
#define GRACE_MS 1000

struct connection {
	int fd;
	int epoll;
	gboolean reopens;
	gboolean ended; /* a socket's peer sends no more, and waits for answers */
	guint source, again, grace;
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
}

static gboolean is_hung_up(const struct connection *connection)
{
	struct pollfd fd = { .fd = connection->fd };

	return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR));
}

static gboolean grace_over(gpointer data)
{
	struct connection *connection = data;

	connection->grace = 0;
	if (is_hung_up(connection))
		new_client(connection);
	return G_SOURCE_REMOVE;
}

static void over(struct connection *connection, int errnum)
{
	connection->closed(connection, errnum, connection->data);
}

static void end_of_device(struct connection *connection)
{
	client_forget_input(connection->client);
	if (client_is_busy(connection->client) && !connection->grace)
		connection->grace = g_timeout_add(GRACE_MS, grace_over, connection);
	/* Unplugged, perhaps: the owner looks. */
	over(connection, 0);
}

static void end_of_file(struct connection *connection)
{
	if (connection->reopens)
		end_of_device(connection);
	else if (!client_is_busy(connection->client) || is_hung_up(connection))
		over(connection, 0);
	else
		connection->ended = TRUE;
}

/* Return: whether there may be more to read now. */
static gboolean pump_once(struct connection *connection)
{
	guint8 bytes[CHUNK];
	ssize_t n;

	if (!client_flush(connection->client, connection->fd)) {
		over(connection, errno);
		return FALSE;
	}
	if (connection->ended) {
		if (!client_is_busy(connection->client))
			over(connection, 0);
		return FALSE;
	}
	if (!client_may_receive(connection->client))
		return FALSE;
	n = read(connection->fd, bytes, sizeof(bytes));
	if (n > 0)
		client_receive(connection->client, bytes, (gsize)n);
	else if (n == 0)
		end_of_file(connection);
	else if (errno != EAGAIN && errno != EINTR)
		over(connection, errno);
	else
		return errno == EINTR;
	return n > 0;
}

/* Edge-triggered, so everything is done until the descriptor says EAGAIN. */
static void pump(struct connection *connection)
{
	for (guint i = 0; i < CHUNKS_PER_TURN; i++)
		if (!pump_once(connection))
			return;
	schedule(connection);
}

static gboolean ready(gint fd, GIOCondition condition, gpointer data)
{
	struct connection *connection = data;
	struct epoll_event event;

	if (epoll_wait(fd, &event, 1, 0) <= 0)
		return G_SOURCE_CONTINUE;
	if (connection->ended && (event.events & EPOLLHUP))
		over(connection, 0);
	else
		pump(connection);
	return G_SOURCE_CONTINUE;
}

struct connection *connection_new(int fd, gboolean reopens, connection_closed closed, gpointer data,
				  GError **error)
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
	connection->reopens = reopens;
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
	g_clear_handle_id(&connection->grace, g_source_remove);
	client_free(connection->client);
	close(connection->epoll);
	close(connection->fd);
	g_free(connection);
}

int connection_fd(const struct connection *connection)
{
	return connection->fd;
}
