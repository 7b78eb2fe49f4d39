/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* An attribute is at most a page. */
#define VALUE_MAX 4096

static char *read_value(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char value[VALUE_MAX + 1];
	int errnum;
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = read(fd, value, VALUE_MAX);
	errnum = errno;
	close(fd);
	errno = errnum;
	if (n < 0)
		return NULL;
	value[n] = '\0';
	return g_strdup(g_strstrip(value));
}

char *sysfs_read(const char *format, ...)
{
	g_autofree char *path = NULL;
	va_list args;

	va_start(args, format);
	path = g_strdup_vprintf(format, args);
	va_end(args);
	return read_value(path);
}

int sysfs_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int status = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		status = -errno;
	close(fd);
	return status;
}

char *sysfs_link(const char *format, ...)
{
	g_autofree char *path = NULL;
	char target[PATH_MAX];
	va_list args;
	ssize_t n;

	va_start(args, format);
	path = g_strdup_vprintf(format, args);
	va_end(args);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return NULL;
	target[n] = '\0';
	return g_path_get_basename(target);
}

static int compare(const void *a, const void *b)
{
	return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

char **sysfs_list(const char *path, const char *prefix)
{
	GPtrArray *names;
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (!dir)
		return NULL;
	names = g_ptr_array_new();
	while ((entry = readdir(dir)))
		if (*entry->d_name != '.' && g_str_has_prefix(entry->d_name, prefix))
			g_ptr_array_add(names, g_strdup(entry->d_name));
	closedir(dir);
	g_ptr_array_sort(names, compare);
	g_ptr_array_add(names, NULL);
	return (char **)g_ptr_array_free(names, FALSE);
}

gboolean sysfs_number(const char *text, const char *prefix, guint64 *number)
{
	gsize length = strlen(prefix);

	return g_str_has_prefix(text, prefix) && g_ascii_isdigit(text[length]) &&
	       g_ascii_string_to_unsigned(text + length, 10, 0, G_MAXUINT64, number, NULL);
}
