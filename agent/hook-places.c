/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook-places.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct hook_place hook_places[] = {
	{ "/etc/guest-tools/fsfreeze-hook.d", TRUE, NULL },
	/* Those of the QEMU guest agent; its stock script runs its directory itself. */
	{ "/etc/qemu/fsfreeze-hook", FALSE, NULL },
	{ "/etc/qemu/fsfreeze-hook.d", TRUE, "/etc/qemu/fsfreeze-hook" },
	{ "/etc/qemu-ga/fsfreeze-hook", FALSE, NULL },
	{ "/etc/qemu-ga/fsfreeze-hook.d", TRUE, "/etc/qemu-ga/fsfreeze-hook" },
	{ NULL, FALSE, NULL },
};

static gboolean is_leftover(const char *name)
{
	static const char *const patterns[] = { ".*", "*~", "*.bak", "*.orig", "*.sample", "*.rpm*",
						"*.dpkg-*", NULL };

	for (const char *const *pattern = patterns; *pattern; pattern++)
		if (g_pattern_match_simple(*pattern, name))
			return TRUE;
	return FALSE;
}

gboolean hook_is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

GPtrArray *hook_directory_list(const char *directory)
{
	GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(directory, name, NULL);

		if (!is_leftover(name) && hook_is_program(path))
			g_ptr_array_add(found, g_steal_pointer(&path));
	}
	g_ptr_array_sort(found, by_name);
	return found;
}

static gboolean place_has_hooks(const struct hook_place *place)
{
	g_autoptr(GPtrArray) found = NULL;

	if (!place->is_directory)
		return hook_is_program(place->path);
	found = hook_directory_list(place->path);
	return found->len > 0;
}

gboolean hook_places_any(void)
{
	if (access(HOOK_RECORD, F_OK) == 0)
		return TRUE;
	for (const struct hook_place *place = hook_places; place->path; place++)
		if (place_has_hooks(place))
			return TRUE;
	return FALSE;
}
