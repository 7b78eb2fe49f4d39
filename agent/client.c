/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client.h"

#include <errno.h>
#include <unistd.h>

#include "command.h"
#include "error.h"
#include "wire.h"

/*
 * Unread replies beyond this stop us from reading more requests. One reply can
 * be larger; it is the number of waiting ones that a stalled reader could raise.
 */
#define UNREAD_MAX (1024 * 1024)

/* The same for requests whose turn is yet to come. */
#define DEFERRED_MAX (64 * 1024)

struct client {
	struct wire *wire;
	GByteArray *out;
	gsize sent; /* of @out */
	GQueue requests;
	GQueue deferred; /* of GBytes: the texts of requests whose turn is yet to come */
	gsize deferred_size;
	guint next; /* the source that takes the next of them */
	gboolean taking;
	client_want_write want_write;
	gpointer data;
};

static void got_text(const char *text, gsize length, gpointer data)
{
	command_dispatch(data, text, length);
}

static void got_garbage(const char *why, gpointer data)
{
	g_autoptr(GError) error =
		g_error_new(AGENT_ERROR, AGENT_ERROR_GENERIC, "JSON parse error, %s", why);
	json_t *reply = reply_error(error);

	client_send(data, reply, FALSE);
	json_decref(reply);
}

static const struct wire_callbacks callbacks = { got_text, got_garbage };

struct client *client_new(client_want_write want_write, gpointer data)
{
	struct client *client = g_new0(struct client, 1);

	client->wire = wire_new(&callbacks, client);
	client->out = g_byte_array_new();
	g_queue_init(&client->requests);
	g_queue_init(&client->deferred);
	client->want_write = want_write;
	client->data = data;
	return client;
}

static void forget_deferred(struct client *client)
{
	g_queue_clear_full(&client->deferred, (GDestroyNotify)g_bytes_unref);
	client->deferred_size = 0;
	g_clear_handle_id(&client->next, g_source_remove);
}

void client_resync(struct client *client, const struct request *except)
{
	GList *next;

	forget_deferred(client);
	for (GList *link = client->requests.head; link; link = next) {
		next = link->next;
		if (link->data == except)
			continue;
		request_client_gone(link->data);
		g_queue_delete_link(&client->requests, link);
	}
}

void client_free(struct client *client)
{
	if (!client)
		return;
	client_resync(client, NULL);
	wire_free(client->wire);
	g_byte_array_unref(client->out);
	g_free(client);
}

void client_receive(struct client *client, const guint8 *bytes, gsize length)
{
	wire_feed(client->wire, bytes, length);
}

void client_forget_input(struct client *client)
{
	wire_reset(client->wire);
}

gboolean client_is_busy(const struct client *client)
{
	return client->out->len > 0 || client->requests.head || client->deferred.head;
}

gboolean client_may_receive(const struct client *client)
{
	return client->out->len - client->sent < UNREAD_MAX && client->deferred_size < DEFERRED_MAX;
}

static void all_sent(struct client *client)
{
	/* A long reply leaves a large buffer, which an idle agent should not keep. */
	g_byte_array_unref(client->out);
	client->out = g_byte_array_new();
	client->sent = 0;
	client->want_write(FALSE, client->data);
}

gboolean client_flush(struct client *client, int fd)
{
	while (client->sent < client->out->len) {
		ssize_t n = write(fd, client->out->data + client->sent,
				  client->out->len - client->sent);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return TRUE;
		if (n < 0)
			return FALSE;
		client->sent += n;
	}
	all_sent(client);
	return TRUE;
}

static int append(const char *buffer, size_t size, void *data)
{
	g_byte_array_append(data, (const guint8 *)buffer, size);
	return 0;
}

static void begin_reply(struct client *client, gboolean delimited)
{
	static const guint8 delimiter = 0xff;

	if (client->out->len == 0)
		client->want_write(TRUE, client->data);
	if (delimited)
		g_byte_array_append(client->out, &delimiter, 1);
}

void client_send(struct client *client, const json_t *reply, gboolean delimited)
{
	begin_reply(client, delimited);
	json_dump_callback(reply, append, client->out, JSON_ENSURE_ASCII);
	append("\n", 1, client->out);
}

void client_send_text(struct client *client, const char *text, gsize length, const json_t *id,
		      gboolean delimited)
{
	begin_reply(client, delimited);
	append("{\"return\": ", 11, client->out);
	append(text, length, client->out);
	if (id) {
		append(", \"id\": ", 8, client->out);
		json_dump_callback(id, append, client->out, JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
	}
	append("}\n", 2, client->out);
}

static gboolean is_working(const struct client *client)
{
	for (GList *link = client->requests.head; link; link = link->next) {
		const struct command *command = request_command(link->data);

		if (!command || !(command->flags & COMMAND_ANYTIME))
			return TRUE;
	}
	return FALSE;
}

gboolean client_must_wait(const struct client *client)
{
	return !client->taking && (client->deferred.head || is_working(client));
}

static gboolean take_next(gpointer data)
{
	struct client *client = data;
	GBytes *text = g_queue_pop_head(&client->deferred);

	client->next = 0;
	client->deferred_size -= g_bytes_get_size(text);
	client->taking = TRUE;
	command_dispatch(client, g_bytes_get_data(text, NULL), g_bytes_get_size(text));
	client->taking = FALSE;
	g_bytes_unref(text);
	/* There is room again for what the connection has. */
	client->want_write(TRUE, client->data);
	return G_SOURCE_REMOVE;
}

static void schedule_next(struct client *client)
{
	if (client->deferred.head && !client->next && !is_working(client))
		client->next = g_idle_add(take_next, client);
}

void client_defer(struct client *client, const char *text, gsize length)
{
	g_queue_push_tail(&client->deferred, g_bytes_new(text, length));
	client->deferred_size += length;
	schedule_next(client);
}

void client_add_request(struct client *client, struct request *request)
{
	g_queue_push_tail(&client->requests, request);
}

void client_remove_request(struct client *client, struct request *request)
{
	g_queue_remove(&client->requests, request);
	schedule_next(client);
}
