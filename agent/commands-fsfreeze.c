/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include "engine.h"
#include "error.h"
#include "freeze.h"

static void count_done(guint count, GError *error, gpointer request)
{
	if (error)
		request_fail(request, error);
	else
		request_return(request, json_integer(count));
}

static void status_run(struct request *request, json_t *arguments)
{
	GError *error = NULL;

	if (!freeze_check(&error))
		request_fail(request, error);
	else
		request_return(request, json_string(freeze_is_active() ? "frozen" : "thawed"));
}

static void freeze_run(struct request *request, json_t *arguments)
{
	freeze_begin(NULL, count_done, request);
}

static void freeze_list_run(struct request *request, json_t *arguments)
{
	json_t *list = json_object_get(arguments, "mountpoints");
	g_autoptr(GPtrArray) paths = g_ptr_array_new();
	json_t *path;
	size_t i;

	json_array_foreach(list, i, path)
		g_ptr_array_add(paths, (gpointer)json_string_value(path));
	g_ptr_array_add(paths, NULL);
	freeze_begin(list ? (const char *const *)paths->pdata : NULL, count_done, request);
}

static void thaw_run(struct request *request, json_t *arguments)
{
	freeze_thaw(count_done, request);
}

static void extend_run(struct request *request, json_t *arguments)
{
	json_int_t timeout = json_integer_value(json_object_get(arguments, "timeout"));
	GError *error = NULL;

	if (timeout < 1 || timeout > FREEZE_TIMEOUT_MAX_S)
		g_set_error(&error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "cannot extend the freeze: timeout must be 1 to %d seconds",
			    FREEZE_TIMEOUT_MAX_S);
	if (!error && freeze_extend((guint)timeout * 1000, &error))
		request_return(request, NULL);
	else
		request_fail(request, error);
}

static json_t *entry_to_json(const struct engine_entry *entry)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "device", entry->device, "type",
				   entry->type, "state", entry->state, "flush-us",
				   (json_int_t)entry->flush_us, "freeze-us",
				   (json_int_t)entry->freeze_us, "thaw-us",
				   (json_int_t)entry->thaw_us);

	if (entry->path)
		json_object_set_new(object, "mountpoint", json_string(entry->path));
	if (entry->error)
		json_object_set_new(object, "error", json_string(g_strerror(entry->error)));
	return object;
}

static void info_run(struct request *request, json_t *arguments)
{
	g_autoptr(GPtrArray) report = freeze_report();
	json_t *list = json_array();

	for (guint i = 0; i < report->len; i++)
		json_array_append_new(list, entry_to_json(g_ptr_array_index(report, i)));
	request_return(request, json_pack("{s:s, s:s, s:I, s:o}", "engine", freeze_engine_name(),
					  "state", freeze_state_name(), "remaining-ms",
					  (json_int_t)freeze_remaining_ms(), "filesystems", list));
}

static const struct command rows[] = {
	{ "guest-fsfreeze-status", status_run, COMMAND_READ_ONLY | COMMAND_ANYTIME | COMMAND_QUIET,
	  "whether file systems are frozen" },
	{ "guest-fsfreeze-freeze", freeze_run, COMMAND_READ_ONLY, "run the freeze hooks, freeze all file systems" },
	{ "guest-fsfreeze-freeze-list", freeze_list_run, COMMAND_READ_ONLY,
	  "the same for what is mounted at these paths",
	  { { "mountpoints", ARGUMENT_STRINGS, TRUE } } },
	{ "guest-fsfreeze-thaw", thaw_run, COMMAND_READ_ONLY | COMMAND_ANYTIME, "thaw them, run the thaw hooks" },
	{ "guest-tools-fsfreeze-extend", extend_run, COMMAND_READ_ONLY | COMMAND_ANYTIME,
	  "move the deadline of the freeze to so many seconds from now",
	  { { "timeout", ARGUMENT_INT } } },
	{ "guest-tools-fsfreeze-info", info_run, COMMAND_READ_ONLY | COMMAND_ANYTIME | COMMAND_QUIET,
	  "engine, state, time left, and what became of each file system" },
};

const struct command_table commands_fsfreeze = COMMAND_TABLE(rows);
