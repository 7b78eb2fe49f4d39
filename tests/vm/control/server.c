// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * guest-control PORT - the guest's side of the control channel.
 *
 * Runs one command at a time for whoever is at the host's end of the virtio serial port PORT, and
 * gives it up when they leave.  It holds no file of any disk open, writes nowhere but to the port,
 * and keeps itself in memory, so it also serves while the root file system is frozen.
 *
 *	IDLE --HELLO--> HELLO --EXEC (last)--> RUNNING --child ended--> IDLE
 *	HELLO, RUNNING --HELLO of another session, or the host left--> IDLE (child killed)
 *
 * The port tells that the host left by another queue than the one its data come by, and the driver
 * takes that news up later: they may come after the first words of the next client.  So the host has
 * left only when it does not come back for a second.
 */
#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMMAND_MAX (256 * 1024)
#define HOST_LEFT_MS 1000

enum state { IDLE, HELLO, RUNNING };

static struct {
	enum state state;
	int port;
	int signals;
	int idle; /* an epoll of the port, edge-triggered: no host is no reason to spin */
	uint64_t session;
	char command[COMMAND_MAX + 1];
	size_t command_len;
	pid_t child;
	int in, out, err; /* ours of the child's pipes, or -1; one and the same for a terminal */
	bool pty;
	bool in_ends; /* close in when input is empty */
	char input[FRAME_PAYLOAD];
	size_t input_len;
} server = { .in = -1, .out = -1, .err = -1 };

static struct frame_reader reader;
static struct frame frame;

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* The command is over, or nobody waits for it any more. */
static void end_session(void)
{
	if (server.pty) {
		close_fd(&server.out);
		server.in = -1;
	}
	close_fd(&server.in);
	close_fd(&server.out);
	close_fd(&server.err);
	if (server.child > 0)
		kill(-server.child, SIGKILL); /* reaped when it goes; it may hang on a frozen disk */
	server.child = 0;
	server.pty = server.in_ends = false;
	server.command_len = server.input_len = 0;
	server.session = 0;
	server.state = IDLE;
}

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static bool host_is_there(void)
{
	struct pollfd port = { .fd = server.port, .events = POLLIN };

	return poll(&port, 1, 0) >= 0 && !(port.revents & (POLLHUP | POLLERR));
}

/*
 * Nobody there, it seems: sleep until something comes from them, or for so long that they would be
 * back.  False when they are gone.
 */
static bool wait_for_host(void)
{
	int64_t end = clock_ms() + HOST_LEFT_MS, left = HOST_LEFT_MS;
	struct epoll_event event;

	while (left > 0 && !host_is_there()) {
		epoll_wait(server.idle, &event, 1, (int)left);
		left = end - clock_ms();
	}
	return host_is_there();
}

/* Write all to the port; false when the host has left. */
static bool port_write(const char *data, size_t len)
{
	while (len) {
		struct pollfd poll_port = { .fd = server.port, .events = POLLOUT };
		ssize_t n = write(server.port, data, len);

		if (n > 0) {
			data += n;
			len -= n;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (poll(&poll_port, 1, -1) > 0 && (poll_port.revents & (POLLHUP | POLLERR)) &&
		    !wait_for_host())
			return false;
	}
	return true;
}

static bool send_frame(enum frame_type type, size_t len)
{
	size_t whole = frame_seal(&frame, server.session, type, 0, len);

	return port_write((const char *)&frame, whole);
}

static void send_ready(void)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, frame.payload, 36);

	if (fd >= 0)
		close(fd);
	if (!send_frame(FRAME_READY, n > 0 ? n : 0))
		end_session();
}

static void send_exit(int status)
{
	int32_t code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);

	memcpy(frame.payload, &code, sizeof(code));
	server.child = 0;
	send_frame(FRAME_EXIT, sizeof(code));
	end_session();
}

/* Pass on what the child wrote.  Closes *fd at the end; false when there is nothing now. */
static bool pass_output(int *fd, enum frame_type type)
{
	ssize_t n;

	if (*fd < 0)
		return false;
	n = read(*fd, frame.payload, FRAME_PAYLOAD);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		if (server.pty)
			server.in = -1;
		close_fd(fd);
		return false;
	}
	if (!send_frame(type, n)) {
		end_session();
		return false;
	}
	return true;
}

static void pass_input(void)
{
	ssize_t n;

	if (server.in >= 0 && server.input_len) {
		n = write(server.in, server.input, server.input_len);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			n = server.input_len; /* the child does not want it */
		server.input_len -= n;
		memmove(server.input, server.input + n, server.input_len);
	}
	if (server.in < 0)
		server.input_len = 0;
	if (!server.input_len && server.in_ends && !server.pty)
		close_fd(&server.in);
}

/* All ended children; the command's own end is its result, whoever still holds its pipes. */
static void reap(void)
{
	struct signalfd_siginfo info;
	int status, most = 64; /* reads: a grandchild may go on writing for ever */
	pid_t pid;

	while (read(server.signals, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != server.child)
			continue;
		while (most-- && (pass_output(&server.out, FRAME_STDOUT) ||
				  pass_output(&server.err, FRAME_STDERR)))
			;
		if (server.state == RUNNING)
			send_exit(status);
	}
}

