/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "arguments.h"

#include <string.h>

#include "error.h"

static gboolean check_object(const struct argument *table, guint length, json_t *object,
			     const char *path, GError **error);

static gboolean wrong_type(const char *path, const char *expected, GError **error)
{
	g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
		    "Invalid parameter type for '%s', expected: %s", path, expected);
	return FALSE;
}

static gboolean check_strings(json_t *list, const char *path, GError **error)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		g_autofree char *item_path = g_strdup_printf("%s[%zu]", path, i);

		if (!json_is_string(item))
			return wrong_type(item_path, "string", error);
	}
	return TRUE;
}

static gboolean check_objects(const struct argument *members, json_t *list, const char *path,
			      GError **error)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		g_autofree char *item_path = g_strdup_printf("%s[%zu]", path, i);
		g_autofree char *prefix = g_strdup_printf("%s.", item_path);

		if (!json_is_object(item))
			return wrong_type(item_path, "object", error);
		if (!check_object(members, G_MAXUINT, item, prefix, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean has_type(const json_t *value, enum argument_type type)
{
	switch (type) {
	case ARGUMENT_STRING:
		return json_is_string(value);
	case ARGUMENT_INT:
		return json_is_integer(value);
	case ARGUMENT_BOOL:
		return json_is_boolean(value);
	case ARGUMENT_STRINGS:
	case ARGUMENT_OBJECTS:
		return json_is_array(value);
	case ARGUMENT_ANY:
		return TRUE;
	}
	return FALSE;
}

static gboolean check_value(const struct argument *argument, json_t *value, const char *path,
			    GError **error)
{
	static const char *const names[] = {
		[ARGUMENT_STRING] = "string", [ARGUMENT_INT] = "integer",
		[ARGUMENT_BOOL] = "boolean",  [ARGUMENT_STRINGS] = "array",
		[ARGUMENT_OBJECTS] = "array", [ARGUMENT_ANY] = "any",
	};

	if (!value && argument->optional)
		return TRUE;
	if (!value) {
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "Parameter '%s' is missing",
			    path);
		return FALSE;
	}
	if (!has_type(value, argument->type))
		return wrong_type(path, names[argument->type], error);
	if (argument->type == ARGUMENT_STRINGS)
		return check_strings(value, path, error);
	if (argument->type == ARGUMENT_OBJECTS)
		return check_objects(argument->members, value, path, error);
	return TRUE;
}

static gboolean has_row(const struct argument *table, guint length, const char *name)
{
	for (guint i = 0; i < length && table[i].name; i++)
		if (!strcmp(table[i].name, name))
			return TRUE;
	return FALSE;
}

static gboolean check_object(const struct argument *table, guint length, json_t *object,
			     const char *prefix, GError **error)
{
	const char *name;
	json_t *value;

	for (guint i = 0; i < length && table[i].name; i++) {
		g_autofree char *path = g_strconcat(prefix, table[i].name, NULL);

		value = json_object_get(object, table[i].name);
		if (!check_value(&table[i], value, path, error))
			return FALSE;
	}
	json_object_foreach (object, name, value) {
		if (has_row(table, length, name))
			continue;
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "Parameter '%s%s' is unexpected", prefix, name);
		return FALSE;
	}
	return TRUE;
}

gboolean arguments_check(const struct argument *table, guint length, json_t *object, GError **error)
{
	return check_object(table, length, object, "", error);
}
