// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * guest-exec [OPTION]... SOCKET [COMMAND]... - run a command in a guest through its control port.
 *
 * The host's side of the control channel; SOCKET is the one that QEMU has for the port.
 */
#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define HELLO_AGAIN_MS 1000
#define STATUS_LATE    124
#define STATUS_BROKEN  125

static const char usage[] =
	"usage: guest-exec [-d SECONDS] [-c] [-i | -t] [-l MS] SOCKET COMMAND...\n"
	"       guest-exec [-d SECONDS] [-c] -b SOCKET\n"
	"  -b  print the guest's boot ID as soon as it answers\n"
	"  -c  set the guest's clock to this machine's\n"
	"  -d  give up after so many seconds (60), with status 124\n"
	"  -i  standard input goes to the command\n"
	"  -l  hang up at the command's first output, and come back after so many milliseconds\n"
	"  -t  run the command on a terminal\n"
	"The status is the command's; 125 when the channel is broken.\n";

struct client {
	const char *path;
	int fd;
	int leave_ms; /* how long to hang up at the first output; 0 not at all */
	uint64_t session;
	int64_t deadline; /* ms of the monotonic clock; 0 for none */
	int input;        /* descriptor passed on to the command, or -1 */
	struct frame_reader reader;
	struct frame in, out;
};

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Milliseconds that may still be waited, for poll(). */
static int time_left(const struct client *client)
{
	int64_t left = client->deadline - clock_ms();

	if (!client->deadline)
		return -1;
	return left > 0 ? (int)left : 0;
}

static int client_connect(struct client *client)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(client->path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, client->path);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&address, sizeof(address)) ||
	    fcntl(client->fd, F_SETFL, O_NONBLOCK))
		return -errno;
	return 0;
}

static int client_write(struct client *client, const char *data, size_t len)
{
	struct pollfd fds = { .fd = client->fd, .events = POLLOUT };

	while (len) {
		ssize_t n = send(client->fd, data, len, MSG_NOSIGNAL);

		if (n > 0) {
			data += n;
			len -= n;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			return -errno;
		} else if (poll(&fds, 1, time_left(client)) == 0) {
			return -ETIMEDOUT;
		}
	}
	return 0;
}

static int client_send(struct client *client, enum frame_type type, unsigned int flags, size_t len)
{
	size_t whole = frame_seal(&client->out, client->session, type, flags, len);

	return client_write(client, (const char *)&client->out, whole);
}

/* Wait for a frame of this session: 1 with one in client->in, 0 when @ms passed first. */
static int client_receive(struct client *client, int ms)
{
	struct pollfd fds = { .fd = client->fd, .events = POLLIN };
	ssize_t n;

	for (;;) {
		while (frame_next(&client->reader, &client->in)) {
			if (client->in.head.session == client->session)
				return 1;
		}
		if (poll(&fds, 1, ms) == 0)
			return 0;
		n = frame_fill(&client->reader, client->fd);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && n != -EAGAIN)
			return n;
	}
}

/*
 * Until the guest answers.  What is sent to a guest that is just going down is lost with it, so
 * the greeting is repeated.
 */
static int client_hello(struct client *client, bool set_clock)
{
	static const char zeros[FRAME_MAX];
	struct timespec now;
	uint64_t ns;
	int ret;

	for (;;) {
		int left = time_left(client);

		clock_gettime(CLOCK_REALTIME, &now);
		ns = set_clock ? now.tv_sec * 1000000000ULL + now.tv_nsec : 0;
		ret = client_write(client, zeros, sizeof(zeros));
		if (ret)
			return ret;
		memcpy(client->out.payload, &ns, sizeof(ns));
		ret = client_send(client, FRAME_HELLO, 0, sizeof(ns));
		if (ret)
			return ret;
		ret = client_receive(client, left >= 0 && left < HELLO_AGAIN_MS ? left :
										  HELLO_AGAIN_MS);
		if (ret < 0 || (ret == 1 && client->in.head.type == FRAME_READY))
			return ret < 0 ? ret : 0;
		if (left == 0)
			return -ETIMEDOUT;
	}
}

static int client_send_command(struct client *client, const char *command, bool pty)
{
	size_t len = strlen(command);
	int ret;

	do {
		size_t part = len < FRAME_PAYLOAD ? len : FRAME_PAYLOAD;

		memcpy(client->out.payload, command, part);
		command += part;
		len -= part;
		ret = client_send(client, FRAME_EXEC, (len ? 0 : FRAME_LAST) | (pty ? FRAME_PTY : 0),
				  part);
	} while (!ret && len);
	return ret;
}

static int client_send_size(struct client *client)
{
	struct winsize winsize;
	struct frame_size size;

	if (ioctl(0, TIOCGWINSZ, &winsize))
		return 0;
	size = (struct frame_size){ .rows = winsize.ws_row, .columns = winsize.ws_col };
	memcpy(client->out.payload, &size, sizeof(size));
	return client_send(client, FRAME_SIZE, 0, sizeof(size));
}

