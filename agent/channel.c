/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connection.h"
#include "error.h"

struct channel {
	const struct transport *transport;
	char *path; /* NULL: the socket is not ours to remove */
	struct connection *connection; /* NULL while there is none */
	/* Transports that listen. */
	int listener;
	guint accept_source;
	/* Devices: we are told when the node comes, goes, or is closed by another. */
	int inotify;
	guint inotify_source;
	int watch;
	int last_errno; /* of the last open that failed, to log each cause once */
};

/* --- sockets ------------------------------------------------------------ */

static void listen_again(struct channel *channel);

static void client_closed(struct connection *connection, int errnum, gpointer data)
{
	struct channel *channel = data;

	connection_free(g_steal_pointer(&channel->connection));
	listen_again(channel);
}

static gboolean client_waits(gint fd, GIOCondition condition, gpointer data)
{
	g_autoptr(GError) error = NULL;
	struct channel *channel = data;
	int peer = accept(fd, NULL, NULL);

	if (peer < 0)
		return G_SOURCE_CONTINUE;
	fcntl(peer, F_SETFD, FD_CLOEXEC);
	fcntl(peer, F_SETFL, O_NONBLOCK);
	channel->connection = connection_new(peer, FALSE, client_closed, channel, &error);
	if (!channel->connection) {
		g_warning("%s", error->message);
		return G_SOURCE_CONTINUE;
	}
	/* The next client waits in the backlog until this one is gone. */
	channel->accept_source = 0;
	return G_SOURCE_REMOVE;
}

static void listen_again(struct channel *channel)
{
	channel->accept_source = g_unix_fd_add(channel->listener, G_IO_IN, client_waits, channel);
}

/* --- devices ------------------------------------------------------------ */

static gboolean node_is_ours(struct channel *channel)
{
	struct stat node, ours;

	return stat(channel->path, &node) == 0 &&
	       fstat(connection_fd(channel->connection), &ours) == 0 && node.st_rdev == ours.st_rdev;
}

/*
 * Watch the node itself while it exists, for the moment another agent closes
 * it, and otherwise the deepest directory on the way to it.
 */
static void watch_path(struct channel *channel)
{
	g_autofree char *path = g_strdup(channel->path);

	if (channel->watch >= 0)
		inotify_rm_watch(channel->inotify, channel->watch);
	channel->watch = -1;
	while (channel->watch < 0) {
		guint32 events = IN_CREATE | IN_MOVED_TO | IN_CLOSE | IN_DELETE_SELF | IN_ATTRIB;
		char *parent = g_path_get_dirname(path);

		/* While it is ours, all there is to learn is that it goes. */
		if (channel->connection)
			events = IN_DELETE_SELF | IN_ATTRIB;
		channel->watch = inotify_add_watch(channel->inotify, path, events);
		if (g_str_equal(parent, path)) {
			g_free(parent);
			break;
		}
		g_free(path);
		path = parent;
	}
}

static void port_closed(struct connection *connection, int errnum, gpointer data);

static void try_open(struct channel *channel)
{
	g_autoptr(GError) error = NULL;
	int fd = channel->transport->open(channel->path, &error);
	int errnum = fd < 0 ? errno : 0;

	if (fd >= 0)
		channel->connection = connection_new(fd, TRUE, port_closed, channel, &error);
	if (channel->connection)
		g_message("channel %s is open", channel->path);
	else if (errnum != channel->last_errno)
		g_message("%s; waiting for it", error->message);
	channel->last_errno = errnum;
	watch_path(channel);
}

static void port_closed(struct connection *connection, int errnum, gpointer data)
{
	struct channel *channel = data;

	/* The host side closed the port and may open it again: keep it. */
	if (errnum == 0 && node_is_ours(channel))
		return;
	g_message("channel %s is gone", channel->path);
	connection_free(g_steal_pointer(&channel->connection));
	try_open(channel);
}

static gboolean path_changed(gint fd, GIOCondition condition, gpointer data)
{
	struct channel *channel = data;
	char events[4096];

	while (read(fd, events, sizeof(events)) > 0)
		;
	if (channel->connection && node_is_ours(channel))
		return G_SOURCE_CONTINUE;
	if (channel->connection) {
		g_message("channel %s is gone", channel->path);
		connection_free(g_steal_pointer(&channel->connection));
	}
	try_open(channel);
	return G_SOURCE_CONTINUE;
}

/* --- both --------------------------------------------------------------- */

static gboolean start_device(struct channel *channel, GError **error)
{
	channel->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (channel->inotify < 0)
		return agent_error_errno(error, errno, "cannot watch for %s", channel->path);
	channel->inotify_source = g_unix_fd_add(channel->inotify, G_IO_IN, path_changed, channel);
	try_open(channel);
	return TRUE;
}

static gboolean start_listener(struct channel *channel, GError **error)
{
	if (channel->listener < 0)
		channel->listener = channel->transport->open(channel->path, error);
	if (channel->listener < 0)
		return FALSE;
	listen_again(channel);
	return TRUE;
}

struct channel *channel_new(const struct transport *transport, const char *path, int listener,
			    GError **error)
{
	struct channel *channel = g_new0(struct channel, 1);
	gboolean ok;

	channel->transport = transport;
	channel->path = g_strdup(path);
	channel->listener = listener;
	channel->inotify = channel->watch = -1;
	ok = transport->listens ? start_listener(channel, error) : start_device(channel, error);
	if (!ok)
		g_clear_pointer(&channel, channel_free);
	return channel;
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	connection_free(channel->connection);
	g_clear_handle_id(&channel->accept_source, g_source_remove);
	g_clear_handle_id(&channel->inotify_source, g_source_remove);
	if (channel->listener >= 0) {
		close(channel->listener);
		if (channel->transport->clean && channel->path)
			channel->transport->clean(channel->path);
	}
	if (channel->inotify >= 0)
		close(channel->inotify);
	g_free(channel->path);
	g_free(channel);
}
