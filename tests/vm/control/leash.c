// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * leash OWNER PIDFILE COMMAND... - run COMMAND no longer than the process OWNER lives.
 *
 * Writes COMMAND's process ID to PIDFILE, and kills it when OWNER ends in whatever way, or when
 * the leash itself is ended.  So no emulator outlives the test that started it.  OWNER 0 is for a
 * command that is ended by hand.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static int fail(const char *what)
{
	fprintf(stderr, "leash: %s: %s\n", what, strerror(errno));
	return 126;
}

static int run(pid_t leash, char **argv)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != leash)
		return fail("cannot be tied to the parent");
	execvp(argv[0], argv);
	return fail(argv[0]);
}

/* Complete under a name of its own first, so a reader never finds half a number. */
static int write_pid(const char *path, pid_t pid)
{
	char temporary[4096];
	FILE *file;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	file = fopen(temporary, "we");
	if (!file)
		return -1;
	fprintf(file, "%d\n", (int)pid);
	return fclose(file) || rename(temporary, path) ? -1 : 0;
}

static int watch(int owner, int signals, pid_t child)
{
	struct pollfd fds[] = {
		{ .fd = owner, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	struct signalfd_siginfo info;
	int status;

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents && read(signals, &info, sizeof(info)) == sizeof(info) &&
		    info.ssi_signo == SIGCHLD) {
			if (waitpid(child, &status, WNOHANG) == child)
				break;
			continue;
		}
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		break;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	pid_t owner_pid, self = getpid(), child;
	int owner = -1, signals;
	sigset_t set;

	if (argc < 4) {
		fprintf(stderr, "usage: leash OWNER PIDFILE COMMAND...\n");
		return 2;
	}
	owner_pid = atoi(argv[1]);
	if (owner_pid)
		owner = syscall(SYS_pidfd_open, owner_pid, 0);
	if (owner_pid && owner < 0)
		return fail("owner");
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	child = fork();
	if (child < 0)
		return fail("fork");
	if (child == 0)
		_exit(run(self, argv + 3));
	if (write_pid(argv[2], child)) {
		fail(argv[2]);
		kill(child, SIGKILL);
	}
	return watch(owner, signals, child);
}
