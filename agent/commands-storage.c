/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "disk.h"
#include "encode.h"
#include "error.h"
#include "mounts.h"
#include "task.h"

/* A file system that answers answers at once. */
#define INFO_TIMEOUT_S 20

/* linux/fs.h of 2.6.32 has no FITRIM; a kernel without it answers ENOTTY. */
#ifndef FITRIM
struct fstrim_range {
	__u64 start, len, minlen;
};
#define FITRIM _IOWR('X', 121, struct fstrim_range)
#endif

static void add_sizes(const char *path, json_t *object)
{
	struct statvfs fs;
	guint64 used;

	if (statvfs(path, &fs) < 0)
		return;
	used = (guint64)(fs.f_blocks - fs.f_bfree) * fs.f_frsize;
	json_object_set_new(object, "used-bytes", json_integer((json_int_t)used));
	json_object_set_new(object, "total-bytes",
			    json_integer((json_int_t)(used + (guint64)fs.f_bavail * fs.f_frsize)));
	json_object_set_new(object, "total-bytes-privileged",
			    json_integer((json_int_t)((guint64)fs.f_blocks * fs.f_frsize)));
}

static json_t *mount_to_json(const struct mount *mount)
{
	dev_t dev = mount_block_device(mount);
	g_autofree char *name = disk_name(dev);
	json_t *disks = json_array(), *object;

	disk_add_addresses(dev, disks);
	object = json_pack("{s:o, s:o, s:o, s:o}", "name", encode_text(name ? name : "unknown"),
			   "mountpoint", encode_text(mount->path), "type", encode_text(mount->type),
			   "disk", disks);
	add_sizes(mount->path, object);
	return object;
}

static json_t *fsinfo_task(struct task_io *io, json_t *arguments, GError **error)
{
	g_autoptr(GPtrArray) mounts = mounts_list(error);
	json_t *list;

	if (!mounts)
		return NULL;
	list = json_array();
	/* The last mounted first: libvirt expects that. */
	for (guint i = mounts->len; i-- > 0;)
		json_array_append_new(list, mount_to_json(g_ptr_array_index(mounts, i)));
	return list;
}

static void fsinfo_run(struct request *request, json_t *arguments)
{
	task_answer(request, fsinfo_task, arguments, INFO_TIMEOUT_S);
}

static json_t *disks_task(struct task_io *io, json_t *arguments, GError **error)
{
	return disks_list();
}

static void disks_run(struct request *request, json_t *arguments)
{
	task_answer(request, disks_task, arguments, INFO_TIMEOUT_S);
}

/* --- trim -------------------------------------------------------------------- */

static char *trim_error(int errnum)
{
	if (errnum == ENOTTY || errnum == EOPNOTSUPP)
		return g_strdup("trim not supported");
	return g_strdup_printf("failed to trim: %s", g_strerror(errnum));
}

/* Return: NULL, or what went wrong, owned by the caller. */
static char *trim_one(const struct mount *mount, struct fstrim_range *range)
{
	int fd = open(mount->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *wrong = NULL;
	struct stat st;

	if (fd < 0)
		return g_strdup_printf("failed to open: %s", g_strerror(errno));
	/* A device number of its own is not what stat(2) tells of btrfs' subvolumes. */
	if (fstat(fd, &st) < 0 || (st.st_dev != mount->dev && strcmp(mount->type, "btrfs") != 0))
		wrong = g_strdup("another file system is mounted over it");
	else if (ioctl(fd, FITRIM, range) < 0)
		wrong = trim_error(errno);
	close(fd);
	return wrong;
}

static json_t *trim_to_json(const struct mount *mount, json_int_t minimum)
{
	struct fstrim_range range = { .len = G_MAXUINT64, .minlen = (guint64)minimum };
	g_autofree char *wrong = trim_one(mount, &range);
	json_t *path = encode_text(mount->path);

	if (wrong)
		return json_pack("{s:o, s:s}", "path", path, "error", wrong);
	return json_pack("{s:o, s:I, s:I}", "path", path, "minimum", (json_int_t)range.minlen,
			 "trimmed", (json_int_t)range.len);
}

static json_t *trim_task(struct task_io *io, json_t *arguments, GError **error)
{
	json_int_t minimum = json_integer_value(json_object_get(arguments, "minimum"));
	g_autoptr(GPtrArray) mounts = mounts_list(error);
	json_t *list;

	if (!mounts)
		return NULL;
	list = json_array();
	for (guint i = 0; i < mounts->len; i++)
		json_array_append_new(list, trim_to_json(g_ptr_array_index(mounts, i), minimum));
	return json_pack("{s:o}", "paths", list);
}

static void trim_run(struct request *request, json_t *arguments)
{
	task_answer(request, trim_task, arguments, TASK_NO_TIMEOUT);
}

static const struct command rows[] = {
	{ "guest-get-fsinfo", fsinfo_run, 0, "file systems, their sizes and their disks" },
	{ "guest-get-disks", disks_run, 0, "disks and partitions" },
	{ "guest-fstrim",
	  trim_run,
	  0,
	  "tell the disks what file systems do not use",
	  { { "minimum", ARGUMENT_INT, TRUE } } },
};

const struct command_table commands_storage = COMMAND_TABLE(rows);
