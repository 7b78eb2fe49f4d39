/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "sysfs.h"
#include "task.h"

#define MEMORY "/sys/devices/system/memory"
/* Emptying a block of memory can take very long, and may be given up. */
#define TIMEOUT_S 300

static json_t *block_of(const char *name, guint64 index)
{
	g_autofree char *state = sysfs_read(MEMORY "/%s/state", name);
	g_autofree char *removable = sysfs_read(MEMORY "/%s/removable", name);

	if (!state)
		return NULL;
	return json_pack("{s:I, s:b, s:b}", "phys-index", (json_int_t)index, "online",
			 !strcmp(state, "online"), "can-offline", removable && *removable != '0');
}

static void get_run(struct request *request, json_t *arguments)
{
	g_auto(GStrv) names = sysfs_list(MEMORY, "memory");
	json_t *list = json_array();
	GError *error = NULL;
	guint64 index;

	if (!names) {
		agent_error_errno(&error, errno, "Can't open directory: %s", MEMORY);
		json_decref(list);
		request_fail(request, error);
		return;
	}
	for (char **name = names; *name; name++)
		if (sysfs_number(*name, "memory", &index))
			/* One that went away meanwhile is NULL, and is not appended. */
			json_array_append_new(list, block_of(*name, index));
	request_return(request, list);
}

/* Return: 0, or a negative errno; @response says what that means. */
static int set_one(guint64 index, gboolean online, const char **response)
{
	g_autofree char *directory = g_strdup_printf(MEMORY "/memory%" PRIu64, index);
	g_autofree char *path = g_strconcat(directory, "/state", NULL);
	g_autofree char *now = NULL;
	int status;

	*response = "not-found";
	if (access(directory, F_OK) < 0)
		return -errno;
	*response = "operation-not-supported";
	now = sysfs_read("%s", path);
	if (!now)
		return -errno;
	*response = "success";
	if ((strcmp(now, "online") == 0) == online)
		return 0;
	status = sysfs_write(path, online ? "online" : "offline");
	if (status < 0)
		*response = "operation-failed";
	return status;
}

static json_t *set_task(struct task_io *io, json_t *arguments, GError **error)
{
	json_t *blocks = json_object_get(arguments, "mem-blks"), *block, *list = json_array();
	gsize i;

	json_array_foreach (blocks, i, block) {
		json_int_t index = json_integer_value(json_object_get(block, "phys-index"));
		gboolean online = json_is_true(json_object_get(block, "online"));
		const char *response;
		int status = set_one((guint64)index, online, &response);
		json_t *answer = json_pack("{s:I, s:s}", "phys-index", index, "response", response);

		if (status < 0)
			json_object_set_new(answer, "error-code", json_integer(-status));
		json_array_append_new(list, answer);
	}
	return list;
}

static void set_run(struct request *request, json_t *arguments)
{
	task_answer(request, set_task, arguments, TIMEOUT_S);
}

static void info_run(struct request *request, json_t *arguments)
{
	g_autofree char *text = sysfs_read(MEMORY "/block_size_bytes");
	guint64 size;
	GError *error = NULL;

	if (!text)
		agent_error_errno(&error, errno, "cannot read %s/block_size_bytes", MEMORY);
	else if (!g_ascii_string_to_unsigned(text, 16, 0, G_MAXINT64, &size, &error))
		g_prefix_error(&error, "%s/block_size_bytes is not a number: ", MEMORY);
	if (error)
		request_fail(request, error);
	else
		request_return(request, json_pack("{s:I}", "size", (json_int_t)size));
}

static const struct argument block_members[] = {
	{ "phys-index", ARGUMENT_INT },
	{ "online", ARGUMENT_BOOL },
	{ "can-offline", ARGUMENT_BOOL, TRUE },
	{ NULL },
};

static const struct command rows[] = {
	{ "guest-get-memory-blocks", get_run, COMMAND_QUIET,
	  "the blocks of memory, and which are in use" },
	{ "guest-set-memory-blocks",
	  set_run,
	  0,
	  "take blocks of memory into use, or out of it",
	  { { "mem-blks", ARGUMENT_OBJECTS, FALSE, block_members } } },
	{ "guest-get-memory-block-info", info_run, COMMAND_QUIET, "how large a block is" },
};

const struct command_table commands_memory = COMMAND_TABLE(rows);
