/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an agent in a sandbox asks of its helper, beside commands of the host. */
#include "commands.h"

#include "error.h"
#include "helper.h"
#include "hooks.h"

static struct request *runs; /* the request whose hooks run, or NULL */

static void hooks_ran(GError *error)
{
	struct request *request = g_steal_pointer(&runs);

	if (error)
		request_fail(request, error);
	else
		request_return(request, NULL);
}

static void hooks_run_run(struct request *request, json_t *arguments)
{
	static const char *const verbs[] = { "freeze", "thaw" };
	const char *verb = json_string_value(json_object_get(arguments, "verb"));

	for (guint i = 0; i < G_N_ELEMENTS(verbs) && !runs; i++)
		if (g_str_equal(verb, verbs[i])) {
			runs = request;
			hooks_run(verbs[i], hooks_ran);
			return;
		}
	request_fail(request, g_error_new(AGENT_ERROR, AGENT_ERROR_GENERIC,
					  runs ? "cannot run the %s hooks: others are running" :
						 "there are no %s hooks", verb));
}

static void hooks_cancel_run(struct request *request, json_t *arguments)
{
	hooks_cancel();
	request_return(request, NULL);
}

static const struct command rows[] = {
	{ HELPER_RUN_HOOKS,
	  hooks_run_run,
	  COMMAND_INTERNAL,
	  "run the hooks",
	  { { "verb", ARGUMENT_STRING } } },
	{ HELPER_CANCEL_HOOKS, hooks_cancel_run, COMMAND_INTERNAL, "end them early" },
};

const struct command_table commands_helper = COMMAND_TABLE(rows);
