/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_WIRE_H
#define AGENT_WIRE_H

#include <glib.h>

/*
 * Cuts the byte stream of one client into JSON texts. Requests need no newline
 * between them and may use single quotes, as with the QEMU guest agent; the
 * texts handed out are strict JSON. 0xFF forgets whatever came before it.
 */
struct wire;

/* Longest request, in bytes, and deepest nesting: the QEMU guest agent's limits. */
#define WIRE_MAX_SIZE (64 * 1024 * 1024)
#define WIRE_MAX_DEPTH 1024

struct wire_callbacks {
	/* One whole JSON object or array; @text is NUL-terminated and the wire's. */
	void (*text)(const char *text, gsize length, gpointer data);
	/* Bytes that cannot become a request; once for each such run of bytes. */
	void (*garbage)(const char *why, gpointer data);
};

struct wire *wire_new(const struct wire_callbacks *callbacks, gpointer data);
void wire_free(struct wire *wire);

/** wire_reset() - forget whatever is not yet a request. */
void wire_reset(struct wire *wire);

/**
 * wire_feed() - take bytes of the peer, hand out what they complete.
 *
 * The callbacks must not free the wire.
 */
void wire_feed(struct wire *wire, const guint8 *bytes, gsize length);

#endif
