// SPDX-License-Identifier: GPL-2.0-or-later
#include "updates.h"

#include <string.h>

#include "command.h"
#include "error.h"
#include "modinfo.h"

/* The first row that fits is it. */
static const struct {
	const char *family, *program, *dir; /* NULL: any; what must be there */
	const char *hooks[4];
} places[] = {
	{ "debian",
	  NULL,
	  NULL,
	  { "/etc/kernel/postinst.d/guest-tools-module",
	    "/etc/kernel/header_postinst.d/guest-tools-module",
	    "/etc/kernel/prerm.d/guest-tools-module" } },
	{ NULL, "kernel-install", NULL, { "/etc/kernel/install.d/40-guest-tools.install" } },
	{ NULL, NULL, "/etc/kernel/postinst.d", { "/etc/kernel/postinst.d/guest-tools-module" } },
	{ NULL, NULL, NULL, { NULL } },
};

char *updates_path(const struct root *root, const char *release)
{
	static const char *const dirs[] = { "/lib/modules", "/usr/lib/modules" };
	gsize i = 0;

	for (; i < G_N_ELEMENTS(dirs) - 1; i++) {
		g_autofree char *dir = g_build_filename(dirs[i], release, NULL);

		if (root_is_dir(root, dir))
			break;
	}
	return g_build_filename(dirs[i], release, "updates", UPDATES_NAME, NULL);
}

char *updates_release(const char *path)
{
	g_autofree char *updates = g_path_get_dirname(path);
	g_autofree char *dir = g_path_get_dirname(updates);

	return g_path_get_basename(dir);
}

char *updates_version(const struct root *root, const char *release)
{
	g_autofree char *path = updates_path(root, release);
	gsize len = 0;
	g_autofree char *data = root_read(root, path, UPDATES_MODULE_MAX, &len);

	return data ? modinfo_get(data, len, "version") : NULL;
}

static gboolean place_fits(const struct detection *d, gsize i)
{
	g_autofree char *program =
		places[i].program ? root_find_program(d->root, places[i].program) : NULL;

	return (!places[i].family || strcmp(places[i].family, d->distribution->family) == 0) &&
	       (!places[i].program || program) &&
	       (!places[i].dir || root_is_dir(d->root, places[i].dir));
}

const char *const *updates_hooks(const struct detection *d)
{
	gsize i = 0;

	while (!place_fits(d, i))
		i++;
	return places[i].hooks;
}

gboolean updates_remove(const struct root *root, const char *release, GError **err)
{
	g_autofree char *path = updates_path(root, release);
	g_autofree char *dir = g_path_get_dirname(path);

	return root_unlink(root, path, err) && root_rmdir(root, dir, err);
}

gboolean updates_depmod(const struct detection *d, const char *release, char **note, GError **err)
{
	g_autofree char *program = root_find_program(d->root, "depmod");
	const char *const argv[] = { program, release, NULL };
	g_autoptr(GString) output = g_string_new(NULL);
	g_autofree char *path = updates_path(d->root, release);
	g_autofree char *updates = g_path_get_dirname(path);
	g_autofree char *dir = g_path_get_dirname(updates);
	int status;

	/* The kernel may be gone. */
	if (!root_is_dir(d->root, dir))
		return TRUE;
	if (!program || !d->can_execute) {
		if (note)
			*note = g_strdup_printf("run depmod %s on the guest: it cannot run here",
						release);
		return TRUE;
	}
	status = command_run(d->root, argv, COMMAND_DEFAULT, output, err);
	if (status <= 0)
		return status == 0;
	g_autofree char *words = command_last_line(output);

	return setup_fail(err, SETUP_FAILED,
			  "cannot list the modules of kernel %s: depmod says: %s", release, words);
}
