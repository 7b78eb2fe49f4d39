/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hook-places.h"

#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct hook_place hook_places[] = {
	{ SYSCONFDIR "/guest-tools/fsfreeze-hook.d", TRUE, NULL },
	/* Those of the QEMU guest agent; its stock script runs its directory itself. */
	{ "/etc/qemu/fsfreeze-hook", FALSE, NULL },
	{ "/etc/qemu/fsfreeze-hook.d", TRUE, "/etc/qemu/fsfreeze-hook" },
	{ "/etc/qemu-ga/fsfreeze-hook", FALSE, NULL },
	{ "/etc/qemu-ga/fsfreeze-hook.d", TRUE, "/etc/qemu-ga/fsfreeze-hook" },
	/* Last, so that what uses a database has been told when it is locked, for the shortest time. */
	{ HOOK_READY_DIRECTORY, TRUE, NULL },
	{ NULL, FALSE, NULL },
};

/* A hook of HOOK_READY_DIRECTORY is for nothing, and left out, where none of these programs is. */
struct ready_hook {
	const char *name;
	const char *servers[6]; /* patterns as of glob(3) */
};

static const struct ready_hook ready_hooks[] = {
	{ "mariadb", { "/usr/sbin/mariadbd", "/usr/sbin/mysqld", "/usr/libexec/mariadbd",
		       "/usr/libexec/mysqld", "/usr/bin/mariadbd" } },
	{ "mongodb", { "/usr/bin/mongod" } },
	{ "postgresql", { "/usr/lib/postgresql/*/bin/postgres", "/usr/lib/postgresql*/bin/postgres",
			  "/usr/pgsql-*/bin/postgres", "/usr/libexec/postgresql*/postgres",
			  "/usr/bin/postgres" } },
	{ "redis", { "/usr/bin/redis-server", "/usr/sbin/redis-server", "/usr/bin/valkey-server",
		     "/usr/sbin/valkey-server" } },
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

static gboolean is_there(const char *pattern)
{
	glob_t found;
	gboolean is = glob(pattern, 0, NULL, &found) == 0;

	if (is)
		globfree(&found);
	return is;
}

/* Whether a hook of @directory has something to do here: all but ready ones may. */
static gboolean has_use(const char *directory, const char *name)
{
	const struct ready_hook *hook = ready_hooks;

	if (strcmp(directory, HOOK_READY_DIRECTORY) != 0)
		return TRUE;
	for (; hook < ready_hooks + G_N_ELEMENTS(ready_hooks); hook++)
		if (!strcmp(hook->name, name))
			for (const char *const *server = hook->servers; *server; server++)
				if (is_there(*server))
					return TRUE;
	return FALSE;
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

		if (!is_leftover(name) && hook_is_program(path) && has_use(directory, name))
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
