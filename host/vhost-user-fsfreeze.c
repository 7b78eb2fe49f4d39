/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The back end of one guest's virtio-fsfreeze device: options, sockets, loop. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "backend.h"
#include "control.h"
#include "log.h"
#include "sandbox.h"
#include "sockets.h"

/* A QEMU that stops in the middle of a message has so long to go on. */
#define PATIENCE_S 5

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

static struct {
	const char *socket;
	const char *control;
} options;

/* Everything there is, in one place: nothing is allocated while running. */
static struct {
	struct backend backend;
	struct control control;
	int vhost_listener, control_listener;
	int qemu; /* connection, or -1 */
} daemon_state = { .vhost_listener = -1, .control_listener = -1, .qemu = -1 };

enum { POLL_QEMU, POLL_CONTROL, POLL_RINGS, POLL_CLIENTS = POLL_RINGS + VHOST_RINGS,
       POLL_NR = POLL_CLIENTS + CONTROL_CLIENTS };

static void deliver(struct backend *backend, uint32_t client, const void *message, size_t length)
{
	control_deliver(&daemon_state.control, client, message, length);
}

static void qemu_connected(int fd)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	daemon_state.qemu = fd;
}

static void qemu_gone(int error)
{
	if (error != -ECONNRESET)
		log_line("closing the connection to QEMU: %s", strerror(-error));
	close(daemon_state.qemu);
	daemon_state.qemu = -1;
	backend_disconnected(&daemon_state.backend);
}

static void serve_qemu(void)
{
	int ret;

	if (daemon_state.qemu < 0) {
		int fd = accept4(daemon_state.vhost_listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			qemu_connected(fd);
		return;
	}
	ret = vhost_serve(&daemon_state.backend.vhost, daemon_state.qemu);
	if (ret < 0)
		qemu_gone(ret);
}

static void accept_client(void)
{
	int fd = accept4(daemon_state.control_listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0)
		control_add(&daemon_state.control, fd);
}

static void clear_kick(const struct pollfd *fd)
{
	uint64_t count;

	if (fd->revents && read(fd->fd, &count, sizeof(count)) < 0)
		return;
}

static void fill_poll(struct pollfd *fds)
{
	const struct ring *rings = daemon_state.backend.vhost.rings;

	fds[POLL_QEMU] = (struct pollfd){
		.fd = daemon_state.qemu >= 0 ? daemon_state.qemu : daemon_state.vhost_listener,
		.events = POLLIN,
	};
	fds[POLL_CONTROL] = (struct pollfd){ .fd = daemon_state.control_listener, .events = POLLIN };
	for (unsigned int i = 0; i < VHOST_RINGS; i++)
		fds[POLL_RINGS + i] = (struct pollfd){ .fd = rings[i].kick, .events = POLLIN };
	control_poll(&daemon_state.control, &fds[POLL_CLIENTS]);
}

/* The rings before the clients, so that a reply comes before the next command goes. */
static void run_once(void)
{
	struct pollfd fds[POLL_NR];

	fill_poll(fds);
	if (poll(fds, POLL_NR, -1) < 0)
		return;
	for (unsigned int i = 0; i < VHOST_RINGS; i++)
		clear_kick(&fds[POLL_RINGS + i]);
	if (fds[POLL_QEMU].revents)
		serve_qemu();
	backend_run(&daemon_state.backend);
	control_run(&daemon_state.control, &fds[POLL_CLIENTS]);
	if (fds[POLL_CONTROL].revents)
		accept_client();
}

/* A socket passed by the service manager, or else one of our own. */
static int open_listener(const char *name, const char *path)
{
	int fd = path ? socket_listen(path) : socket_passed(name);

	if (fd < 0)
		fprintf(stderr, "vhost-user-fsfreeze: cannot listen on %s: %s\n",
			path ? path : name, path ? strerror(-fd) : "no such socket was passed");
	return fd;
}

static int open_sockets(void)
{
	daemon_state.vhost_listener = open_listener("vhost", options.socket);
	if (daemon_state.vhost_listener < 0)
		return -1;
	daemon_state.control_listener = open_listener("control", options.control);
	return daemon_state.control_listener < 0 ? -1 : 0;
}

static void print_help(void)
{
	printf("Usage: vhost-user-fsfreeze --socket=PATH --control=PATH\n\n"
	       "The back end of one guest's virtio-fsfreeze device.\n\n"
	       "  -s, --socket=PATH     listen for QEMU on this unix socket\n"
	       "  -C, --control=PATH    listen for fsfreezectl on this unix socket\n"
	       "  -V, --version         print the version, and exit\n"
	       "  -h, --help            print this, and exit\n\n"
	       "Sockets that are not named must be passed by the service manager, with the\n"
	       "names vhost and control.\n");
}

static int usage(const char *what)
{
	fprintf(stderr, "vhost-user-fsfreeze: %s\nTry 'vhost-user-fsfreeze --help'.\n", what);
	return STATUS_USAGE;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "control", required_argument, NULL, 'C' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c, ret;

	while ((c = getopt_long(argc, argv, "s:C:Vh", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			options.socket = optarg;
			break;
		case 'C':
			options.control = optarg;
			break;
		case 'V':
			printf("vhost-user-fsfreeze %s\n", VERSION);
			return STATUS_OK;
		case 'h':
			print_help();
			return STATUS_OK;
		default:
			return usage("wrong option");
		}
	}
	if (optind != argc)
		return usage("no arguments are expected");
	backend_init(&daemon_state.backend, deliver);
	control_init(&daemon_state.control, &daemon_state.backend);
	if (open_sockets() < 0)
		return STATUS_FAILED;
	ret = sandbox_enter();
	if (ret < 0) {
		fprintf(stderr, "vhost-user-fsfreeze: cannot enter the sandbox: %s\n", strerror(-ret));
		return STATUS_FAILED;
	}
	for (;;)
		run_once();
}
