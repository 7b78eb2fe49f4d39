/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include <string.h>

#include "authorized-keys.h"
#include "encode.h"
#include "error.h"
#include "task.h"

#define TIMEOUT_S 30

static gboolean become(json_t *arguments, GError **error)
{
	return authorized_keys_become(json_string_value(json_object_get(arguments, "username")),
				      error);
}

static gboolean is_key(const char *line)
{
	return *line && *line != '#';
}

static gboolean check_keys(json_t *keys, GError **error)
{
	json_t *key;
	size_t i;

	json_array_foreach (keys, i, key) {
		const char *text = json_string_value(key);

		if (is_key(text) && !strpbrk(text, "\n\r"))
			continue;
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "invalid OpenSSH public key: '%s'", text);
		return FALSE;
	}
	return TRUE;
}

static gboolean has_key(json_t *keys, const char *line)
{
	json_t *key;
	size_t i;

	json_array_foreach (keys, i, key)
		if (!strcmp(json_string_value(key), line))
			return TRUE;
	return FALSE;
}

static json_t *get_task(struct task_io *io, json_t *arguments, GError **error)
{
	g_auto(GStrv) lines = become(arguments, error) ? authorized_keys_read(FALSE, error) : NULL;
	json_t *keys;

	if (!lines)
		return NULL;
	keys = json_array();
	for (char **line = lines; *line; line++)
		if (is_key(g_strchug(*line)))
			json_array_append_new(keys, encode_text(*line));
	return json_pack("{s:o}", "keys", keys);
}

/* A key that is there already is not added a second time. */
static json_t *add_task(struct task_io *io, json_t *arguments, GError **error)
{
	json_t *keys = json_object_get(arguments, "keys"), *key;
	g_autoptr(GPtrArray) new_lines = g_ptr_array_new();
	g_auto(GStrv) lines = NULL;
	size_t i;

	if (!check_keys(keys, error) || !become(arguments, error))
		return NULL;
	if (!json_is_true(json_object_get(arguments, "reset"))) {
		lines = authorized_keys_read(TRUE, error);
		if (!lines)
			return NULL;
	}
	for (char **line = lines; line && *line; line++)
		g_ptr_array_add(new_lines, *line);
	json_array_foreach (keys, i, key)
		if (!lines || !g_strv_contains((const char *const *)lines, json_string_value(key)))
			g_ptr_array_add(new_lines, (gpointer)json_string_value(key));
	g_ptr_array_add(new_lines, NULL);
	return authorized_keys_write((const char *const *)new_lines->pdata, error) ? json_object()
										   : NULL;
}

static json_t *remove_task(struct task_io *io, json_t *arguments, GError **error)
{
	json_t *keys = json_object_get(arguments, "keys");
	g_autoptr(GPtrArray) new_lines = g_ptr_array_new();
	g_auto(GStrv) lines = NULL;

	if (!check_keys(keys, error) || !become(arguments, error) ||
	    !(lines = authorized_keys_read(FALSE, error)))
		return NULL;
	for (char **line = lines; *line; line++)
		if (!has_key(keys, *line))
			g_ptr_array_add(new_lines, *line);
	g_ptr_array_add(new_lines, NULL);
	return authorized_keys_write((const char *const *)new_lines->pdata, error) ? json_object()
										   : NULL;
}

static void get_run(struct request *request, json_t *arguments)
{
	task_answer(request, get_task, arguments, TIMEOUT_S);
}

static void add_run(struct request *request, json_t *arguments)
{
	task_answer(request, add_task, arguments, TIMEOUT_S);
}

static void remove_run(struct request *request, json_t *arguments)
{
	task_answer(request, remove_task, arguments, TIMEOUT_S);
}

static const struct command rows[] = {
	{ "guest-ssh-get-authorized-keys",
	  get_run,
	  COMMAND_HELPED,
	  "the public keys that may log in as a user",
	  { { "username", ARGUMENT_STRING } } },
	{ "guest-ssh-add-authorized-keys",
	  add_run,
	  COMMAND_HELPED,
	  "add to them, or replace them",
	  { { "username", ARGUMENT_STRING },
	    { "keys", ARGUMENT_STRINGS },
	    { "reset", ARGUMENT_BOOL, TRUE } } },
	{ "guest-ssh-remove-authorized-keys",
	  remove_run,
	  COMMAND_HELPED,
	  "remove some of them",
	  { { "username", ARGUMENT_STRING }, { "keys", ARGUMENT_STRINGS } } },
};

const struct command_table commands_ssh = COMMAND_TABLE(rows);
