/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper.h"

#include <errno.h>
#include <glib-unix.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "error.h"

/* What is around the value of a reply, as our own helper writes it. */
#define BEFORE_VALUE "{\"return\": "
#define BEFORE_ID    ", \"id\": "

struct call {
	gint64 id;
	task_done done;
	gpointer data;
};

static struct {
	char *socket;
	int fd; /* -1 while not connected */
	guint reads, writes;
	GByteArray *in, *out;
	gsize sent;   /* of @out */
	GList *calls; /* which the helper has not answered */
	gint64 last_id;
} state = { .fd = -1 };

void helper_init(const char *socket)
{
	g_free(state.socket);
	state.socket = g_strdup(socket);
}

gboolean helper_is_used(void)
{
	return state.socket != NULL;
}

static gboolean connect_to(int fd, GError **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (g_strlcpy(address.sun_path, state.socket, sizeof(address.sun_path)) >=
	    sizeof(address.sun_path))
		errno = ENAMETOOLONG;
	else if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return TRUE;
	return agent_error_errno(error, errno, "cannot ask the helper on %s", state.socket);
}

/*
 * A socket's file may outlive who listened, and a connection would start the helper. One
 * of another type is refused in two ways: it is of another type, or nobody is there.
 */
gboolean helper_is_there(void)
{
	gboolean is_there;
	int fd;

	if (state.fd >= 0 || !state.socket)
		return state.fd >= 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	is_there = !connect_to(fd, NULL) && errno == EPROTOTYPE;
	if (fd >= 0)
		close(fd);
	return is_there;
}

static void call_finish(struct call *call, const char *text, gsize length, GError *error)
{
	call->done(text, length, -1, error, call->data);
	g_free(call);
}

/* What was asked and not answered has failed; the next request starts another helper. */
static void disconnect(void)
{
	GList *calls = g_steal_pointer(&state.calls);

	g_clear_handle_id(&state.reads, g_source_remove);
	g_clear_handle_id(&state.writes, g_source_remove);
	close(state.fd);
	state.fd = -1;
	g_clear_pointer(&state.in, g_byte_array_unref);
	g_clear_pointer(&state.out, g_byte_array_unref);
	for (GList *link = calls; link; link = link->next)
		call_finish(link->data, NULL, 0,
			    g_error_new_literal(AGENT_ERROR, AGENT_ERROR_GENERIC,
						"the helper that did the work has ended"));
	g_list_free(calls);
}

static struct call *take_call(gint64 id)
{
	for (GList *link = state.calls; link; link = link->next) {
		struct call *call = link->data;

		if (call->id != id)
			continue;
		state.calls = g_list_delete_link(state.calls, link);
		return call;
	}
	return NULL;
}

static GError *error_of(const char *line, gsize length)
{
	json_t *reply = json_loadb(line, length, 0, NULL), *error = json_object_get(reply, "error");
	const char *class = json_string_value(json_object_get(error, "class"));
	const char *text = json_string_value(json_object_get(error, "desc"));
	GError *result = g_error_new_literal(AGENT_ERROR,
					     g_strcmp0(class, "CommandNotFound") ?
						     AGENT_ERROR_GENERIC :
						     AGENT_ERROR_COMMAND_NOT_FOUND,
					     text ? text : "the helper gave no sensible answer");

	json_decref(reply);
	return result;
}

/* A value may be long and is not looked at: it goes to the host as it is. */
static void take_line(const char *line, gsize length)
{
	const gsize before = strlen(BEFORE_VALUE);
	const char *id = g_strrstr_len(line, (gssize)length, BEFORE_ID);
	struct call *call = id ? take_call(g_ascii_strtoll(id + strlen(BEFORE_ID), NULL, 10)) : NULL;

	if (!call)
		g_warning("the helper answers what it was not asked");
	else if (strncmp(line, BEFORE_VALUE, before) == 0 && id >= line + before)
		call_finish(call, line + before, (gsize)(id - line) - before, NULL);
	else
		call_finish(call, NULL, 0, error_of(line, length));
}

/* @from: where in the input nothing was looked at yet */
static void take_lines(gsize from)
{
	const guint8 *end;

	while ((end = memchr(state.in->data + from, '\n', state.in->len - from))) {
		gsize length = (gsize)(end - state.in->data);

		take_line((const char *)state.in->data, length);
		g_byte_array_remove_range(state.in, 0, (guint)length + 1);
		from = 0;
	}
	if (state.in->len > 0)
		return;
	/* A long reply leaves a large buffer, which an idle agent should not keep. */
	g_byte_array_unref(state.in);
	state.in = g_byte_array_new();
}

static gboolean speaks(gint fd, GIOCondition condition, gpointer data)
{
	guint8 bytes[64 * 1024];
	ssize_t n = read(fd, bytes, sizeof(bytes));
	gsize from = state.in->len;

	if (n > 0) {
		g_byte_array_append(state.in, bytes, (guint)n);
		take_lines(from);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		state.reads = 0;
		disconnect();
		return G_SOURCE_REMOVE;
	}
	return G_SOURCE_CONTINUE;
}

/* That the helper is gone is noticed where it is listened to. */
static gboolean listens(gint fd, GIOCondition condition, gpointer data)
{
	ssize_t n = send(fd, state.out->data + state.sent, state.out->len - state.sent, MSG_NOSIGNAL);

	if (n > 0)
		state.sent += (gsize)n;
	if (n < 0 ? errno == EAGAIN || errno == EINTR : state.sent < state.out->len)
		return G_SOURCE_CONTINUE;
	g_byte_array_unref(state.out);
	state.out = g_byte_array_new();
	state.sent = 0;
	state.writes = 0;
	return G_SOURCE_REMOVE;
}

static gboolean connect_helper(GError **error)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (!connect_to(fd, error)) {
		if (fd >= 0)
			close(fd);
		return FALSE;
	}
	state.fd = fd;
	state.in = g_byte_array_new();
	state.out = g_byte_array_new();
	state.sent = 0;
	state.reads = g_unix_fd_add(fd, G_IO_IN, speaks, NULL);
	return TRUE;
}

static int append(const char *text, size_t length, void *data)
{
	g_byte_array_append(state.out, (const guint8 *)text, (guint)length);
	return 0;
}

void helper_ask(const char *command, json_t *arguments, task_done done, gpointer data)
{
	struct call *call;
	GError *error = NULL;
	json_t *request;

	if (state.fd < 0 && !connect_helper(&error)) {
		done(NULL, 0, -1, error, data);
		return;
	}
	call = g_new0(struct call, 1);
	call->id = ++state.last_id;
	call->done = done;
	call->data = data;
	state.calls = g_list_prepend(state.calls, call);
	request = json_pack("{s:s, s:O, s:I}", "execute", command, "arguments", arguments, "id",
			    (json_int_t)call->id);
	json_dump_callback(request, append, NULL, JSON_ENSURE_ASCII);
	append("\n", 1, NULL);
	json_decref(request);
	if (!state.writes)
		state.writes = g_unix_fd_add(state.fd, G_IO_OUT, listens, NULL);
}
