/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "encode.h"
#include "error.h"
#include "logins.h"
#include "task.h"

#define TIMEOUT_S 10

static void host_name_run(struct request *request, json_t *arguments)
{
	struct utsname name;

	uname(&name);
	request_return(request, json_pack("{s:o}", "host-name", encode_text(name.nodename)));
}

static json_t *users_task(struct task_io *io, json_t *arguments, GError **error)
{
	g_autoptr(GPtrArray) logins = logins_read();
	json_t *list = json_array();

	for (guint i = 0; i < logins->len; i++) {
		struct login *login = g_ptr_array_index(logins, i);

		json_array_append_new(list, json_pack("{s:o, s:f}", "user",
						      encode_text(login->user), "login-time",
						      (double)login->time / G_USEC_PER_SEC));
	}
	return list;
}

static void users_run(struct request *request, json_t *arguments)
{
	task_answer(request, users_task, arguments, TIMEOUT_S);
}

/* In a child also because a C library reads /etc/localtime once in a process's life. */
static json_t *timezone_task(struct task_io *io, json_t *arguments, GError **error)
{
	time_t now = time(NULL);
	struct tm tm;
	json_t *object;

	localtime_r(&now, &tm);
	object = json_pack("{s:I}", "offset", (json_int_t)tm.tm_gmtoff);
	if (tm.tm_zone && *tm.tm_zone)
		json_object_set_new(object, "zone", encode_text(tm.tm_zone));
	return object;
}

static void timezone_run(struct request *request, json_t *arguments)
{
	task_answer(request, timezone_task, arguments, TIMEOUT_S);
}

/* os-release(5): shell assignments */
static const struct {
	const char *variable, *member;
} os_release[] = {
	{ "ID=", "id" },
	{ "NAME=", "name" },
	{ "PRETTY_NAME=", "pretty-name" },
	{ "VERSION=", "version" },
	{ "VERSION_ID=", "version-id" },
	{ "VARIANT=", "variant" },
	{ "VARIANT_ID=", "variant-id" },
};

static void add_variable(json_t *object, const char *line)
{
	for (guint i = 0; i < G_N_ELEMENTS(os_release); i++) {
		g_autofree char *value = NULL;

		if (!g_str_has_prefix(line, os_release[i].variable))
			continue;
		line += strlen(os_release[i].variable);
		value = g_shell_unquote(line, NULL);
		json_object_set_new(object, os_release[i].member,
				    encode_text(value ? value : line));
		return;
	}
}

static json_t *osinfo_task(struct task_io *io, json_t *arguments, GError **error)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	struct utsname name;
	json_t *object;

	uname(&name);
	object = json_pack("{s:o, s:o, s:o}", "kernel-release", encode_text(name.release),
			   "kernel-version", encode_text(name.version), "machine",
			   encode_text(name.machine));
	if (!g_file_get_contents("/etc/os-release", &text, NULL, NULL) &&
	    !g_file_get_contents("/usr/lib/os-release", &text, NULL, NULL))
		return object;
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		add_variable(object, g_strstrip(*line));
	return object;
}

static void osinfo_run(struct request *request, json_t *arguments)
{
	task_answer(request, osinfo_task, arguments, TIMEOUT_S);
}

static const struct command rows[] = {
	{ "guest-get-host-name", host_name_run, COMMAND_QUIET, "the guest's name" },
	{ "guest-get-users", users_run, 0, "who is logged in, and since when" },
	{ "guest-get-timezone", timezone_run, 0, "its time zone, and the offset to UTC" },
	{ "guest-get-osinfo", osinfo_run, 0, "distribution and kernel" },
};

const struct command_table commands_os = COMMAND_TABLE(rows);
