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
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"
#include "mounts.h"
#include "target.h"

#define RECORD STALE_DIRECTORY "/frozen"

/* A line is "rank major:minor type escaped-path"; paths may hold any byte. */
gboolean stale_remember(GPtrArray *mounts, GError **error)
{
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; i < mounts->len; i++) {
		const struct mount *mount = g_ptr_array_index(mounts, i);
		g_autofree char *path = g_strescape(mount->path, NULL);

		g_string_append_printf(text, "%u %u:%u %s %s\n", mount->rank, major(mount->dev),
				       minor(mount->dev), mount->type, path);
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

static gboolean thaw_fd(int fd)
{
	gboolean thawed = fd >= 0 && ioctl(fd, FITHAW, 0) == 0;

	if (fd >= 0)
		close(fd);
	return thawed;
}

/* In a process of its own, as looking below a mount changes what that one sees. */
static gboolean thaw_hidden(const struct target *target)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		_exit(thaw_fd(target_open_hidden(target)) ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* Where it was mounted, or wherever it is now: the process whose view it was may be gone. */
static gboolean thaw_target(struct target *target)
{
	g_autoptr(GPtrArray) mounts = NULL;
	int fd = target_open(target);
	struct mount *mount;

	if (fd >= 0)
		return thaw_fd(fd);
	mounts = mounts_read(NULL);
	if (mounts)
		mounts_add_namespaces(mounts);
	mount = mounts ? mounts_find(mounts, target->dev) : NULL;
	if (mount)
		target->path = mount->path;
	fd = mount ? target_open(target) : -1;
	return fd >= 0 ? thaw_fd(fd) : thaw_hidden(target);
}

static gboolean thaw_line(const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", 4);
	g_autofree char *path = NULL;
	struct target target = { 0 };
	guint major, minor;

	if (g_strv_length(words) != 4 || sscanf(words[1], "%u:%u", &major, &minor) != 2)
		return FALSE;
	path = g_strcompress(words[3]);
	target.path = path;
	target.dev = makedev(major, minor);
	target.type = words[2];
	return thaw_target(&target);
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
	for (char **line = lines; *line; line++)
		thawed += thaw_line(*line);
	stale_forget();
	return thawed;
}
