/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stale.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "mounts.h"

#define RECORD STALE_DIRECTORY "/frozen"

/* A line is "rank escaped-path"; paths may hold any byte. */
gboolean stale_remember(GPtrArray *mounts, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < mounts->len; i++) {
		const struct mount *mount = g_ptr_array_index(mounts, i);
		g_autofree char *path = g_strescape(mount->path, NULL);

		g_string_append_printf(text, "%u %s\n", mount->rank, path);
	}
	if (g_mkdir_with_parents(STALE_DIRECTORY, 0755) < 0)
		return agent_error_errno(error, errno, "cannot make %s", STALE_DIRECTORY);
	if (!g_file_set_contents_full(RECORD, text->str, (gssize)text->len,
				      G_FILE_SET_CONTENTS_CONSISTENT, 0600, error)) {
		g_prefix_error(error, "cannot record what is frozen: ");
		return FALSE;
	}
	return TRUE;
}

void stale_forget(void)
{
	unlink(RECORD);
}

static gboolean thaw_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	gboolean thawed = fd >= 0 && ioctl(fd, FITHAW, 0) == 0;

	if (fd >= 0)
		close(fd);
	return thawed;
}

static int by_rank_descending(gconstpointer a, gconstpointer b)
{
	return atoi(*(char *const *)b) - atoi(*(char *const *)a);
}

guint stale_thaw(void)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	guint thawed = 0;

	if (!g_file_get_contents(RECORD, &text, NULL, NULL))
		return 0;
	lines = g_strsplit(text, "\n", -1);
	qsort(lines, g_strv_length(lines), sizeof(*lines), by_rank_descending);
	for (char **line = lines; *line; line++) {
		const char *escaped = strchr(*line, ' ');
		g_autofree char *path = escaped ? g_strcompress(escaped + 1) : NULL;

		thawed += path && thaw_path(path);
	}
	stale_forget();
	return thawed;
}
