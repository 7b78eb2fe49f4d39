/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "transport.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "error.h"

static int open_device(const char *path, GError **error)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 && errno == EBUSY)
		agent_error_errno(error, errno,
				  "cannot open channel %s (is another guest agent running?)", path);
	else if (fd < 0)
		agent_error_errno(error, errno, "cannot open channel %s", path);
	return fd;
}

static int open_isa_serial(const char *path, GError **error)
{
	int fd = open_device(path, error);
	struct termios tty;

	if (fd < 0)
		return -1;
	if (tcgetattr(fd, &tty) < 0) {
		agent_error_errno(error, errno, "cannot open channel %s", path);
		close(fd);
		return -1;
	}
	cfmakeraw(&tty);
	cfsetspeed(&tty, B38400);
	tty.c_cflag |= CREAD | CLOCAL;
	tcsetattr(fd, TCSANOW, &tty);
	tcflush(fd, TCIOFLUSH);
	return fd;
}

static int listen_on(int fd, const struct sockaddr *address, socklen_t length, const char *path,
		     GError **error)
{
	if (fd >= 0 && bind(fd, address, length) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	agent_error_errno(error, errno, "cannot listen on %s", path);
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A socket file that nobody listens on any more is left from an agent that was killed. */
static void remove_dead_socket(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd >= 0 && lstat(address->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
	    errno == ECONNREFUSED)
		unlink(address->sun_path);
	if (fd >= 0)
		close(fd);
}

static int open_unix(const char *path, GError **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		agent_error_errno(error, errno, "cannot listen on %s", path);
		return -1;
	}
	strcpy(address.sun_path, path);
	remove_dead_socket(&address);
	mask = umask(0177);
	fd = listen_on(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
		       (const struct sockaddr *)&address, sizeof(address), path, error);
	umask(mask);
	return fd;
}

static void clean_unix(const char *path)
{
	unlink(path);
}

static int open_vsock(const char *path, GError **error)
{
	struct sockaddr_vm address = { .svm_family = AF_VSOCK };
	char end;

	if (sscanf(path, "%u:%u%c", &address.svm_cid, &address.svm_port, &end) != 2) {
		errno = EINVAL;
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "cannot listen on vsock '%s': expecting CID:PORT", path);
		return -1;
	}
	return listen_on(socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
			 (const struct sockaddr *)&address, sizeof(address), path, error);
}

static const struct transport transports[] = {
	{ "virtio-serial", "/dev/virtio-ports/org.qemu.guest_agent.0", FALSE, open_device, NULL,
	  AF_UNSPEC, "a virtio serial port" },
	{ "isa-serial", "/dev/ttyS0", FALSE, open_isa_serial, NULL, AF_UNSPEC, "a serial port" },
	{ "unix-listen", NULL, TRUE, open_unix, clean_unix, AF_UNIX,
	  "a unix socket, one client at a time" },
	{ "vsock-listen", NULL, TRUE, open_vsock, NULL, AF_VSOCK, "a vsock port, CID:PORT" },
	{ TRANSPORT_HELPER, NULL, TRUE, open_unix, clean_unix, AF_UNIX,
	  "a unix socket, for an agent with --helper" },
};

#define FIRST_PASSED 3

/* How many descriptors were passed to this very process. */
static int passed(void)
{
	const char *pid = g_getenv("LISTEN_PID"), *fds = g_getenv("LISTEN_FDS");
	gint64 count = 0;

	if (pid && fds && g_ascii_strtoll(pid, NULL, 10) == getpid())
		count = g_ascii_strtoll(fds, NULL, 10);
	g_unsetenv("LISTEN_PID");
	g_unsetenv("LISTEN_FDS");
	g_unsetenv("LISTEN_FDNAMES");
	return (int)CLAMP(count, 0, G_MAXINT - FIRST_PASSED);
}

int transport_activated(const struct transport *transport, GError **error)
{
	int family = AF_UNSPEC, listens = 0, count = passed();
	socklen_t length = sizeof(int);

	if (count == 0)
		return -1;
	if (!transport->listens || count > 1 ||
	    getsockopt(FIRST_PASSED, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) < 0 || !listens ||
	    getsockopt(FIRST_PASSED, SOL_SOCKET, SO_DOMAIN, &family, &length) < 0 ||
	    family != transport->family) {
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "cannot use the %d sockets that were passed: method %s wants %s", count,
			    transport->method,
			    transport->listens ? "one, of its kind, that listens" : "none");
		return -1;
	}
	fcntl(FIRST_PASSED, F_SETFD, FD_CLOEXEC);
	fcntl(FIRST_PASSED, F_SETFL, fcntl(FIRST_PASSED, F_GETFL) | O_NONBLOCK);
	return FIRST_PASSED;
}

const struct transport *transport_next(const struct transport *transport)
{
	if (!transport)
		return transports;
	return ++transport < transports + G_N_ELEMENTS(transports) ? transport : NULL;
}

const struct transport *transport_find(const char *method, GError **error)
{
	g_autoptr(GString) names = g_string_new(NULL);

	for (guint i = 0; i < G_N_ELEMENTS(transports); i++) {
		if (!strcmp(transports[i].method, method))
			return &transports[i];
		g_string_append_printf(names, "%s%s", i ? ", " : "", transports[i].method);
	}
	g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "no method '%s'; there are: %s", method,
		    names->str);
	return NULL;
}
