/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

static struct {
	char *path;
	int fd; /* its lock is what counts: a file that is left by a killed agent has none */
} file = { .fd = -1 };

static gboolean fail(GError **error)
{
	int errnum = errno;
	char holder[16] = "";

	if (errnum == EACCES || errnum == EAGAIN) {
		if (read(file.fd, holder, sizeof(holder) - 1) < 0)
			*holder = '\0';
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "cannot use pidfile %s: process %s has it", file.path, g_strchomp(holder));
	} else {
		agent_error_errno(error, errnum, "cannot use pidfile %s", file.path);
	}
	if (file.fd >= 0)
		close(file.fd);
	file.fd = -1;
	g_clear_pointer(&file.path, g_free);
	return FALSE;
}

gboolean pidfile_take(const char *path, GError **error)
{
	g_autofree char *text = g_strdup_printf("%d\n", (int)getpid());
	ssize_t length = (ssize_t)strlen(text);

	file.path = g_canonicalize_filename(path, NULL);
	file.fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (file.fd < 0 || lockf(file.fd, F_TLOCK, 0) < 0 || ftruncate(file.fd, 0) < 0 ||
	    fchmod(file.fd, 0644) < 0 || write(file.fd, text, (size_t)length) != length)
		return fail(error);
	return TRUE;
}

void pidfile_remove(void)
{
	if (file.fd < 0)
		return;
	unlink(file.path);
	close(file.fd);
	file.fd = -1;
	g_clear_pointer(&file.path, g_free);
}
