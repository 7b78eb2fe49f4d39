/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "stream.h"
#include "wait.h"

/* Precedes the reply to guest-sync-delimited. */
#define DELIMITER '\xff'
#define SYNC_PATIENCE_MS 1000

struct agent {
	struct stream stream;
	bool torn; /* a reply that nobody waits for any more may come */
};

static json_t *command_object(const char *command, json_t *arguments)
{
	return json_pack("{s:s, s:o*}", "execute", command, "arguments", arguments);
}

/* Skips what was meant for whoever spoke to the agent before, us or another. */
static int sync_once(struct agent *agent, int64_t end)
{
	json_int_t id = (json_int_t)wait_now_ms() << 16 | getpid();
	bool ours = false;
	int ret = stream_send_byte(&agent->stream, DELIMITER, end);

	if (ret == 0)
		ret = stream_send(
			&agent->stream,
			command_object("guest-sync-delimited", json_pack("{s:I}", "id", id)), end);
	while (ret == 0 && !ours) {
		json_t *reply = NULL;

		ret = stream_skip_past(&agent->stream, DELIMITER, end);
		if (ret == 0)
			ret = stream_receive(&agent->stream, end, &reply);
		ours = json_integer_value(json_object_get(reply, "return")) == id;
		json_decref(reply);
	}
	return ret;
}

/*
 * Again and again, as a request is lost when the agent restarts just then; each time with twice
 * the patience, as a slow agent answers to all of them, and it is the last that counts.
 */
static int sync_delimited(struct agent *agent, int64_t end)
{
	int64_t patience = SYNC_PATIENCE_MS;
	int ret;

	do {
		int64_t now = wait_now_ms();

		ret = sync_once(agent, end - now < patience ? end : now + patience);
		patience *= 2;
	} while (ret == -ETIMEDOUT && wait_now_ms() < end);
	return ret;
}

int agent_connect(const char *path, int timeout_ms, struct agent **result)
{
	int64_t end = wait_now_ms() + timeout_ms;
	struct agent *agent = calloc(1, sizeof(*agent));
	int ret;

	if (!agent)
		return -ENOMEM;
	ret = stream_connect(&agent->stream, path, end);
	if (ret == 0)
		ret = sync_delimited(agent, end);
	if (ret < 0)
		agent_close(agent);
	else
		*result = agent;
	return ret;
}

void agent_close(struct agent *agent)
{
	stream_close(&agent->stream);
	free(agent);
}

void agent_distrust(struct agent *agent)
{
	agent->torn = true;
}

int agent_call(struct agent *agent, const char *command, json_t *arguments, int timeout_ms,
	       json_t **reply)
{
	int64_t end = wait_now_ms() + timeout_ms;
	json_t *request = command_object(command, arguments);
	int ret = 0;

	*reply = NULL;
	if (agent->torn)
		ret = sync_delimited(agent, end);
	if (ret == 0)
		ret = stream_send(&agent->stream, json_incref(request), end);
	if (ret == 0)
		ret = stream_receive(&agent->stream, end, reply);
	if (ret == 0 && !json_object_get(*reply, "return") && !json_object_get(*reply, "error"))
		ret = -EPROTO;
	agent->torn = ret < 0;
	if (ret < 0) {
		json_decref(*reply);
		*reply = NULL;
	}
	json_decref(request);
	return ret;
}
