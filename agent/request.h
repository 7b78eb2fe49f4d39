/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_REQUEST_H
#define AGENT_REQUEST_H

#include <glib.h>
#include <jansson.h>

/*
 * One request of a client, from its arrival to its reply. A command's function
 * owns the request and ends it with exactly one of the functions below, at once
 * or later; the client may be gone by then.
 */
struct request;
struct command;
struct client;

/**
 * request_new() - a request for a command.
 * @client: who asked; it calls request_client_gone() when it goes away first
 * @id: the request's id member or NULL; a reference is taken
 */
struct request *request_new(struct client *client, const struct command *command, json_t *id);

/** request_client_gone() - the reply has nowhere to go; the work goes on. */
void request_client_gone(struct request *request);

const struct command *request_command(const struct request *request);
struct client *request_client(const struct request *request);

/* Reply with @value, whose reference is taken over; NULL replies with {}. */
void request_return(struct request *request, json_t *value);
/* Reply with a value given as the text of JSON. */
void request_return_text(struct request *request, const char *text, gsize length);
/* Reply with an error; takes @error over. */
void request_fail(struct request *request, GError *error);
/* No reply at all, as shutdown and suspend give on success. */
void request_end(struct request *request);

/** reply_error() - the error object of the protocol. Return: a new reference. */
json_t *reply_error(const GError *error);

#endif
