/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mounts.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "blockdev.h"
#include "error.h"
#include "namespaces.h"

#define MOUNTINFO "/proc/self/mountinfo"

/* One line of mountinfo(5); the strings are decoded and owned. */
struct line {
	dev_t dev;
	char *path;
	char *type;
	char *source;
	gboolean writable; /* the superblock, not only this mount of it */
};

static void line_clear(struct line *line)
{
	g_free(line->path);
	g_free(line->type);
	g_free(line->source);
}

static void mount_free(struct mount *mount)
{
	g_free(mount->path);
	g_free(mount->type);
	g_free(mount->source);
	g_free(mount);
}

static gboolean has_option(const char *options, const char *option)
{
	g_auto(GStrv) list = g_strsplit(options, ",", -1);

	return g_strv_contains((const char *const *)list, option);
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue" */
static gboolean line_parse(const char *text, struct line *line)
{
	g_auto(GStrv) words = g_strsplit(text, " ", -1);
	guint count = g_strv_length(words), dash = 6;
	guint major, minor;

	while (dash < count && strcmp(words[dash], "-") != 0)
		dash++;
	if (dash + 3 >= count || sscanf(words[2], "%u:%u", &major, &minor) != 2)
		return FALSE;
	line->dev = makedev(major, minor);
	line->path = g_strcompress(words[4]);
	line->type = g_strdup(words[dash + 1]);
	line->source = g_strcompress(words[dash + 2]);
	line->writable = has_option(words[dash + 3], "rw");
	return TRUE;
}

/* These have a device number of their own, and block devices all the same. */
static gboolean is_on_block_device(const struct line *line)
{
	static const char *const multi_device[] = { "btrfs", "bcachefs", NULL };

	return major(line->dev) != 0 || g_strv_contains(multi_device, line->type);
}

struct mount *mounts_find(GPtrArray *mounts, dev_t dev)
{
	for (guint i = 0; i < mounts->len; i++) {
		struct mount *mount = g_ptr_array_index(mounts, i);

		if (mount->dev == dev)
			return mount;
	}
	return NULL;
}

/* @root: what is before the path for us */
static void mounts_add(GPtrArray *mounts, const struct line *line, gboolean writable,
		       const char *root)
{
	struct mount *mount;

	if ((writable && !line->writable) || !is_on_block_device(line) ||
	    mounts_find(mounts, line->dev))
		return;
	mount = g_new0(struct mount, 1);
	mount->dev = line->dev;
	mount->path = g_strconcat(root, line->path, NULL);
	mount->type = g_strdup(line->type);
	mount->source = g_strdup(line->source);
	g_ptr_array_add(mounts, mount);
}

static char **mountinfo_lines(GError **error)
{
	g_autofree char *text = NULL;

	if (!g_file_get_contents(MOUNTINFO, &text, NULL, error)) {
		g_prefix_error(error, "cannot list file systems: ");
		return NULL;
	}
	return g_strsplit(text, "\n", -1);
}

static void add_lines(GPtrArray *mounts, char **lines, gboolean writable, const char *root)
{
	for (char **text = lines; *text; text++) {
		struct line line = { 0 };

		if (line_parse(*text, &line))
			mounts_add(mounts, &line, writable, root);
		line_clear(&line);
	}
}

static GPtrArray *read_mounts(gboolean writable, GError **error)
{
	g_auto(GStrv) lines = mountinfo_lines(error);
	GPtrArray *mounts;

	if (!lines)
		return NULL;
	mounts = g_ptr_array_new_with_free_func((GDestroyNotify)mount_free);
	add_lines(mounts, lines, writable, "");
	return mounts;
}

void mounts_add_namespaces(GPtrArray *mounts)
{
	g_autoptr(GArray) processes = namespaces_other();

	for (guint i = 0; i < processes->len; i++) {
		int pid = g_array_index(processes, pid_t, i);
		g_autofree char *file = g_strdup_printf("/proc/%d/mountinfo", pid);
		g_autofree char *root = g_strdup_printf("/proc/%d/root", pid);
		g_autofree char *text = NULL;
		g_auto(GStrv) lines = NULL;

		if (!g_file_get_contents(file, &text, NULL, NULL))
			continue;
		lines = g_strsplit(text, "\n", -1);
		add_lines(mounts, lines, TRUE, root);
	}
}

GPtrArray *mounts_read(GError **error)
{
	return read_mounts(TRUE, error);
}

GPtrArray *mounts_list(GError **error)
{
	return read_mounts(FALSE, error);
}

dev_t mount_block_device(const struct mount *mount)
{
	struct stat st;

	if (major(mount->dev) == 0 && stat(mount->source, &st) == 0 && S_ISBLK(st.st_mode))
		return st.st_rdev;
	return mount->dev;
}

/* The device of what is mounted at a path: the last line for it is on top. */
static gboolean device_at(char **lines, const char *path, dev_t *dev)
{
	gboolean found = FALSE;

	for (char **text = lines; *text; text++) {
		struct line line = { 0 };

		if (line_parse(*text, &line) && !strcmp(line.path, path)) {
			*dev = line.dev;
			found = TRUE;
		}
		line_clear(&line);
	}
	return found;
}

static gboolean select_one(GPtrArray *mounts, char **lines, const char *path, GHashTable *chosen,
			   GError **error)
{
	struct mount *mount;
	dev_t dev;

	if (!device_at(lines, path, &dev)) {
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "cannot freeze %s: nothing is mounted there", path);
		return FALSE;
	}
	mount = mounts_find(mounts, dev);
	if (!mount) {
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "cannot freeze %s: not a writable file system on a block device", path);
		return FALSE;
	}
	g_hash_table_add(chosen, mount);
	return TRUE;
}