static int pass_input(struct client *client)
{
	ssize_t n = read(client->input, client->out.payload, FRAME_PAYLOAD);

	if (n <= 0) {
		client->input = -1;
		n = 0;
	}
	return client_send(client, FRAME_STDIN, 0, n);
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= n;
		}
	}
	return 0;
}

/* One frame of the running command: 1 when it was the last, with the status in *status. */
static int take_output(struct client *client, int *status)
{
	int32_t code;

	switch (client->in.head.type) {
	case FRAME_STDOUT:
		return write_all(1, client->in.payload, client->in.head.len);
	case FRAME_STDERR:
		return write_all(2, client->in.payload, client->in.head.len);
	case FRAME_EXIT:
		memcpy(&code, client->in.payload, sizeof(code));
		*status = code;
		return 1;
	}
	return 0;
}

/* Hang up at the first output, so the guest is told that its host left while the session goes on. */
static int client_hang_up(struct client *client, int *status)
{
	struct timespec pause = { client->leave_ms / 1000, client->leave_ms % 1000 * 1000000L };
	int ret = client_receive(client, time_left(client));

	if (ret <= 0)
		return ret ? ret : -ETIMEDOUT;
	ret = take_output(client, status);
	close(client->fd);
	nanosleep(&pause, NULL);
	return ret < 0 ? ret : client_connect(client);
}

/* Until the command ends: input there, output here.  Return: 0, or a negative errno. */
static int client_converse(struct client *client, int *status)
{
	int ret;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = client->fd, .events = POLLIN },
			{ .fd = client->input, .events = POLLIN },
		};

		if (poll(fds, 2, time_left(client)) == 0)
			return -ETIMEDOUT;
		if (fds[1].revents) {
			ret = pass_input(client);
			if (ret)
				return ret;
		}
		if (!fds[0].revents)
			continue;
		while ((ret = client_receive(client, 0)) == 1) {
			ret = take_output(client, status);
			if (ret)
				return ret < 0 ? ret : 0;
		}
		if (ret < 0)
			return ret;
	}
}

static int client_run(struct client *client, const char *command, bool pty, int *status)
{
	int ret = client_send_command(client, command, pty);

	if (!ret && pty)
		ret = client_send_size(client);
	if (!ret && client->input < 0)
		ret = client_send(client, FRAME_STDIN, 0, 0);
	if (!ret && client->leave_ms)
		ret = client_hang_up(client, status);
	return ret ? ret : client_converse(client, status);
}

/* Run with the terminal passing every key on; the guest's terminal echoes and edits. */
static int client_run_raw(struct client *client, const char *command, int *status)
{
	struct termios cooked, raw;
	bool terminal = tcgetattr(0, &cooked) == 0;
	int ret;

	if (terminal) {
		raw = cooked;
		cfmakeraw(&raw);
		tcsetattr(0, TCSANOW, &raw);
	}
	ret = client_run(client, command, true, status);
	if (terminal)
		tcsetattr(0, TCSANOW, &cooked);
	return ret;
}

static char *join(char **words)
{
	size_t len = 1;
	char *line;

	for (char **word = words; *word; word++)
		len += strlen(*word) + 1;
	line = calloc(1, len);
	if (!line)
		abort();
	for (char **word = words; *word; word++) {
		strcat(line, *word);
		if (word[1])
			strcat(line, " ");
	}
	return line;
}

static int report(const char *path, int error)
{
	if (error == -ETIMEDOUT)
		fprintf(stderr, "guest-exec: no end within the time given\n");
	else
		fprintf(stderr, "guest-exec: %s: %s\n", path, strerror(-error));
	return error == -ETIMEDOUT ? STATUS_LATE : STATUS_BROKEN;
}

int main(int argc, char **argv)
{
	static struct client client = { .input = -1 };
	bool boot_id = false, set_clock = false, pty = false;
	int option, ret, status = 0, seconds = 60;

	while ((option = getopt(argc, argv, "+bcd:il:t")) != -1) {
		if (option == 'b')
			boot_id = true;
		else if (option == 'c')
			set_clock = true;
		else if (option == 'd')
			seconds = atoi(optarg);
		else if (option == 'l')
			client.leave_ms = atoi(optarg);
		else if (option == 'i' || option == 't')
			client.input = 0;
		else
			return fputs(usage, stderr), 2;
		pty |= option == 't';
	}
	if (argc - optind < (boot_id ? 1 : 2))
		return fputs(usage, stderr), 2;
	client.deadline = seconds ? clock_ms() + seconds * 1000LL : 0;
	argv += optind;
	client.path = argv[0];
	if (getrandom(&client.session, sizeof(client.session), 0) != sizeof(client.session))
		abort();
	ret = client_connect(&client);
	if (!ret)
		ret = client_hello(&client, set_clock);
	if (!ret && boot_id)
		printf("%.*s\n", (int)client.in.head.len, client.in.payload);
	else if (!ret && pty)
		ret = client_run_raw(&client, join(argv + 1), &status);
	else if (!ret)
		ret = client_run(&client, join(argv + 1), false, &status);
	return ret ? report(argv[0], ret) : status;
}
