/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stream of a host that sends anything, cut in two ways: in one piece, and as its
 * own bytes say. What comes out must be the same, and be what the wire promises.
 */
#include <string.h>

#include "wire.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static void text(const char *bytes, gsize length, gpointer data)
{
	g_assert(length >= 2 && bytes[length] == 0);
	g_assert((bytes[0] == '{' || bytes[0] == '[') &&
		 (bytes[length - 1] == '}' || bytes[length - 1] == ']'));
	g_assert(!memchr(bytes, 0xff, length));
	g_string_append(data, bytes);
	g_string_append_c(data, '\n');
}

static void garbage(const char *why, gpointer data)
{
	g_string_append_printf(data, "-%s\n", why);
}

static const struct wire_callbacks callbacks = { text, garbage };

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
	g_autoptr(GString) whole = g_string_new(NULL);
	g_autoptr(GString) pieces = g_string_new(NULL);
	struct wire *wire = wire_new(&callbacks, whole);

	wire_feed(wire, data, size);
	wire_free(wire);
	wire = wire_new(&callbacks, pieces);
	for (gsize at = 0, piece; at < size; at += piece) {
		piece = MIN(size - at, 1 + data[at] % 7u);
		wire_feed(wire, data + at, piece);
	}
	wire_free(wire);
	g_assert_cmpstr(whole->str, ==, pieces->str);
	return 0;
}