gboolean mounts_select(GPtrArray *mounts, const char *const *paths, GError **error)
{
	g_autoptr(GHashTable) chosen = g_hash_table_new(NULL, NULL);
	g_auto(GStrv) lines = mountinfo_lines(error);

	if (!lines)
		return FALSE;
	for (; *paths; paths++)
		if (!select_one(mounts, lines, *paths, chosen, error))
			return FALSE;
	for (guint i = mounts->len; i-- > 0;)
		if (!g_hash_table_contains(chosen, g_ptr_array_index(mounts, i)))
			g_ptr_array_remove_index(mounts, i);
	return TRUE;
}

/* The file system on which a file lies, by the longest mount point above it. */
static struct mount *mount_above(GPtrArray *mounts, const char *path)
{
	struct mount *best = NULL;

	for (guint i = 0; i < mounts->len; i++) {
		struct mount *mount = g_ptr_array_index(mounts, i);
		gsize length = strlen(mount->path);

		if (!strcmp(mount->path, "/"))
			length = 0;
		if (strncmp(path, mount->path, length) == 0 && path[length] == '/' &&
		    (!best || strlen(best->path) <= strlen(mount->path)))
			best = mount;
	}
	return best;
}

/* Deeper than any stack of loop devices that a kernel allows. */
#define MAX_DEPTH 32

/* Of many that are stored on one, that one is looked at once: @depths has what is known. */
static guint depth(GPtrArray *mounts, const struct mount *mount, guint level, GHashTable *depths)
{
	g_autoptr(GPtrArray) files = NULL;
	guint deepest = 0;
	gpointer known;

	if (level >= MAX_DEPTH)
		return 0;
	if (g_hash_table_lookup_extended(depths, mount, NULL, &known))
		return GPOINTER_TO_UINT(known);
	files = blockdev_backing_files(mount_block_device(mount));
	for (guint i = 0; i < files->len; i++) {
		struct mount *below = mount_above(mounts, g_ptr_array_index(files, i));

		if (below && below != mount)
			deepest = MAX(deepest, 1 + depth(mounts, below, level + 1, depths));
	}
	g_hash_table_insert(depths, (gpointer)mount, GUINT_TO_POINTER(deepest));
	return deepest;
}

void mounts_rank(GPtrArray *mounts)
{
	g_autoptr(GHashTable) depths = g_hash_table_new(NULL, NULL);
	guint deepest = 0;

	for (guint i = 0; i < mounts->len; i++) {
		struct mount *mount = g_ptr_array_index(mounts, i);

		mount->rank = depth(mounts, mount, 0, depths);
		deepest = MAX(deepest, mount->rank);
	}
	for (guint i = 0; i < mounts->len; i++) {
		struct mount *mount = g_ptr_array_index(mounts, i);

		mount->rank = deepest - mount->rank;
	}
}
