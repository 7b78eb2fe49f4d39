/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sys/time.h>

#include "error.h"
#include "rtc.h"
#include "task.h"

#define NS_PER_SECOND G_GINT64_CONSTANT(1000000000)
#define TIMEOUT_S     10

static void get_run(struct request *request, json_t *arguments)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	request_return(request, json_integer(now.tv_sec * NS_PER_SECOND + now.tv_nsec));
}

static gboolean set_system(gint64 time, GError **error)
{
	struct timeval now = { .tv_sec = time / NS_PER_SECOND,
			       .tv_usec = time % NS_PER_SECOND / 1000 };

	if (time < 0) {
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "Time %" PRId64 " is before 1970", time);
		return FALSE;
	}
	if (settimeofday(&now, NULL) < 0)
		return agent_error_errno(error, errno, "Failed to set time to guest");
	return TRUE;
}

static json_t *set_task(struct task_io *io, json_t *arguments, GError **error)
{
	json_t *time = json_object_get(arguments, "time");
	gboolean ok;

	if (time)
		ok = set_system(json_integer_value(time), error) && rtc_from_system(error);
	else
		ok = rtc_to_system(error);
	return ok ? json_object() : NULL;
}

static void set_run(struct request *request, json_t *arguments)
{
	task_answer(request, set_task, arguments, TIMEOUT_S);
}

static const struct command rows[] = {
	{ "guest-get-time", get_run, COMMAND_QUIET, "nanoseconds since 1970" },
	{ "guest-set-time",
	  set_run,
	  COMMAND_HELPED,
	  "set it, or take it from the hardware clock",
	  { { "time", ARGUMENT_INT, TRUE } } },
};

const struct command_table commands_time = COMMAND_TABLE(rows);
