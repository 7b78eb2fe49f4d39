/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command.h"

#include <string.h>

#include "client.h"
#include "commands.h"
#include "error.h"
#include "freeze.h"

static const struct command_table *const tables[] = {
	&commands_protocol,
	&commands_fsfreeze,
};

/* Names the lists leave out; NULL until commands_allow(). */
static GHashTable *disabled;

const struct command *commands_next(const struct command *command)
{
	gboolean found = !command;

	for (guint t = 0; t < G_N_ELEMENTS(tables); t++)
		for (guint i = 0; i < tables[t]->length; i++) {
			if (found)
				return &tables[t]->rows[i];
			found = command == &tables[t]->rows[i];
		}
	return NULL;
}

const struct command *commands_find(const char *name)
{
	for (const struct command *c = commands_next(NULL); c; c = commands_next(c))
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

/* The names of a list as a set; an unknown one is an error. */
static GHashTable *name_set(const char *list, GError **error)
{
	g_autoptr(GHashTable) set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_auto(GStrv) names = g_strsplit_set(list, ",;", -1);

	for (char **name = names; *name; name++) {
		g_strstrip(*name);
		if (!**name)
			continue;
		if (!commands_find(*name)) {
			g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
				    "cannot block or allow '%s': no such command", *name);
			return NULL;
		}
		g_hash_table_add(set, g_strdup(*name));
	}
	return g_steal_pointer(&set);
}

gboolean commands_allow(const char *blocked, const char *allowed, GError **error)
{
	g_autoptr(GHashTable) block = name_set(blocked ? blocked : "", error);
	g_autoptr(GHashTable) allow = block && allowed ? name_set(allowed, error) : NULL;

	if (!block || (allowed && !allow))
		return FALSE;
	for (const struct command *c = commands_next(NULL); c && allow; c = commands_next(c))
		if (!g_hash_table_contains(allow, c->name))
			g_hash_table_add(block, g_strdup(c->name));
	g_clear_pointer(&disabled, g_hash_table_unref);
	disabled = g_steal_pointer(&block);
	return TRUE;
}

gboolean command_is_enabled(const struct command *command)
{
	return !disabled || !g_hash_table_contains(disabled, command->name);
}

static gboolean may_run(const struct command *command, GError **error)
{
	const char *why = NULL;

	if (!command_is_enabled(command))
		why = "the command is not allowed";
	else if (!(command->flags & COMMAND_ANYTIME) && freeze_is_active())
		why = "the agent is in frozen state";
	if (why)
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_COMMAND_NOT_FOUND,
			    "Command %s has been disabled: %s", command->name, why);
	return !why;
}

static gboolean is_array_of(const json_t *value, json_type type)
{
	size_t i;
	json_t *item;

	if (!json_is_array(value))
		return FALSE;
	json_array_foreach(value, i, item)
		if (json_typeof(item) != type)
			return FALSE;
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
		return is_array_of(value, JSON_STRING);
	case ARGUMENT_OBJECTS:
		return is_array_of(value, JSON_OBJECT);
	case ARGUMENT_ANY:
		return TRUE;
	}
	return FALSE;
}

static gboolean check_argument(const struct argument *argument, const json_t *value, GError **error)
{
	static const char *const names[] = {
		[ARGUMENT_STRING] = "string", [ARGUMENT_INT] = "integer",
		[ARGUMENT_BOOL] = "boolean",  [ARGUMENT_STRINGS] = "array",
		[ARGUMENT_OBJECTS] = "array", [ARGUMENT_ANY] = "any",
	};

	if (!value && argument->optional)
		return TRUE;
	if (!value)
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "Parameter '%s' is missing",
			    argument->name);
	else if (!has_type(value, argument->type))
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "Invalid parameter type for '%s', expected: %s", argument->name,
			    names[argument->type]);
	else
		return TRUE;
	return FALSE;
}

static gboolean is_argument(const struct command *command, const char *name)
{
	for (guint i = 0; i < COMMAND_MAX_ARGUMENTS && command->arguments[i].name; i++)
		if (!strcmp(command->arguments[i].name, name))
			return TRUE;
	return FALSE;
}

static gboolean check_arguments(const struct command *command, json_t *arguments, GError **error)
{
	const char *name;
	json_t *value;

	for (guint i = 0; i < COMMAND_MAX_ARGUMENTS && command->arguments[i].name; i++) {
		value = json_object_get(arguments, command->arguments[i].name);
		if (!check_argument(&command->arguments[i], value, error))
			return FALSE;
	}
	json_object_foreach(arguments, name, value) {
		if (is_argument(command, name))
			continue;
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "Parameter '%s' is unexpected", name);
		return FALSE;
	}
	return TRUE;
}

/* The members of a request, and whether there is nothing else. */
static gboolean check_members(json_t *object, GError **error)
{
	const char *name, *wrong = NULL;
	json_t *value;

	if (!json_is_object(object)) {
		g_set_error_literal(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
				    "QMP input must be a JSON object");
		return FALSE;
	}
	json_object_foreach(object, name, value) {
		if (!strcmp(name, "execute"))
			wrong = json_is_string(value) ? NULL : "' must be a string";
		else if (!strcmp(name, "arguments"))
			wrong = json_is_object(value) ? NULL : "' must be an object";
		else if (strcmp(name, "id") != 0)
			wrong = "' is unexpected";
		if (wrong) {
			g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
				    "QMP input member '%s%s", name, wrong);
			return FALSE;
		}
	}
	if (!json_object_get(object, "execute"))
		g_set_error_literal(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
				    "QMP input lacks member 'execute'");
	return json_object_get(object, "execute") != NULL;
}

static const struct command *find(json_t *object, GError **error)
{
	const char *name = json_string_value(json_object_get(object, "execute"));
	const struct command *command = commands_find(name);

	if (!command)
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_COMMAND_NOT_FOUND,
			    "The command %s has not been found", name);
	return command;
}

static json_t *parse(const char *text, gsize length, GError **error)
{
	json_error_t where;
	json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);

	if (!value)
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "JSON parse error, %s",
			    where.text);
	return value;
}

static void run(const struct command *command, struct request *request, json_t *arguments)
{
	if (!(command->flags & COMMAND_QUIET))
		g_info("%s", command->name);
	if (command->flags & COMMAND_SYNC)
		client_resync(request_client(request), request);
	command->run(request, arguments);
}

void command_dispatch(struct client *client, const char *text, gsize length)
{
	g_autoptr(GError) error = NULL;
	const struct command *command = NULL;
	json_t *object = parse(text, length, &error);
	json_t *arguments = NULL;
	gboolean ok;

	ok = object && check_members(object, &error) && (command = find(object, &error)) &&
	     may_run(command, &error);
	if (ok) {
		arguments = json_incref(json_object_get(object, "arguments"));
		if (!arguments)
			arguments = json_object();
		ok = check_arguments(command, arguments, &error);
	}
	struct request *request =
		request_new(client, ok ? command : NULL, json_object_get(object, "id"));
	if (ok)
		run(command, request, arguments);
	else
		request_fail(request, g_steal_pointer(&error));
	json_decref(arguments);
	json_decref(object);
}
