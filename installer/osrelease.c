// SPDX-License-Identifier: GPL-2.0-or-later
#include "osrelease.h"

#include <string.h>

/*
 * The value after "=": up to the end or an unquoted space. NULL when a quote does not end, or
 * when the shell would do something here ("$", "`" outside of single quotes).
 */
static char *parse_value(const char *p)
{
	g_autoptr(GString) value = g_string_new(NULL);
	char quote = '\0';

	for (; *p; p++) {
		if (quote != '\'' && (*p == '$' || *p == '`'))
			return NULL;
		if (quote ? *p == quote : (*p == '"' || *p == '\''))
			quote = quote ? '\0' : *p;
		else if (*p == '\\' && quote != '\'' && p[1])
			g_string_append_c(value, *++p);
		else if (!quote && g_ascii_isspace(*p))
			break;
		else
			g_string_append_c(value, *p);
	}
	if (quote || value->len > OSRELEASE_VALUE_MAX)
		return NULL;
	return g_string_free(g_steal_pointer(&value), FALSE);
}

static gboolean is_clean(const char *value)
{
	for (const char *p = value; *p; p++)
		if ((guchar)*p < ' ' || *p == 127)
			return FALSE;
	return g_utf8_validate(value, -1, NULL);
}

static gboolean is_key(const char *key, gsize len)
{
	for (gsize i = 0; i < len; i++)
		if (!g_ascii_isalnum(key[i]) && key[i] != '_')
			return FALSE;
	return len > 0;
}

static void parse_line(GHashTable *table, char *line)
{
	char *equals;

	g_strstrip(line);
	equals = strchr(line, '=');
	if (*line == '#' || !equals || !is_key(line, equals - line))
		return;
	g_autofree char *value = parse_value(equals + 1);

	if (value && is_clean(value))
		g_hash_table_insert(table, g_strndup(line, equals - line), g_steal_pointer(&value));
}

GHashTable *osrelease_parse(const char *text, gsize len)
{
	GHashTable *table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autofree char *copy = g_strndup(text, len);
	g_auto(GStrv) lines = NULL;

	if (g_str_has_prefix(copy, "\xef\xbb\xbf"))
		memset(copy, ' ', 3);
	lines = g_strsplit(copy, "\n", -1);
	for (char **line = lines; *line; line++)
		parse_line(table, *line);
	return table;
}
