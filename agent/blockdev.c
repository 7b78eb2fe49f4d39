/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "blockdev.h"

#include <string.h>
#include <sys/sysmacros.h>

/* dm on md on dm ... is never as deep as this. */
#define MAX_DEPTH 16

static void walk(const char *directory, GPtrArray *files, guint level);

static gboolean read_word(const char *directory, const char *name, char **word)
{
	g_autofree char *path = g_build_filename(directory, name, NULL);

	if (!g_file_get_contents(path, word, NULL, NULL))
		return FALSE;
	g_strchomp(*word);
	return TRUE;
}

static void walk_slaves(const char *directory, GPtrArray *files, guint level)
{
	g_autofree char *path = g_build_filename(directory, "slaves", NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *slave = g_build_filename(path, name, NULL);

		walk(slave, files, level + 1);
	}
}

static void walk(const char *directory, GPtrArray *files, guint level)
{
	g_autofree char *backing = NULL, *partition = NULL;

	if (level >= MAX_DEPTH)
		return;
	/* Most of what many file systems are on is a loop device: that is looked for first. */
	if (read_word(directory, "loop/backing_file", &backing)) {
		g_ptr_array_add(files, g_steal_pointer(&backing));
		return;
	}
	if (read_word(directory, "partition", &partition)) {
		g_autofree char *disk = g_build_filename(directory, "..", NULL);

		walk(disk, files, level + 1);
		return;
	}
	walk_slaves(directory, files, level);
}

GPtrArray *blockdev_backing_files(dev_t dev)
{
	g_autofree char *directory =
		g_strdup_printf("/sys/dev/block/%u:%u", major(dev), minor(dev));
	GPtrArray *files = g_ptr_array_new_with_free_func(g_free);

	walk(directory, files, 0);
	return files;
}