static void child_exec(void)
{
	static char *const environment[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root",
		"USER=root",
		"LOGNAME=root",
		"LANG=C.UTF-8",
		"TERM=linux",
		NULL
	};
	char *const argv[] = { "sh", "-c", server.command, NULL };
	sigset_t none;
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "0", 1) < 0) /* only the server itself is to be spared */
		_exit(126);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (chdir("/root") && chdir("/"))
		_exit(126);
	execve("/bin/sh", argv, environment);
	_exit(127);
}

static pid_t spawn_on_pty(void)
{
	pid_t pid = forkpty(&server.out, NULL, NULL, NULL);

	if (pid > 0) {
		server.pty = true;
		server.in = server.out;
	}
	return pid;
}

static pid_t spawn_on_pipes(void)
{
	int in[2], out[2], err[2];
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0) {
		setsid();
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		return 0;
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	server.in = in[1];
	server.out = out[0];
	server.err = err[0];
	return pid;
}

static void start_command(bool pty)
{
	pid_t pid;

	server.command[server.command_len] = '\0';
	pid = pty ? spawn_on_pty() : spawn_on_pipes();
	if (pid == 0)
		child_exec();
	server.state = RUNNING;
	if (pid < 0) {
		send_exit(126 << 8);
		return;
	}
	server.child = pid;
	fcntl(server.in, F_SETFL, O_NONBLOCK);
	fcntl(server.out, F_SETFL, O_NONBLOCK);
	fcntl(server.err, F_SETFL, O_NONBLOCK);
}

static void hello(void)
{
	uint64_t ns = 0;
	struct timespec now;

	end_session();
	server.session = frame.head.session;
	server.state = HELLO;
	if (frame.head.len == sizeof(ns))
		memcpy(&ns, frame.payload, sizeof(ns));
	now.tv_sec = ns / 1000000000;
	now.tv_nsec = ns % 1000000000;
	if (ns)
		clock_settime(CLOCK_REALTIME, &now);
	send_ready();
}

static void take_command(void)
{
	if (server.command_len + frame.head.len > COMMAND_MAX) {
		end_session();
		return;
	}
	memcpy(server.command + server.command_len, frame.payload, frame.head.len);
	server.command_len += frame.head.len;
	if (frame.head.flags & FRAME_LAST)
		start_command(frame.head.flags & FRAME_PTY);
}

static void take_input(void)
{
	if (!frame.head.len) {
		server.in_ends = true;
	} else {
		memcpy(server.input, frame.payload, frame.head.len);
		server.input_len = frame.head.len;
	}
	pass_input();
}

static void take_size(void)
{
	struct frame_size size;
	struct winsize winsize = { 0 };

	if (frame.head.len != sizeof(size) || !server.pty)
		return;
	memcpy(&size, frame.payload, sizeof(size));
	winsize.ws_row = size.rows;
	winsize.ws_col = size.columns;
	ioctl(server.in, TIOCSWINSZ, &winsize);
}

static void dispatch(void)
{
	if (frame.head.type == FRAME_HELLO)
		hello();
	else if (frame.head.session != server.session)
		return; /* of a client that is gone */
	else if (frame.head.type == FRAME_EXEC && server.state == HELLO)
		take_command();
	else if (frame.head.type == FRAME_STDIN && server.state == RUNNING)
		take_input();
	else if (frame.head.type == FRAME_SIZE && server.state == RUNNING)
		take_size();
}

/* Frames as long as the input of the last one has been taken by the child. */
static void dispatch_all(void)
{
	while (!server.input_len && frame_next(&reader, &frame))
		dispatch();
}

static void host_left(void)
{
	if (!wait_for_host())
		end_session();
	reap();
}

static void serve(void)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = server.port, .events = server.input_len ? 0 : POLLIN },
			{ .fd = server.signals, .events = POLLIN },
			{ .fd = server.out, .events = POLLIN },
			{ .fd = server.err, .events = POLLIN },
			{ .fd = server.input_len ? server.in : -1, .events = POLLOUT },
		};

		if (poll(fds, 5, -1) < 0)
			continue;
		if ((fds[0].revents & POLLIN) && frame_fill(&reader, server.port) == 0)
			host_left();
		else if ((fds[0].revents & (POLLHUP | POLLERR)) && server.input_len)
			host_left();
		if (fds[4].revents)
			pass_input();
		dispatch_all();
		if (fds[2].revents)
			pass_output(&server.out, FRAME_STDOUT);
		if (fds[3].revents)
			pass_output(&server.err, FRAME_STDERR);
		if (fds[1].revents)
			reap();
	}
}

static int setup(const char *path)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	sigset_t set;

	server.port = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (server.port < 0)
		return -errno;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	server.signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	server.idle = epoll_create1(EPOLL_CLOEXEC);
	if (server.signals < 0 || server.idle < 0 ||
	    epoll_ctl(server.idle, EPOLL_CTL_ADD, server.port, &event) ||
	    mlockall(MCL_CURRENT | MCL_FUTURE))
		return -errno;
	return 0;
}

int main(int argc, char **argv)
{
	int ret;

	if (argc != 2) {
		fprintf(stderr, "usage: guest-control PORT\n");
		return 2;
	}
	ret = setup(argv[1]);
	if (ret) {
		fprintf(stderr, "guest-control: %s: %s\n", argv[1], strerror(-ret));
		return 1;
	}
	serve();
}
