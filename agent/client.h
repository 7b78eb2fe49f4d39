/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_CLIENT_H
#define AGENT_CLIENT_H

#include <glib.h>
#include <jansson.h>

#include "request.h"

/*
 * The peer on a channel: what it sent and is not yet a request, its requests
 * that are not answered, and what it has not yet read of the replies. All of it
 * goes when the client goes, so that nothing of one reaches the next.
 */
struct client;

/* Told when there is (not) something to write; the channel then polls for it. */
typedef void (*client_want_write)(gboolean want, gpointer data);

struct client *client_new(client_want_write want_write, gpointer data);
void client_free(struct client *client);

/** client_receive() - bytes of the peer. */
void client_receive(struct client *client, const guint8 *bytes, gsize length);

/**
 * client_flush() - write as much of the replies as @fd takes now.
 *
 * Return: FALSE and an errno when the connection is broken.
 */
gboolean client_flush(struct client *client, int fd);

/** client_forget_input() - what was received and is no request yet will never be one. */
void client_forget_input(struct client *client);

/** client_is_busy() - some request is not answered, or some answer not sent. */
gboolean client_is_busy(const struct client *client);

/** client_may_receive() - FALSE while so much is unread that we read no more. */
gboolean client_may_receive(const struct client *client);

/** client_send() - queue a reply, after 0xFF when it is delimited. */
void client_send(struct client *client, const json_t *reply, gboolean delimited);

/** client_send_text() - the same for a "return" whose value is the text of JSON. */
void client_send_text(struct client *client, const char *text, gsize length, const json_t *id,
		      gboolean delimited);

/**
 * client_must_wait() - whether a request's turn is yet to come.
 *
 * Replies come in the order of the requests, as a client expects that sends the
 * next one before it has the answer. Only COMMAND_ANYTIME is answered at once.
 */
gboolean client_must_wait(const struct client *client);

/** client_defer() - dispatch this request when all before it are answered. */
void client_defer(struct client *client, const char *text, gsize length);

/** client_resync() - the peer starts afresh: replies to older requests are void. */
void client_resync(struct client *client, const struct request *except);

/* Called by requests alone, as they come and go. */
void client_add_request(struct client *client, struct request *request);
void client_remove_request(struct client *client, struct request *request);

#endif
