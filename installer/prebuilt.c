// SPDX-License-Identifier: GPL-2.0-or-later
#include "prebuilt.h"

#include <string.h>

#include "modinfo.h"
#include "updates.h"

#define OWN_DEPTH 2

const struct medium_file *prebuilt_file(const struct medium *medium, const char *architecture,
					const char *release)
{
	return medium_filef(medium, "modules/%s/%s/" UPDATES_NAME, architecture, release);
}

char *prebuilt_releases(const struct medium *medium, const char *architecture)
{
	g_autofree char *prefix = g_strdup_printf("modules/%s/", architecture);
	g_autoptr(GPtrArray) files = medium_files_below(medium, prefix);
	GString *releases = g_string_new(NULL);

	for (guint i = 0; i < files->len; i++) {
		const char *release =
			((const struct medium_file *)files->pdata[i])->path + strlen(prefix);

		g_string_append_printf(releases, "%s%.*s", releases->len ? ", " : "",
				       (int)strcspn(release, "/"), release);
	}
	return g_string_free(releases, FALSE);
}

/* Any module below @dir that is not packed. */
static char *find_module(const struct root *root, const char *dir, int depth)
{
	g_auto(GStrv) names = root_list(root, dir);

	for (char **name = names; *name; name++) {
		g_autofree char *path = g_build_filename(dir, *name, NULL);
		char *found = NULL;

		if (g_str_has_suffix(*name, ".ko"))
			return g_steal_pointer(&path);
		if (depth > 0 && root_is_dir(root, path))
			found = find_module(root, path, depth - 1);
		if (found)
			return found;
	}
	return NULL;
}

/* What the kernel's own modules say, where one can be read; else NULL. */
static char *own_vermagic(const struct root *root, const char *release)
{
	g_autofree char *module = updates_path(root, release);
	g_autofree char *updates = g_path_get_dirname(module);
	g_autofree char *kernel = g_path_get_dirname(updates);
	g_autofree char *dir = g_build_filename(kernel, "kernel/fs", NULL);
	g_autofree char *path = find_module(root, dir, OWN_DEPTH);
	gsize len = 0;
	g_autofree char *data = path ? root_read(root, path, UPDATES_MODULE_MAX, &len) : NULL;

	return data ? modinfo_get(data, len, "vermagic") : NULL;
}

static gboolean is_for(const char *vermagic, const char *release)
{
	gsize length = strlen(release);

	return strncmp(vermagic, release, length) == 0 &&
	       (vermagic[length] == ' ' || !vermagic[length]);
}

char *prebuilt_problem(const struct detection *d, const struct medium *medium,
		       const struct medium_file *file, const char *release)
{
	g_autoptr(GError) problem = NULL;
	g_autofree char *data = medium_read(medium, file, &problem);
	g_autofree char *vermagic = data ? modinfo_get(data, file->size, "vermagic") : NULL;
	g_autofree char *own = vermagic ? own_vermagic(d->root, release) : NULL;

	if (!data)
		return g_strdup(problem->message);
	if (!vermagic)
		return g_strdup_printf("%s is no kernel module", file->path);
	if (!is_for(vermagic, release))
		return g_strdup_printf("%s is for another kernel: its vermagic is \"%s\"",
				       file->path, vermagic);
	if (own && strcmp(own, vermagic))
		return g_strdup_printf(
			"%s is for another build of this kernel: its vermagic is \"%s\", "
			"and the kernel's own modules have \"%s\"",
			file->path, vermagic, own);
	if (d->secure_boot == KNOWN_YES && !modinfo_is_signed(data, file->size))
		return g_strdup_printf("Secure Boot is on, and %s is not signed", file->path);
	return NULL;
}
