/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "wait.h"

/* QEMU, too, may be busy: with a snapshot that we had asked for. */
#define CONTINUE_MS 60000

/* Its own session: what is sent to our process group does not reach it. */
static void watch(int alive, struct qmp *qmp)
{
	char byte;
	ssize_t n;

	setsid();
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_IGN);
	wait_shield(true);
	qmp_take_over(qmp);
	do
		n = read(alive, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		qmp_call(qmp, "cont", NULL, wait_now_ms() + CONTINUE_MS, NULL);
	_exit(0);
}

int guard_start(struct guard *guard, struct qmp *qmp)
{
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(pipes[1]);
		watch(pipes[0], qmp);
	}
	close(pipes[0]);
	guard->alive = pipes[1];
	if (pid > 0)
		return 0;
	close(pipes[1]);
	return -EAGAIN;
}

void guard_end(struct guard *guard)
{
	if (write(guard->alive, "", 1) < 0)
		return; /* it is gone, which is what it was to be */
	close(guard->alive);
}
