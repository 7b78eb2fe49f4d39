// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qmp [-d SECONDS] [-e EVENT] SOCKET REQUEST... - send requests to a QEMU monitor.
 *
 * Prints the "return" of each request as one line of JSON and stops at the first error, which goes
 * to standard error with status 1.  With -e it then waits for EVENT and prints that.  The monitor
 * sends one JSON object on each line, whose first member tells what it is.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LINE_LEN (1024 * 1024)

struct monitor {
	int fd;
	int64_t deadline;
	char data[LINE_LEN];
	size_t len;
	char line[LINE_LEN];
};

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int monitor_connect(struct monitor *monitor, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	monitor->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (monitor->fd < 0 || connect(monitor->fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return 0;
}

/* Move the first line of data to line; false when it is not complete yet. */
static bool take_line(struct monitor *monitor)
{
	char *end = memchr(monitor->data, '\n', monitor->len);
	size_t len;

	if (!end)
		return false;
	len = end - monitor->data;
	memcpy(monitor->line, monitor->data, len);
	if (len && monitor->line[len - 1] == '\r')
		len--;
	monitor->line[len] = '\0';
	monitor->len -= end + 1 - monitor->data;
	memmove(monitor->data, end + 1, monitor->len);
	return true;
}

static int monitor_line(struct monitor *monitor)
{
	struct pollfd fds = { .fd = monitor->fd, .events = POLLIN };
	int64_t left;
	ssize_t n;

	while (!take_line(monitor)) {
		left = monitor->deadline - clock_ms();
		if (left <= 0 || poll(&fds, 1, (int)left) == 0)
			return -ETIMEDOUT;
		n = read(monitor->fd, monitor->data + monitor->len, LINE_LEN - monitor->len);
		if (n == 0)
			return monitor->len == LINE_LEN ? -EMSGSIZE : -ECONNRESET;
		if (n < 0 && errno != EINTR)
			return -errno;
		monitor->len += n > 0 ? n : 0;
	}
	return 0;
}

static bool begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

/* Return: 0 with the answer printed, 1 for the monitor's own error, or a negative errno. */
static int monitor_request(struct monitor *monitor, const char *request, bool print)
{
	static const char member[] = "{\"return\": ";
	int ret;

	if (dprintf(monitor->fd, "%s\n", request) < 0)
		return -errno;
	for (;;) {
		ret = monitor_line(monitor);
		if (ret)
			return ret;
		if (begins(monitor->line, "{\"error\"")) {
			fprintf(stderr, "%s: %s\n", request, monitor->line);
			return 1;
		}
		if (!begins(monitor->line, member))
			continue;
		monitor->line[strlen(monitor->line) - 1] = '\0';
		if (print)
			puts(monitor->line + strlen(member));
		return 0;
	}
}

static int monitor_event(struct monitor *monitor, const char *name)
{
	char member[128];
	int ret;

	snprintf(member, sizeof(member), "\"event\": \"%s\"", name);
	do {
		ret = monitor_line(monitor);
		if (ret)
			return ret;
	} while (!begins(monitor->line, "{\"timestamp\"") || !strstr(monitor->line, member));
	puts(monitor->line);
	return 0;
}

int main(int argc, char **argv)
{
	static struct monitor monitor;
	const char *event = NULL, *path;
	int option, ret, seconds = 30;

	while ((option = getopt(argc, argv, "+d:e:")) != -1) {
		if (option == 'd') {
			seconds = atoi(optarg);
		} else if (option == 'e') {
			event = optarg;
		} else {
			fprintf(stderr, "usage: qmp [-d SECONDS] [-e EVENT] SOCKET REQUEST...\n");
			return 2;
		}
	}
	path = argv[optind];
	monitor.deadline = clock_ms() + seconds * 1000LL;
	ret = path ? monitor_connect(&monitor, path) : -EINVAL;
	if (!ret)
		ret = monitor_request(&monitor, "{\"execute\":\"qmp_capabilities\"}", false);
	for (int i = optind + 1; !ret && i < argc; i++)
		ret = monitor_request(&monitor, argv[i], true);
	if (!ret && event)
		ret = monitor_event(&monitor, event);
	if (ret < 0)
		fprintf(stderr, "qmp: %s: %s\n", path ? path : "no socket", strerror(-ret));
	return ret ? 1 : 0;
}
