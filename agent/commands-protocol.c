/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

static void sync_run(struct request *request, json_t *arguments)
{
	request_return(request, json_incref(json_object_get(arguments, "id")));
}

static void ping_run(struct request *request, json_t *arguments)
{
	request_return(request, NULL);
}

static void info_run(struct request *request, json_t *arguments)
{
	json_t *list = json_array();

	for (const struct command *c = commands_next(NULL); c; c = commands_next(c))
		json_array_append_new(list, json_pack("{s:b, s:s, s:b}", "enabled",
						      command_is_enabled(c), "name", c->name,
						      "success-response",
						      !(c->flags & COMMAND_NO_REPLY)));
	request_return(request,
		       json_pack("{s:s, s:o}", "version", VERSION, "supported_commands", list));
}

static const struct command rows[] = {
	{ "guest-sync", sync_run, COMMAND_READ_ONLY | COMMAND_ANYTIME | COMMAND_SYNC | COMMAND_QUIET,
	  "answer with the same number: the host finds its place in the stream",
	  { { "id", ARGUMENT_INT } } },
	{ "guest-sync-delimited", sync_run,
	  COMMAND_READ_ONLY | COMMAND_ANYTIME | COMMAND_SYNC | COMMAND_DELIMITED | COMMAND_QUIET,
	  "the same, with 0xFF before the answer",
	  { { "id", ARGUMENT_INT } } },
	{ "guest-ping", ping_run, COMMAND_READ_ONLY | COMMAND_ANYTIME | COMMAND_QUIET,
	  "answer, so that the host knows the agent lives" },
	{ "guest-info", info_run, COMMAND_READ_ONLY | COMMAND_ANYTIME | COMMAND_QUIET,
	  "version of the agent and the commands it has" },
};

const struct command_table commands_protocol = COMMAND_TABLE(rows);
