/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wire.h"

#include <string.h>

struct result {
	GString *texts; /* a line each */
	guint garbage;
};

static void text(const char *bytes, gsize length, gpointer data)
{
	struct result *result = data;

	g_assert_cmpuint(strlen(bytes), ==, length);
	g_string_append(result->texts, bytes);
	g_string_append_c(result->texts, '\n');
}

static void garbage(const char *why, gpointer data)
{
	((struct result *)data)->garbage++;
}

static const struct wire_callbacks callbacks = { text, garbage };

struct example {
	const char *name, *input, *texts;
	guint garbage;
};

static const struct example examples[] = {
	{ "one", "{\"a\":1}", "{\"a\":1}\n", 0 },
	{ "no-newline-between", "{}{}", "{}\n{}\n", 0 },
	{ "blanks-and-newlines", " \n{\"a\" :\n1}\r\n", "{\"a\" :\n1}\n", 0 },
	{ "brackets-in-strings", "{\"a\":\"}]{[\"}", "{\"a\":\"}]{[\"}\n", 0 },
	{ "quote-in-string", "{\"a\":\"\\\"}\"}", "{\"a\":\"\\\"}\"}\n", 0 },
	{ "single-quotes", "{'a':'b'}", "{\"a\":\"b\"}\n", 0 },
	{ "double-in-single", "{'a':'say \"x\"'}", "{\"a\":\"say \\\"x\\\"\"}\n", 0 },
	{ "single-in-double", "{\"a\":\"it's\"}", "{\"a\":\"it's\"}\n", 0 },
	{ "escaped-single", "{'a':'it\\'s'}", "{\"a\":\"it's\"}\n", 0 },
	{ "backslash-at-end", "{'a':'\\\\'}", "{\"a\":\"\\\\\"}\n", 0 },
	{ "array", "[1,[2]]", "[1,[2]]\n", 0 },
	{ "reset-between", "\xff{}", "{}\n", 0 },
	{ "reset-in-half-a-request", "{\"a\":\"\xff{}", "{}\n", 0 },
	{ "reset-after-garbage", "AT+GMM\xff{}", "{}\n", 1 },
	{ "garbage-line", "hello\n{}", "{}\n", 1 },
	{ "garbage-before-request", "login: {}", "{}\n", 1 },
	{ "stray-close", "}\n{}", "{}\n", 1 },
	{ "newline-in-string", "{\"a\":\"b\n{}", "{}\n", 1 },
	{ "unfinished", "{\"a\":", "", 0 },
};

static void feed(const struct example *example, gsize step)
{
	struct result result = { g_string_new(NULL), 0 };
	struct wire *wire = wire_new(&callbacks, &result);
	const guint8 *bytes = (const guint8 *)example->input;
	gsize length = strlen(example->input);

	for (gsize at = 0; at < length; at += step)
		wire_feed(wire, bytes + at, MIN(step, length - at));
	g_assert_cmpstr(result.texts->str, ==, example->texts);
	g_assert_cmpuint(result.garbage, ==, example->garbage);
	wire_free(wire);
	g_string_free(result.texts, TRUE);
}

/* However the bytes are cut, the same comes out. */
static void test_example(gconstpointer data)
{
	for (gsize step = 1; step < 9; step++)
		feed(data, step);
	feed(data, 4096);
}

static void test_depth(void)
{
	struct result result = { g_string_new(NULL), 0 };
	struct wire *wire = wire_new(&callbacks, &result);

	for (guint i = 0; i < WIRE_MAX_DEPTH; i++)
		wire_feed(wire, (const guint8 *)"[", 1);
	g_assert_cmpuint(result.garbage, ==, 0);
	for (guint i = 0; i < 100; i++)
		wire_feed(wire, (const guint8 *)"[", 1);
	g_assert_cmpuint(result.garbage, ==, 1);
	wire_feed(wire, (const guint8 *)"\n{}", 3);
	g_assert_cmpstr(result.texts->str, ==, "{}\n");
	wire_free(wire);
	g_string_free(result.texts, TRUE);
}

static void test_size(void)
{
	struct result result = { g_string_new(NULL), 0 };
	struct wire *wire = wire_new(&callbacks, &result);
	g_autofree guint8 *chunk = g_malloc(1 << 20);

	memset(chunk, 'x', 1 << 20);
	wire_feed(wire, (const guint8 *)"[\"", 2);
	for (guint i = 0; i < 70; i++)
		wire_feed(wire, chunk, 1 << 20);
	g_assert_cmpuint(result.garbage, ==, 1);
	wire_feed(wire, (const guint8 *)"\n{}", 3);
	g_assert_cmpstr(result.texts->str, ==, "{}\n");
	wire_free(wire);
	g_string_free(result.texts, TRUE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(examples); i++) {
		g_autofree char *path = g_strconcat("/wire/", examples[i].name, NULL);

		g_test_add_data_func(path, &examples[i], test_example);
	}
	g_test_add_func("/wire/too-deep", test_depth);
	g_test_add_func("/wire/too-long", test_size);
	return g_test_run();
}
