// SPDX-License-Identifier: GPL-2.0-or-later
#include "init.h"

#include <string.h>

/*
 * /sbin/init decides where it says; the files after it are for roots whose /sbin/init is a
 * program of its own. @all: every path must be there. The first row that fits is it.
 */
static const struct {
	const char *name;
	const char *init_is; /* the last part of where /sbin/init leads */
	const char *all[3];
} inits[] = {
	{ "systemd", "systemd", { NULL } },
	{ "openrc", "openrc-init", { NULL } },
	{ "runit", "runit-init", { NULL } },
	{ "openrc", "busybox", { "/etc/runlevels", NULL } },
	{ "busybox", "busybox", { NULL } },
	{ "upstart", NULL, { "/sbin/initctl", "/etc/init", NULL } },
	{ "openrc", NULL, { "/sbin/openrc", NULL } },
	{ "runit", NULL, { "/etc/runit/runsvdir", NULL } },
	{ "slackware", NULL, { "/etc/rc.d/rc.M", NULL } },
	{ "sysvinit", NULL, { "/etc/inittab", NULL } },
	{ "sysvinit", NULL, { "/etc/init.d/rc", NULL } },
	{ "systemd", NULL, { "/lib/systemd/systemd", NULL } },
	{ "systemd", NULL, { "/usr/lib/systemd/systemd", NULL } },
};

static gboolean row_fits(const struct root *root, gsize row, const char *init)
{
	if (inits[row].init_is && g_strcmp0(init, inits[row].init_is))
		return FALSE;
	for (gsize i = 0; i < G_N_ELEMENTS(inits[row].all) && inits[row].all[i]; i++)
		if (!root_exists(root, inits[row].all[i]))
			return FALSE;
	return TRUE;
}

const char *init_detect(const struct root *root)
{
	g_autofree char *target = root_readlink(root, "/sbin/init");
	g_autofree char *init = target ? g_path_get_basename(target) : NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(inits); i++)
		if (row_fits(root, i, init))
			return inits[i].name;
	return "unknown";
}
