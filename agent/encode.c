/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "encode.h"

#include <string.h>

#include "error.h"

json_t *encode_text(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);

	return json_string(valid);
}

json_t *encode_base64(const void *bytes, gsize length)
{
	g_autofree char *text = g_base64_encode(bytes, length);

	return json_string(text);
}

/* Line breaks may be anywhere, padding at the end alone; then it is groups of four. */
static const char *what_is_wrong(const char *text)
{
	guint digits = 0, padding = 0;

	for (; *text; text++) {
		if (*text == '\n' || *text == '\r')
			continue;
		if (*text == '=')
			padding++;
		else if (!g_ascii_isalnum(*text) && *text != '+' && *text != '/')
			return "contains invalid characters";
		else if (padding > 0)
			return "goes on behind its padding";
		digits++;
	}
	return padding > 2 || digits % 4 != 0 ? "is not complete" : NULL;
}

char *decode_base64(const char *text, gsize *length, GError **error)
{
	const char *wrong = what_is_wrong(text);
	char *bytes;

	if (wrong) {
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "Base64 data %s", wrong);
		return NULL;
	}
	/* An empty string decodes to NULL. */
	bytes = *text ? (char *)g_base64_decode(text, length) : NULL;
	if (!bytes)
		*length = 0;
	bytes = g_realloc(bytes, *length + 1);
	bytes[*length] = '\0';
	return bytes;
}
