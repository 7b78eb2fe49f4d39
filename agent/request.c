/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "request.h"

#include "client.h"
#include "command.h"
#include "error.h"

struct request {
	struct client *client; /* NULL once it is gone */
	const struct command *command;
	json_t *id;
};

struct request *request_new(struct client *client, const struct command *command, json_t *id)
{
	struct request *request = g_new0(struct request, 1);

	request->client = client;
	request->command = command;
	request->id = json_incref(id);
	client_add_request(client, request);
	return request;
}

void request_client_gone(struct request *request)
{
	request->client = NULL;
}

const struct command *request_command(const struct request *request)
{
	return request->command;
}

struct client *request_client(const struct request *request)
{
	return request->client;
}

void request_end(struct request *request)
{
	if (request->client)
		client_remove_request(request->client, request);
	json_decref(request->id);
	g_free(request);
}

/* Takes over @reply. */
static void finish(struct request *request, json_t *reply)
{
	if (request->id)
		json_object_set(reply, "id", request->id);
	if (request->client)
		client_send(request->client, reply,
			    request->command && (request->command->flags & COMMAND_DELIMITED));
	json_decref(reply);
	request_end(request);
}

void request_return(struct request *request, json_t *value)
{
	finish(request, json_pack("{s:o}", "return", value ? value : json_object()));
}

void request_return_text(struct request *request, const char *text, gsize length)
{
	gboolean delimited = request->command->flags & COMMAND_DELIMITED;

	if (request->client)
		client_send_text(request->client, text, length, request->id, delimited);
	request_end(request);
}

void request_fail(struct request *request, GError *error)
{
	json_t *reply = reply_error(error);

	g_error_free(error);
	finish(request, reply);
}

json_t *reply_error(const GError *error)
{
	const char *class = "GenericError";
	g_autofree char *description = g_utf8_make_valid(error->message, -1);

	if (g_error_matches(error, AGENT_ERROR, AGENT_ERROR_COMMAND_NOT_FOUND))
		class = "CommandNotFound";
	return json_pack("{s:{s:s, s:s}}", "error", "class", class, "desc", description);
}
