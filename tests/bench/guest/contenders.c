// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/fs.h>

/* --- agents, on a socket of theirs -------------------------------------- */

struct agent {
	const char *path;
	int socket;
};

static struct agent qemu_ga = { "/run/qemu-ga.sock", -1 };
static struct agent ours_kernel = { "/run/kernel.sock", -1 };
static struct agent ours_userland = { "/run/userland.sock", -1 };

static void agent_connect(struct agent *agent)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uint64_t end = now_us() + 20000000;

	strcpy(address.sun_path, agent->path);
	agent->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	while (connect(agent->socket, (void *)&address, sizeof(address))) {
		if (now_us() > end)
			fail("%s: %s", agent->path, strerror(errno));
		pause_ms(20);
	}
}

/* argv[0] is the program; what it says goes to the console. */
static void agent_start(struct agent *agent, char *const *argv)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (!pid) {
		execv(argv[0], argv);
		fail("%s: %s", argv[0], strerror(errno));
	}
	agent_connect(agent);
}

static void agent_ask(struct agent *agent, const char *command)
{
	char line[512];
	size_t length = 0;
	ssize_t got;

	snprintf(line, sizeof(line), "{\"execute\":\"%s\"}\n", command);
	CHECK(write(agent->socket, line, strlen(line)) == (ssize_t)strlen(line));
	do {
		got = read(agent->socket, line + length, sizeof(line) - 1 - length);
		if (got <= 0)
			fail("%s is gone", agent->path);
		length += got;
		line[length] = 0;
	} while (line[length - 1] != '\n' && length < sizeof(line) - 1);
	if (!strstr(line, "\"return\""))
		fail("%s: %s", agent->path, line);
}

#define AGENT(agent, ...)                                                                          \
	static void agent##_prepare(void)                                                          \
	{                                                                                          \
		char *const argv[] = { __VA_ARGS__, NULL };                                        \
                                                                                                   \
		agent_start(&agent, argv);                                                         \
	}                                                                                          \
	static void agent##_freeze(void)                                                           \
	{                                                                                          \
		agent_ask(&agent, "guest-fsfreeze-freeze");                                        \
	}                                                                                          \
	static void agent##_thaw(void)                                                             \
	{                                                                                          \
		agent_ask(&agent, "guest-fsfreeze-thaw");                                          \
	}

AGENT(qemu_ga, "/usr/sbin/qemu-ga", "--method=unix-listen", "--path=/run/qemu-ga.sock",
      "--statedir=/run", "--pidfile=/run/qemu-ga.pid")
AGENT(ours_kernel, "/usr/sbin/guest-tools-agent", "--method=unix-listen",
      "--path=/run/kernel.sock", "--engine=kernel", "--logfile=/run/kernel.log")
AGENT(ours_userland, "/usr/sbin/guest-tools-agent", "--method=unix-listen",
      "--path=/run/userland.sock", "--engine=userland", "--logfile=/run/userland.log")

/* --- the kernel engine, by its device ----------------------------------- */

static int engine_fd;

static void engine_freeze(void)
{
	engine_fd = device_freeze_wait(60000);
}

static void engine_thaw(void)
{
	if (getenv("BENCH_REPORT"))
		device_report_print(engine_fd);
	device_thaw_wait(engine_fd);
}

/* --- sixteen processes, with the preparations that the engines make ------ */

#define HANDS	16

static struct shared {
	atomic_uint next;
	int fds[MOST_IMAGES + 2];
} *shared;

static void nothing(void)
{
}

static void expedite(const char *value)
{
	int fd = open("/sys/kernel/rcu_expedited", O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0 && write(fd, value, 1) == 1);
	close(fd);
}

static void hands_prepare(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	CHECK(shared != MAP_FAILED);
}

static int flush(int fd)
{
	return syncfs(fd);
}

static int freeze_one(int fd)
{
	return ioctl(fd, FIFREEZE, 0);
}

static int thaw_one(int fd)
{
	return ioctl(fd, FITHAW, 0);
}

static void hand(unsigned int to, int (*call)(int))
{
	unsigned int i;

	for (i = shared->next++; i < to; i = shared->next++)
		if (call(shared->fds[i]))
			_exit(1);
	_exit(0);
}

/* Each takes the next one until none is left. (Orphans of the agents' end here as well.) */
static void hands_do(unsigned int from, unsigned int to, int (*call)(int))
{
	unsigned int i, hands = to - from < HANDS ? to - from : HANDS;
	pid_t pids[HANDS];
	int status;

	shared->next = from;
	for (i = 0; i < hands; i++) {
		pids[i] = fork();
		CHECK(pids[i] >= 0);
		if (!pids[i])
			hand(to, call);
	}
	for (i = 0; i < hands; i++)
		CHECK(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
}

static void hands_freeze(void)
{
	unsigned int ends[2], ranks = disks_ranks(ends), i, rank;

	for (i = 0; i < disks_nr(); i++) {
		shared->fds[i] = open(disks_point(i), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CHECK(shared->fds[i] >= 0);
	}
	expedite("1");
	hands_do(0, disks_nr(), flush);
	for (rank = 0; rank < ranks; rank++)
		hands_do(rank ? ends[rank - 1] : 0, ends[rank], freeze_one);
	expedite("0");
}

static void hands_thaw(void)
{
	unsigned int ends[2], rank = disks_ranks(ends), i;

	while (rank-- > 0)
		hands_do(rank ? ends[rank - 1] : 0, ends[rank], thaw_one);
	for (i = 0; i < disks_nr(); i++)
		close(shared->fds[i]);
}

const struct contender contenders[NR_CONTENDERS] = {
	[QEMU_GA] = { "qemu-ga", qemu_ga_prepare, qemu_ga_freeze, qemu_ga_thaw },
	[SIDE_BY_SIDE] = { "16 FIFREEZE side by side", hands_prepare, hands_freeze, hands_thaw },
	[ENGINE] = { "kernel engine", nothing, engine_freeze, engine_thaw },
	[AGENT_KERNEL] = { "agent, kernel engine", ours_kernel_prepare, ours_kernel_freeze,
			   ours_kernel_thaw },
	[AGENT_USERLAND] = { "agent, userland engine", ours_userland_prepare, ours_userland_freeze,
			     ours_userland_thaw },
};
