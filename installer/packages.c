// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages.h"

#include <string.h>

#include "command.h"
#include "dpkg.h"
#include "error.h"
#include "ui.h"

/* In the order they are asked: a Debian with rpm installed is a Debian. */
static const struct package_manager managers[] = {
	{ "dpkg", "dpkg", "/var/lib/dpkg/status", ".deb", dpkg_query, dpkg_install, dpkg_remove,
	  dpkg_changed_config, dpkg_lock_holder },
	{ "rpm", "rpm", "/var/lib/rpm", NULL, NULL, NULL, NULL, NULL, NULL },
	{ "rpm", "rpm", "/usr/lib/sysimage/rpm", NULL, NULL, NULL, NULL, NULL, NULL },
	{ "rpm", "rpm", "/usr/share/rpm", NULL, NULL, NULL, NULL, NULL, NULL },
	{ "pacman", "pacman", "/var/lib/pacman", NULL, NULL, NULL, NULL, NULL, NULL },
	{ "apk", "apk", "/lib/apk/db", NULL, NULL, NULL, NULL, NULL, NULL },
	{ "xbps", "xbps-install", "/var/db/xbps", NULL, NULL, NULL, NULL, NULL, NULL },
	{ "portage", "emerge", "/var/db/pkg", NULL, NULL, NULL, NULL, NULL, NULL },
	{ "pkgtools", "installpkg", "/var/log/packages", NULL, NULL, NULL, NULL, NULL, NULL },
	{ "pkgtools", "installpkg", "/var/lib/pkgtools", NULL, NULL, NULL, NULL, NULL, NULL },
	{ "none", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL },
};

const struct package_manager *packages_detect(const struct root *root)
{
	const struct package_manager *manager = managers;

	for (; manager->program; manager++) {
		g_autofree char *program = root_find_program(root, manager->program);

		if (program && root_exists(root, manager->database))
			break;
	}
	return manager;
}

const struct package_manager *packages_by_name(const char *name)
{
	for (gsize i = 0; i < G_N_ELEMENTS(managers); i++)
		if (strcmp(managers[i].name, name) == 0)
			return &managers[i];
	return NULL;
}

gboolean packages_wait(const struct package_manager *manager, const struct root *root, int seconds,
		       GError **err)
{
	gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;

	for (;;) {
		g_autofree char *holder = manager->lock_holder(root);

		if (!holder)
			return TRUE;
		if (g_get_monotonic_time() > end || command_interrupted())
			return setup_fail(err, SETUP_BUSY, "cannot use %s: its lock is held by %s",
					  manager->name, holder);
		g_autofree char *note = g_strdup_printf("waiting for %s", holder);

		ui_step_note(note);
		ui_step_tick();
		g_usleep(200 * 1000);
	}
}
