// SPDX-License-Identifier: GPL-2.0-or-later
#include "agents.h"

#include <string.h>

static const struct {
	const char *name;
	const char *program;
	const char *unit;
} others[] = {
	{ "qemu-guest-agent", "qemu-ga", "qemu-guest-agent.service" },
};

char *agents_unit_path(const struct root *root, const char *unit)
{
	static const char *const dirs[] = { "/etc/systemd/system", "/usr/lib/systemd/system",
					    "/lib/systemd/system" };

	for (gsize i = 0; i < G_N_ELEMENTS(dirs); i++) {
		g_autofree char *path = g_build_filename(dirs[i], unit, NULL);

		if (root_exists(root, path))
			return g_steal_pointer(&path);
	}
	return NULL;
}

static gboolean is_masked(const struct root *root, const char *unit)
{
	g_autofree char *path = g_build_filename("/etc/systemd/system", unit, NULL);
	g_autofree char *target = root_readlink(root, path);

	return target && strcmp(target, "/dev/null") == 0;
}

gboolean agents_is_running(const struct root *root, const char *program)
{
	g_autofree char *name = g_path_get_basename(program);

	if (!root_is_live(root))
		return FALSE;
	/* As much of it as the kernel keeps. */
	name[MIN(strlen(name), 15)] = '\0';
	g_auto(GStrv) pids = root_list(root, "/proc");

	for (char **pid = pids; *pid; pid++) {
		g_autofree char *path = g_build_filename("/proc", *pid, "comm", NULL);
		g_autofree char *comm = NULL;

		if (g_ascii_isdigit(**pid) && g_file_get_contents(path, &comm, NULL, NULL) &&
		    strcmp(g_strchomp(comm), name) == 0)
			return TRUE;
	}
	return FALSE;
}

gboolean agents_other(const struct root *root, struct other_agent *other)
{
	for (gsize i = 0; i < G_N_ELEMENTS(others); i++) {
		g_autofree char *program = root_find_program(root, others[i].program);

		other->name = others[i].name;
		other->unit = others[i].unit;
		other->active = agents_is_running(root, others[i].program);
		if (other->active || (program && !is_masked(root, others[i].unit)))
			return TRUE;
	}
	return FALSE;
}
