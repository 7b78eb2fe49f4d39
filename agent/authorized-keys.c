/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "authorized-keys.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

#define DIRECTORY     ".ssh"
#define FILE_NAME     "authorized_keys"
#define NEW_FILE      "authorized_keys.guest-tools"
#define SIZE_MAX_READ (1024 * 1024)

static char *home;

gboolean authorized_keys_become(const char *name, GError **error)
{
	struct passwd *user;

	errno = 0;
	user = getpwnam(name);
	if (!user) {
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "failed to lookup user '%s': %s", name,
			    errno ? g_strerror(errno) : "no such user");
		return FALSE;
	}
	home = g_strdup(user->pw_dir);
	if (geteuid() == 0 && setgroups(1, &user->pw_gid) < 0)
		return agent_error_errno(error, errno, "failed to become user '%s'", name);
	if (setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return agent_error_errno(error, errno, "failed to become user '%s'", name);
	umask(0077);
	return TRUE;
}

static int open_directory(gboolean create, GError **error)
{
	int home_fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;

	if (home_fd >= 0) {
		fd = openat(home_fd, DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0 && errno == ENOENT && create && mkdirat(home_fd, DIRECTORY, 0700) == 0)
			fd = openat(home_fd, DIRECTORY,
				    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	}
	if (fd < 0)
		agent_error_errno(error, errno, "failed to %s directory '%s/" DIRECTORY "'",
				  create ? "create" : "open", home);
	if (home_fd >= 0)
		close(home_fd);
	return fd;
}

static char *read_all(int fd)
{
	GString *text = g_string_new(NULL);
	char bytes[4096];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0 && text->len < SIZE_MAX_READ)
		g_string_append_len(text, bytes, n);
	if (n == 0)
		return g_string_free(text, FALSE);
	if (n > 0)
		errno = EFBIG;
	g_string_free(text, TRUE);
	return NULL;
}

char **authorized_keys_read(gboolean missing_ok, GError **error)
{
	int directory = open_directory(missing_ok, error), fd;
	g_autofree char *text = NULL;

	if (directory < 0)
		return NULL;
	fd = openat(directory, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0)
		text = read_all(fd);
	else if (errno == ENOENT && missing_ok)
		text = g_strdup("");
	if (!text)
		agent_error_errno(error, errno, "failed to read '%s/" DIRECTORY "/" FILE_NAME "'",
				  home);
	if (fd >= 0)
		close(fd);
	close(directory);
	return text ? g_strsplit(text, "\n", -1) : NULL;
}

static gboolean write_lines(int fd, const char *const *lines)
{
	FILE *file = fdopen(fd, "w");
	gboolean ok;

	if (!file) {
		close(fd);
		return FALSE;
	}
	for (; *lines; lines++)
		if (**lines)
			fprintf(file, "%s\n", *lines);
	ok = fflush(file) == 0 && fsync(fd) == 0;
	return fclose(file) == 0 && ok;
}

gboolean authorized_keys_write(const char *const *lines, GError **error)
{
	int directory = open_directory(TRUE, error), fd;
	gboolean ok;

	if (directory < 0)
		return FALSE;
	/* Left by one that was killed. */
	unlinkat(directory, NEW_FILE, 0);
	fd = openat(directory, NEW_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	ok = fd >= 0 && write_lines(fd, lines) &&
	     renameat(directory, NEW_FILE, directory, FILE_NAME) == 0;
	if (!ok)
		agent_error_errno(error, errno, "failed to write '%s/" DIRECTORY "/" FILE_NAME "'",
				  home);
	close(directory);
	return ok;
}
