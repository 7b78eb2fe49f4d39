/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shutting down and suspending, by what the guest has for it. */
#include "commands.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "program.h"
#include "sysfs.h"
#include "task.h"

#define WORDS_MAX          6
#define SHUTDOWN_TIMEOUT_S 60
#define WHY                "hypervisor initiated shutdown"

/* A mode, and the programs for it, of which the first that exists is run. */
struct power_mode {
	const char *mode;
	const char *programs[2][WORDS_MAX];
};

static const struct power_mode shutdown_modes[] = {
	{ "powerdown", { { "shutdown", "-h", "-P", "+0", WHY }, { "poweroff" } } },
	{ "halt", { { "shutdown", "-h", "-H", "+0", WHY }, { "halt" } } },
	{ "reboot", { { "shutdown", "-r", "+0", WHY }, { "reboot" } } },
};

static const struct power_mode *find_mode(json_t *arguments, GError **error)
{
	json_t *value = json_object_get(arguments, "mode");
	const char *mode = value ? json_string_value(value) : "powerdown";

	for (guint i = 0; i < G_N_ELEMENTS(shutdown_modes); i++)
		if (!strcmp(shutdown_modes[i].mode, mode))
			return &shutdown_modes[i];
	g_set_error_literal(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "mode is invalid (valid values are: halt|powerdown|reboot");
	return NULL;
}

static json_t *shutdown_task(struct task_io *io, json_t *arguments, GError **error)
{
	const struct power_mode *mode = find_mode(arguments, error);
	const char *const *argv = NULL;

	if (!mode)
		return NULL;
	for (guint i = 0; i < G_N_ELEMENTS(mode->programs) && !argv; i++)
		if (program_exists(mode->programs[i][0]))
			argv = mode->programs[i];
	if (!argv)
		argv = mode->programs[0];
	if (program_run(argv, NULL, error))
		return json_object();
	g_prefix_error(error, "child process has failed to shutdown: ");
	return NULL;
}

static void shutdown_run(struct request *request, json_t *arguments)
{
	GError *error = NULL;

	if (find_mode(arguments, &error))
		task_answer(request, shutdown_task, arguments, SHUTDOWN_TIMEOUT_S);
	else
		request_fail(request, error);
}

/* --- suspend ----------------------------------------------------------------- */

/* What a way to sleep is called by the kernel, systemd and pm-utils. */
struct sleep_mode {
	const char *state; /* word of /sys/power/state that must be there, and is written there */
	const char *systemd, *pm_utils;
	gboolean by_kernel; /* can do without either */
};

static const struct sleep_mode to_disk = { "disk", "hibernate", "pm-hibernate", TRUE };
static const struct sleep_mode to_ram = { "mem", "suspend", "pm-suspend", TRUE };
static const struct sleep_mode to_both = { "disk", "hybrid-sleep", "pm-suspend-hybrid", FALSE };

static gboolean is_supported(const struct sleep_mode *mode)
{
	g_autofree char *states = sysfs_read("/sys/power/state");
	g_auto(GStrv) words = g_strsplit(states ? states : "", " ", -1);

	return g_strv_contains((const char *const *)words, mode->state);
}

/* Tries one after the other, and reports the last that failed. */
static json_t *sleep_task(const struct sleep_mode *mode, GError **error)
{
	const char *const systemctl[] = { "systemctl", mode->systemd, NULL };
	const char *const pm_utils[] = { mode->pm_utils, NULL };
	GError *why = NULL;
	int status = 0;

	if (!is_supported(mode)) {
		g_set_error_literal(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
				    "the requested suspend mode is not supported by the guest");
		return NULL;
	}
	if (access("/run/systemd/system", F_OK) == 0 && program_run(systemctl, NULL, &why))
		return json_object();
	if (program_exists(mode->pm_utils)) {
		g_clear_error(&why);
		if (program_run(pm_utils, NULL, &why))
			return json_object();
	}
	if (mode->by_kernel && (status = sysfs_write("/sys/power/state", mode->state)) == 0) {
		g_clear_error(&why);
		return json_object();
	}
	if (!why)
		agent_error_errno(&why, status ? -status : ENOENT, "no way to %s", mode->systemd);
	g_propagate_prefixed_error(error, why, "cannot suspend the guest: ");
	return NULL;
}

static json_t *disk_task(struct task_io *io, json_t *arguments, GError **error)
{
	return sleep_task(&to_disk, error);
}

static json_t *ram_task(struct task_io *io, json_t *arguments, GError **error)
{
	return sleep_task(&to_ram, error);
}

static json_t *hybrid_task(struct task_io *io, json_t *arguments, GError **error)
{
	return sleep_task(&to_both, error);
}

static void disk_run(struct request *request, json_t *arguments)
{
	task_answer(request, disk_task, arguments, TASK_NO_TIMEOUT);
}

static void ram_run(struct request *request, json_t *arguments)
{
	task_answer(request, ram_task, arguments, TASK_NO_TIMEOUT);
}

static void hybrid_run(struct request *request, json_t *arguments)
{
	task_answer(request, hybrid_task, arguments, TASK_NO_TIMEOUT);
}

static const struct command rows[] = {
	{ "guest-shutdown",
	  shutdown_run,
	  COMMAND_NO_REPLY,
	  "power down, halt or reboot",
	  { { "mode", ARGUMENT_STRING, TRUE } } },
	{ "guest-suspend-disk", disk_run, COMMAND_NO_REPLY, "suspend to disk" },
	{ "guest-suspend-ram", ram_run, COMMAND_NO_REPLY, "suspend to memory" },
	{ "guest-suspend-hybrid", hybrid_run, COMMAND_NO_REPLY, "suspend to both" },
};

const struct command_table commands_power = COMMAND_TABLE(rows);
