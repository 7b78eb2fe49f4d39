/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include <string.h>

#include "encode.h"
#include "error.h"
#include "program.h"
#include "task.h"

#define TIMEOUT_S 30

static gboolean forbid(gboolean wrong, const char *what, GError **error)
{
	if (wrong)
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "forbidden characters in %s",
			    what);
	return !wrong;
}

/* What chpasswd would take for something else must not reach it. */
static char *chpasswd_line(json_t *arguments, GError **error)
{
	const char *user = json_string_value(json_object_get(arguments, "username"));
	gboolean crypted = json_is_true(json_object_get(arguments, "crypted"));
	gsize length;
	g_autofree char *password = decode_base64(
		json_string_value(json_object_get(arguments, "password")), &length, error);

	if (!password)
		return NULL;
	if (!forbid(strpbrk(user, ":\n") != NULL, "username", error) ||
	    !forbid(strlen(password) != length || strchr(password, '\n') ||
			    (crypted && strchr(password, ':')),
		    crypted ? "crypted password" : "raw password", error))
		return NULL;
	return g_strdup_printf("%s:%s\n", user, password);
}

static json_t *password_task(struct task_io *io, json_t *arguments, GError **error)
{
	const char *const plain[] = { "chpasswd", NULL };
	const char *const crypted[] = { "chpasswd", "-e", NULL };
	g_autofree char *line = chpasswd_line(arguments, error);

	if (!line)
		return NULL;
	if (program_run(json_is_true(json_object_get(arguments, "crypted")) ? crypted : plain, line,
			error))
		return json_object();
	g_prefix_error(error, "child process has failed to set user password: ");
	return NULL;
}

static void password_run(struct request *request, json_t *arguments)
{
	task_answer(request, password_task, arguments, TIMEOUT_S);
}

static const struct command rows[] = {
	{ "guest-set-user-password",
	  password_run,
	  COMMAND_HELPED,
	  "set the password of a user",
	  { { "username", ARGUMENT_STRING },
	    { "password", ARGUMENT_STRING },
	    { "crypted", ARGUMENT_BOOL } } },
};

const struct command_table commands_account = COMMAND_TABLE(rows);
