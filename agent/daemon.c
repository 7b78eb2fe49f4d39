/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"

/* Where the parent hears that all is well; -1 when none is waiting. */
static int ready = -1;

static void wait_for_child(int fd, pid_t child) G_GNUC_NORETURN;

static void wait_for_child(int fd, pid_t child)
{
	int status = 0;
	ssize_t n;
	char byte;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

gboolean daemon_detach(GError **error)
{
	int pipes[2];
	pid_t child;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return agent_error_errno(error, errno, "cannot become a daemon");
	child = fork();
	if (child < 0) {
		agent_error_errno(error, errno, "cannot become a daemon");
		close(pipes[0]);
		close(pipes[1]);
		return FALSE;
	}
	if (child > 0) {
		close(pipes[1]);
		wait_for_child(pipes[0], child);
	}
	close(pipes[0]);
	ready = pipes[1];
	setsid();
	if (chdir("/") < 0)
		return agent_error_errno(error, errno, "cannot become a daemon");
	return TRUE;
}

void daemon_ready(void)
{
	int null;

	if (ready < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	if (null > STDERR_FILENO)
		close(null);
	if (write(ready, "", 1) < 0)
		g_warning("cannot tell the starter that the agent is ready: %s", g_strerror(errno));
	close(ready);
	ready = -1;
}
