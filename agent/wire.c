/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire.h"

/* The byte with which a client says "forget what I sent"; never part of JSON. */
#define RESET 0xff

enum wire_state {
	BETWEEN, /* no request begun */
	VALUE,   /* inside an object or array */
	STRING,  /* inside a string of it */
	ESCAPE,  /* after a backslash in that string */
	SKIP,    /* garbage: forget all up to the next line, request or RESET */
};

struct wire {
	const struct wire_callbacks *callbacks;
	gpointer data;
	GString *text;
	enum wire_state state;
	guint depth;
	guint8 quote;
};

struct wire *wire_new(const struct wire_callbacks *callbacks, gpointer data)
{
	struct wire *wire = g_new0(struct wire, 1);

	wire->callbacks = callbacks;
	wire->data = data;
	wire->text = g_string_new(NULL);
	return wire;
}

void wire_free(struct wire *wire)
{
	if (!wire)
		return;
	g_string_free(wire->text, TRUE);
	g_free(wire);
}

/* A long request leaves a large buffer, which an idle agent should not keep. */
static void forget(struct wire *wire, enum wire_state state)
{
	if (wire->text->allocated_len > 64 * 1024) {
		g_string_free(wire->text, TRUE);
		wire->text = g_string_new(NULL);
	}
	g_string_truncate(wire->text, 0);
	wire->depth = 0;
	wire->state = state;
}

void wire_reset(struct wire *wire)
{
	forget(wire, BETWEEN);
}

static void garbage(struct wire *wire, const char *why)
{
	forget(wire, SKIP);
	wire->callbacks->garbage(why, wire->data);
}

static void put(struct wire *wire, guint8 byte)
{
	if (wire->text->len >= WIRE_MAX_SIZE)
		garbage(wire, "request is too long");
	else
		g_string_append_c(wire->text, (char)byte);
}

static void begin(struct wire *wire, guint8 byte)
{
	forget(wire, VALUE);
	wire->depth = 1;
	put(wire, byte);
}

static void between(struct wire *wire, guint8 byte)
{
	if (byte == '{' || byte == '[')
		begin(wire, byte);
	else if (!g_ascii_isspace(byte))
		garbage(wire, "expecting a JSON object");
}

static void skip(struct wire *wire, guint8 byte)
{
	if (byte == '{')
		begin(wire, byte);
	else if (byte == '\n')
		wire->state = BETWEEN;
}

static void end_of_level(struct wire *wire)
{
	if (--wire->depth > 0)
		return;
	wire->callbacks->text(wire->text->str, wire->text->len, wire->data);
	forget(wire, BETWEEN);
}

static void value(struct wire *wire, guint8 byte)
{
	if (byte == '"' || byte == '\'') {
		wire->quote = byte;
		wire->state = STRING;
		put(wire, '"');
		return;
	}
	put(wire, byte);
	if (wire->state == SKIP)
		return;
	if (byte == '{' || byte == '[') {
		if (++wire->depth > WIRE_MAX_DEPTH)
			garbage(wire, "request is nested too deeply");
	} else if (byte == '}' || byte == ']') {
		end_of_level(wire);
	}
}

static void string(struct wire *wire, guint8 byte)
{
	if (byte < ' ') {
		garbage(wire, "control character in a string");
	} else if (byte == wire->quote) {
		wire->state = VALUE;
		put(wire, '"');
	} else if (byte == '\\') {
		wire->state = ESCAPE;
	} else {
		/* A double quote can only be here in a single-quoted string. */
		if (byte == '"')
			put(wire, '\\');
		put(wire, byte);
	}
}

static void escape(struct wire *wire, guint8 byte)
{
	wire->state = STRING;
	if (byte != '\'')
		put(wire, '\\');
	put(wire, byte);
}

static void take(struct wire *wire, guint8 byte)
{
	static void (*const steps[])(struct wire *, guint8) = {
		[BETWEEN] = between, [VALUE] = value, [STRING] = string,
		[ESCAPE] = escape,   [SKIP] = skip,
	};

	if (byte == RESET)
		wire_reset(wire);
	else
		steps[wire->state](wire, byte);
}

void wire_feed(struct wire *wire, const guint8 *bytes, gsize length)
{
	for (gsize i = 0; i < length; i++)
		take(wire, bytes[i]);
}
