/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* More than any answer to the commands used here. */
#define REPLY_MAX (4 * 1024 * 1024)
/* Precedes the reply to guest-sync-delimited. */
#define DELIMITER '\xff'

struct agent {
	int fd;
	int timeout_ms;
	char *line;
	size_t length, room;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int wait_for(struct agent *agent, short events, int64_t end)
{
	struct pollfd fd = { .fd = agent->fd, .events = events };
	int64_t left = end - now_ms();
	int n = poll(&fd, 1, left > 0 ? (int)left : 0);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int send_all(struct agent *agent, const char *bytes, size_t length)
{
	int64_t end = now_ms() + agent->timeout_ms;
	int ret;

	while (length > 0) {
		ssize_t n = send(agent->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			ret = wait_for(agent, POLLOUT, end);
			if (ret < 0)
				return ret;
			continue;
		}
		if (n < 0)
			return -errno;
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}

static int receive_some(struct agent *agent, int64_t end)
{
	ssize_t n;
	int ret;

	if (agent->length == agent->room) {
		if (agent->room >= REPLY_MAX)
			return -EMSGSIZE;
		agent->room += 4096;
		char *bigger = realloc(agent->line, agent->room);

		if (!bigger)
			return -ENOMEM;
		agent->line = bigger;
	}
	ret = wait_for(agent, POLLIN, end);
	if (ret < 0)
		return ret;
	n = recv(agent->fd, agent->line + agent->length, agent->room - agent->length, MSG_DONTWAIT);
	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	agent->length += (size_t)n;
	return 0;
}

static void drop(struct agent *agent, size_t length)
{
	memmove(agent->line, agent->line + length, agent->length - length);
	agent->length -= length;
}

static int receive_line(struct agent *agent, int timeout_ms, json_t **reply)
{
	int64_t end = now_ms() + timeout_ms;
	char *newline;
	int ret;

	while (!(newline = agent->length ? memchr(agent->line, '\n', agent->length) : NULL)) {
		ret = receive_some(agent, end);
		if (ret < 0)
			return ret;
	}
	*reply = json_loadb(agent->line, (size_t)(newline - agent->line), 0, NULL);
	drop(agent, (size_t)(newline - agent->line) + 1);
	return json_is_object(*reply) ? 0 : -EPROTO;
}

static int send_command(struct agent *agent, const char *command, json_t *arguments)
{
	json_t *request = json_pack("{s:s, s:o*}", "execute", command, "arguments", arguments);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	int ret = text ? send_all(agent, text, strlen(text)) : -ENOMEM;

	if (ret == 0)
		ret = send_all(agent, "\n", 1);
	free(text);
	json_decref(request);
	return ret;
}

/* Skips what was meant for whoever spoke to the agent before us. */
static int receive_delimiter(struct agent *agent, int64_t end)
{
	char *delimiter;
	int ret;

	while (!(delimiter = agent->length ? memchr(agent->line, DELIMITER, agent->length) : NULL)) {
		agent->length = 0;
		ret = receive_some(agent, end);
		if (ret < 0)
			return ret;
	}
	drop(agent, (size_t)(delimiter - agent->line) + 1);
	return 0;
}

static int sync_delimited(struct agent *agent)
{
	json_int_t id = (json_int_t)now_ms() << 16 | getpid();
	int64_t end = now_ms() + agent->timeout_ms;
	bool ours = false;
	int ret;

	ret = send_all(agent, "\xff", 1);
	if (ret == 0)
		ret = send_command(agent, "guest-sync-delimited", json_pack("{s:I}", "id", id));
	while (ret == 0 && !ours) {
		json_t *reply = NULL;

		ret = receive_delimiter(agent, end);
		if (ret == 0)
			ret = receive_line(agent, agent->timeout_ms, &reply);
		ours = json_integer_value(json_object_get(reply, "return")) == id;
		json_decref(reply);
	}
	return ret;
}

int agent_connect(const char *path, int timeout_ms, struct agent **result)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct agent *agent;
	int ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	agent = calloc(1, sizeof(*agent));
	if (!agent)
		return -ENOMEM;
	agent->timeout_ms = timeout_ms;
	agent->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (agent->fd < 0 || connect(agent->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		ret = -errno;
	else
		ret = sync_delimited(agent);
	if (ret < 0)
		agent_close(agent);
	else
		*result = agent;
	return ret;
}

void agent_close(struct agent *agent)
{
	if (agent->fd >= 0)
		close(agent->fd);
	free(agent->line);
	free(agent);
}

int agent_call(struct agent *agent, const char *command, json_t *arguments, json_t **reply)
{
	int ret = send_command(agent, command, arguments);

	*reply = NULL;
	if (ret == 0)
		ret = receive_line(agent, agent->timeout_ms, reply);
	if (ret == 0 && !json_object_get(*reply, "return") && !json_object_get(*reply, "error"))
		ret = -EPROTO;
	if (ret < 0) {
		json_decref(*reply);
		*reply = NULL;
	}
	return ret;
}
