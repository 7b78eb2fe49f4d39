// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stops NUMBER AGENT [OPTION...]: starts the agent so many times, on a socket that is passed
 * to it, and stops it each time with requests of all kinds in flight, a little later than
 * the last time. It must end within LIMIT_MS, with status 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIMIT_MS 5000
/* The stop comes after 0, 1, ... of these: from before main() to after all replies. */
#define STEP_US 200
#define STEPS	100

static const char requests[] =
	"{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":1}}\n"
	"{\"execute\":\"guest-exec\",\"arguments\":{\"path\":\"/bin/sleep\",\"arg\":[\"0.01\"],"
	"\"capture-output\":true}}\n"
	"{\"execute\":\"guest-get-fsinfo\"}\n"
	"{\"execute\":\"guest-network-get-interfaces\"}\n"
	"{\"execute\":\"guest-file-open\",\"arguments\":{\"path\":\"/dev/null\"}}\n"
	"{\"execute\":\"guest-get-osinfo\"}\n"
	"{\"execute\":\"guest-ping\"}\n"
	"{\"execute\":\"guest-get-";

static int fatal(const char *what)
{
	perror(what);
	exit(2);
}

static pid_t agent_start(int listener, char *const *command)
{
	char pid[16];
	pid_t child = fork();

	if (child < 0)
		fatal("fork");
	if (child)
		return child;
	/* The first passed socket is 3, of the process that LISTEN_PID says. */
	if (dup2(listener, 3) < 0 || fcntl(3, F_SETFD, 0))
		fatal("pass the socket");
	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	execv(command[0], command);
	fatal(command[0]);
	return -1;
}

/* Status of the agent, or -1 when it has not ended in time. */
static int agent_end(pid_t agent)
{
	struct pollfd ended = { .fd = pidfd_open(agent, 0), .events = POLLIN };
	int status, in_time;

	if (ended.fd < 0)
		fatal("pidfd_open");
	kill(agent, SIGTERM);
	in_time = poll(&ended, 1, LIMIT_MS);
	if (in_time == 0)
		kill(agent, SIGKILL);
	waitpid(agent, &status, 0);
	close(ended.fd);
	return in_time ? status : -1;
}

static int client_connect(const struct sockaddr_un *address)
{
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (client < 0 || connect(client, (const void *)address, sizeof(*address)))
		fatal("connect");
	if (write(client, requests, sizeof(requests) - 1) < 0)
		fatal("write");
	return client;
}

/* One that has no client waiting of those that the last agent did not come to. */
static int listener_new(const struct sockaddr_un *address)
{
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(address->sun_path);
	if (bind(listener, (const void *)address, sizeof(*address)) || listen(listener, 8))
		fatal(address->sun_path);
	return listener;
}

/* Whether agent number @i ended as it must; counts it when it had answered before. */
static bool stop_once(const struct sockaddr_un *address, char *const *command, unsigned int i,
		      unsigned int *answered)
{
	int listener = listener_new(address), client = client_connect(address), status;
	pid_t agent = agent_start(listener, command);
	bool serves, by_signal;
	char byte;

	usleep(i % STEPS * STEP_US);
	serves = recv(client, &byte, 1, MSG_DONTWAIT) == 1;
	status = agent_end(agent);
	close(client);
	close(listener);
	*answered += serves;
	/* Before it serves anybody, the signal itself may end it. */
	by_signal = status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
	if (status == 0 || (by_signal && !serves))
		return true;
	printf("stop %u: %s, status %d\n", i, status == -1 ? "no end" : "failed", status);
	return false;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	unsigned int number = argc > 2 ? atoi(argv[1]) : 0, answered = 0, i;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/stops.%d",
		 getenv("TMPDIR") ?: "/tmp", getpid());
	for (i = 0; i < number; i++)
		if (!stop_once(&address, argv + 2, i, &answered))
			return 1;
	unlink(address.sun_path);
	printf("%u stops, %u with a reply before\n", number, answered);
	return number ? 0 : 2;
}
