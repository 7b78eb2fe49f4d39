/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "sysfs.h"
#include "task.h"

#define CPUS "/sys/devices/system/cpu"
/* Stopping one of hundreds of processors of a busy guest takes its time. */
#define TIMEOUT_S 60

static void get_run(struct request *request, json_t *arguments)
{
	g_auto(GStrv) names = sysfs_list(CPUS, "cpu");
	json_t *list = json_array();
	GError *error = NULL;
	guint64 id;

	if (!names) {
		agent_error_errno(&error, errno, "cannot list the processors in %s", CPUS);
		json_decref(list);
		request_fail(request, error);
		return;
	}
	for (char **name = names; *name; name++) {
		g_autofree char *online = sysfs_read(CPUS "/%s/online", *name);

		if (!sysfs_number(*name, "cpu", &id))
			continue;
		/* One that cannot be stopped has no such attribute. */
		json_array_append_new(
			list, json_pack("{s:I, s:b, s:b}", "logical-id", (json_int_t)id, "online",
					!online || *online != '0', "can-offline", online != NULL));
	}
	request_return(request, list);
}

static gboolean set_one(json_t *vcpu, GError **error)
{
	gint64 id = json_integer_value(json_object_get(vcpu, "logical-id"));
	gboolean online = json_is_true(json_object_get(vcpu, "online"));
	g_autofree char *directory = g_strdup_printf(CPUS "/cpu%" PRId64 "/", id);
	g_autofree char *path = g_strconcat(directory, "online", NULL);
	g_autofree char *now = NULL;
	int status;

	if (access(directory, F_OK) < 0)
		return agent_error_errno(error, errno, "Could not open '%s'", directory);
	now = sysfs_read("%s", path);
	if (!now && online)
		return TRUE;
	if (!now) {
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "logical processor #%" PRId64 " can't be offlined", id);
		return FALSE;
	}
	if ((*now != '0') == online)
		return TRUE;
	status = sysfs_write(path, online ? "1" : "0");
	if (status < 0)
		return agent_error_errno(error, -status, "cannot set %s", path);
	return TRUE;
}

/* What failed after the first is told by the number of those that did not. */
static json_t *set_task(struct task_io *io, json_t *arguments, GError **error)
{
	json_t *vcpus = json_object_get(arguments, "vcpus"), *vcpu;
	gsize done;

	json_array_foreach (vcpus, done, vcpu)
		if (!set_one(vcpu, done == 0 ? error : NULL))
			break;
	if (done == 0 && json_array_size(vcpus) > 0)
		return NULL;
	return json_integer((json_int_t)done);
}

static void set_run(struct request *request, json_t *arguments)
{
	task_answer(request, set_task, arguments, TIMEOUT_S);
}

static const struct argument vcpu_members[] = {
	{ "logical-id", ARGUMENT_INT },
	{ "online", ARGUMENT_BOOL },
	{ "can-offline", ARGUMENT_BOOL, TRUE },
	{ NULL },
};

static const struct command rows[] = {
	{ "guest-get-vcpus", get_run, COMMAND_QUIET, "the processors, and which are in use" },
	{ "guest-set-vcpus",
	  set_run,
	  0,
	  "start or stop processors",
	  { { "vcpus", ARGUMENT_OBJECTS, FALSE, vcpu_members } } },
};

const struct command_table commands_cpu = COMMAND_TABLE(rows);
