/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_AGENT_H
#define HOST_AGENT_H

#include <jansson.h>

/*
 * A guest's agent, reached through the host's end of its channel: a unix socket
 * that QEMU, or the agent itself, listens on. What comes from the guest is
 * bounded in size and in time, and is believed to be nothing but JSON.
 */
struct agent;

/**
 * agent_connect() - connect, and find our place in the stream.
 * @path: of the socket
 * @timeout_ms: for all of it
 * @agent: result; agent_close() it
 *
 * Return: 0 or a negative errno; -ETIMEDOUT when nobody answers.
 */
int agent_connect(const char *path, int timeout_ms, struct agent **agent);
void agent_close(struct agent *agent);

/* A reply that another process waited for may come: the next call finds its place anew. */
void agent_distrust(struct agent *agent);

/**
 * agent_call() - run one command. One that was not answered in time does no harm to
 * the next.
 * @arguments: its reference is taken over; may be NULL
 * @timeout_ms: for all of it
 * @reply: result, the whole reply, with a member "return" or "error"; json_decref() it
 *
 * Return: 0 or a negative errno; -EPROTO when the reply is no such object.
 */
int agent_call(struct agent *agent, const char *command, json_t *arguments, int timeout_ms,
	       json_t **reply);

#endif
