/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_CHANNEL_H
#define AGENT_CHANNEL_H

#include <glib.h>

#include "transport.h"

/*
 * The agent's one channel, kept open through everything that happens to it: a
 * device that is not there yet, unplugged, in use by another agent; clients
 * that come and go. Nothing is polled for while nothing happens.
 */
struct channel;

/**
 * channel_new() - open the channel, or wait until it can be opened.
 * @path: NULL when @listener is given
 * @listener: a socket that listens already, taken over, or -1
 *
 * Return: NULL and an error when it can never work: a socket that cannot be
 * listened on. A device that is missing or busy is logged and waited for.
 */
struct channel *channel_new(const struct transport *transport, const char *path, int listener,
			    GError **error);
void channel_free(struct channel *channel);

#endif
