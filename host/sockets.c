/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PASSED_START 3

static int address_of(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	strcpy(address->sun_path, path);
	return 0;
}

int socket_connect_within(const char *path, int64_t timeout_ms)
{
	struct timeval timeout = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };
	struct sockaddr_un address;
	int fd, ret = address_of(path, &address);

	if (ret < 0)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		ret = errno == EAGAIN ? -ETIMEDOUT : -errno;
		close(fd);
		return ret;
	}
	return fd;
}

int socket_connect(const char *path)
{
	return socket_connect_within(path, 0);
}

static int remove_stale(const char *path)
{
	int fd = socket_connect(path);

	if (fd >= 0) {
		close(fd);
		return -EADDRINUSE;
	}
	if (fd == -ECONNREFUSED && unlink(path) < 0)
		return -errno;
	return 0;
}

int socket_listen(const char *path)
{
	struct sockaddr_un address;
	int fd, ret = address_of(path, &address);

	if (ret == 0)
		ret = remove_stale(path);
	if (ret < 0)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 8) < 0) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

int socket_passed(const char *name)
{
	const char *pid = getenv("LISTEN_PID"), *names = getenv("LISTEN_FDNAMES");
	size_t length = strlen(name);
	int fd = PASSED_START;

	if (!pid || !names || strtol(pid, NULL, 10) != getpid())
		return -ENOENT;
	for (const char *at = names; at; fd++) {
		const char *end = strchrnul(at, ':');

		if ((size_t)(end - at) == length && !strncmp(at, name, length))
			return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : fd;
		at = *end ? end + 1 : NULL;
	}
	return -ENOENT;
}
