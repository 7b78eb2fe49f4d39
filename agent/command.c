/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "command.h"

#include <string.h>

#include "client.h"
#include "commands.h"
#include "error.h"
#include "freeze.h"
#include "helper.h"

static const struct command_table *const tables[] = {
	&commands_protocol, &commands_fsfreeze, &commands_file, &commands_exec,
	&commands_power,    &commands_time,     &commands_cpu,  &commands_memory,
	&commands_storage,  &commands_network,  &commands_os,   &commands_stats,
	&commands_account,  &commands_ssh,	&commands_helper,
};

/* Names the lists leave out; NULL until commands_allow(). */
static GHashTable *disabled;

static enum commands_role role;

void commands_init(enum commands_role is)
{
	role = is;
}

static const struct command *next_row(const struct command *command)
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

const struct command *commands_next(const struct command *command)
{
	do
		command = next_row(command);
	while (command && (command->flags & COMMAND_INTERNAL));
	return command;
}

const struct command *commands_find(const char *name)
{
	for (const struct command *c = next_row(NULL); c; c = next_row(c))
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

static const struct profile {
	const char *name;
	guint flags; /* that a command must have */
} profiles[] = {
	{ "full", 0 },
	{ "read-only", COMMAND_READ_ONLY },
};

static const struct profile *find_profile(const char *name, GError **error)
{
	if (!name)
		return &profiles[0];
	for (guint i = 0; i < G_N_ELEMENTS(profiles); i++)
		if (!strcmp(profiles[i].name, name))
			return &profiles[i];
	g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
		    "no profile '%s'; there are: full, read-only", name);
	return NULL;
}

gboolean commands_allow(const char *profile, const char *blocked, const char *allowed, GError **error)
{
	const struct profile *row = find_profile(profile, error);
	g_autoptr(GHashTable) block = row ? name_set(blocked ? blocked : "", error) : NULL;
	g_autoptr(GHashTable) allow = block && allowed ? name_set(allowed, error) : NULL;

	if (!block || (allowed && !allow))
		return FALSE;
	for (const struct command *c = commands_next(NULL); c; c = commands_next(c))
		if ((c->flags & row->flags) != row->flags ||
		    (allow && !g_hash_table_contains(allow, c->name)))
			g_hash_table_add(block, g_strdup(c->name));
	g_clear_pointer(&disabled, g_hash_table_unref);
	disabled = g_steal_pointer(&block);
	return TRUE;
}

/* Return: why it cannot be run at all, or NULL. */
static const char *why_disabled(const struct command *command)
{
	gboolean here = role == COMMANDS_HELP ? command->flags & (COMMAND_HELPED | COMMAND_INTERNAL) :
						!(command->flags & COMMAND_INTERNAL);

	if (!here || (disabled && g_hash_table_contains(disabled, command->name)))
		return "the command is not allowed";
	if (role == COMMANDS_ASK && (command->flags & COMMAND_HELPED) && !helper_is_there())
		return "the agent's helper is turned off";
	return NULL;
}

gboolean command_is_enabled(const struct command *command)
{
	return !why_disabled(command);
}

static gboolean may_run(const struct command *command, GError **error)
{
	const char *why = why_disabled(command);

	if (!why && !(command->flags & COMMAND_ANYTIME) && freeze_is_active())
		why = "the agent is in frozen state";
	if (why)
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_COMMAND_NOT_FOUND,
			    "Command %s has been disabled: %s", command->name, why);
	return !why;
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
	json_object_foreach (object, name, value) {
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
	if (role == COMMANDS_ASK && (command->flags & COMMAND_HELPED))
		helper_ask(command->name, arguments, task_finish, request);
	else
		command->run(request, arguments);
}

static void dispatch(struct client *client, const struct command *command, json_t *object,
		     GError *error)
{
	json_t *arguments = json_incref(json_object_get(object, "arguments"));
	struct request *request;

	if (!arguments)
		arguments = json_object();
	if (!error && may_run(command, &error))
		arguments_check(command->arguments, COMMAND_MAX_ARGUMENTS, arguments, &error);
	request = request_new(client, error ? NULL : command, json_object_get(object, "id"));
	if (error)
		request_fail(request, error);
	else
		run(command, request, arguments);
	json_decref(arguments);
}

/* A helper's client is an agent, which has the order of its requests from the host's. */
static gboolean must_wait(struct client *client, const struct command *command)
{
	return role != COMMANDS_HELP && (!command || !(command->flags & COMMAND_ANYTIME)) &&
	       client_must_wait(client);
}

void command_dispatch(struct client *client, const char *text, gsize length)
{
	const struct command *command = NULL;
	GError *error = NULL;
	json_t *object = parse(text, length, &error);

	if (object && check_members(object, &error))
		command = find(object, &error);
	if (must_wait(client, command)) {
		g_clear_error(&error);
		client_defer(client, text, length);
	} else {
		dispatch(client, command, object, error);
	}
	json_decref(object);
}
