// SPDX-License-Identifier: GPL-2.0-or-later
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compat.h"
#include "error.h"
#include "ui.h"

#define OUTPUT_MAX (256 * 1024)
#define TICK_MS	   100

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

void command_catch_signals(void)
{
	struct sigaction ask = { .sa_handler = on_signal };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &ask, NULL);
	sigaction(SIGTERM, &ask, NULL);
	sigaction(SIGHUP, &ask, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

int command_interrupted(void)
{
	return interrupted;
}

static const char *const environment[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root",
	"LC_ALL=C",
	"DEBIAN_FRONTEND=noninteractive",
	"DPKG_COLORS=never",
	"GUEST_TOOLS_SETUP=1",
	NULL,
};

static const struct {
	const char *path;
	unsigned int minor;
} devices[] = {
	{ "dev/null", 3 }, { "dev/zero", 5 }, { "dev/full", 7 }, { "dev/random", 8 }, { "dev/urandom", 9 },
};

/*
 * In the child, in the root's directory, in a mount namespace of its own: programs there expect
 * /proc, and maintainer scripts /dev/null. Where this cannot be had (a container) they go without.
 */
static void mount_for_program(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return;
	if (access("proc/self", F_OK) < 0)
		mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
	if (access("dev/null", W_OK) == 0 || mount("dev", "dev", "tmpfs", MS_NOSUID, NULL) < 0)
		return;
	mode_t mask = umask(0);

	for (gsize i = 0; i < G_N_ELEMENTS(devices); i++)
		mknod(devices[i].path, S_IFCHR | 0666, makedev(1, devices[i].minor));
	umask(mask);
}

static void reset_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };

	for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
		signal(numbers[i], SIG_DFL);
}

/* Its own group: a Ctrl-C meant for setup must not kill a package manager half way. */
static void G_GNUC_NORETURN child(const struct root *root, const char *const *argv, int output)
{
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	dup2(null, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	umask(022);
	reset_signals();
	if (chdir(root_path(root)) < 0)
		_exit(127);
	if (!root_is_live(root)) {
		mount_for_program();
		if (chroot(".") < 0)
			_exit(126);
	}
	execve(argv[0], (char *const *)argv, (char *const *)environment);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* Take what is there to read; FALSE at the end. Only the end of long output is kept. */
static gboolean drain(int fd, GString *output)
{
	char chunk[4096];
	ssize_t got = TEMP_FAILURE_RETRY(read(fd, chunk, sizeof(chunk)));

	if (got <= 0)
		return got < 0 && errno == EAGAIN;
	if (!output)
		return TRUE;
	g_string_append_len(output, chunk, got);
	if (output->len > OUTPUT_MAX)
		g_string_erase(output, 0, output->len - OUTPUT_MAX / 2);
	return TRUE;
}

static int wait_for(pid_t pid, int fd, enum command_flags flags, GString *output)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	gboolean told = FALSE;
	int status;

	for (;;) {
		if (poll(&in, 1, in.fd < 0 ? 10 : TICK_MS) > 0 && !drain(fd, output))
			in.fd = -1;
		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		ui_step_tick();
		if (interrupted && (flags & COMMAND_INTERRUPTIBLE) && !told)
			told = kill(-pid, SIGTERM) == 0;
	}
	in.fd = fd;
	while (poll(&in, 1, 0) > 0 && (in.revents & POLLIN) && drain(fd, output))
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int command_run(const struct root *root, const char *const *argv, enum command_flags flags,
		GString *output, GError **err)
{
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		setup_fail_errno(err, SETUP_FAILED, "cannot run %s", argv[0]);
		return -1;
	}
	pid = fork();
	if (pid == 0)
		child(root, argv, ends[1]);
	int cause = errno;

	close(ends[1]);
	if (pid > 0) {
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		status = wait_for(pid, ends[0], flags, output);
	} else {
		errno = cause;
		status = -1;
		setup_fail_errno(err, SETUP_FAILED, "cannot run %s", argv[0]);
	}
	close(ends[0]);
	return status;
}

char *command_last_line(const GString *output)
{
	g_auto(GStrv) lines = g_strsplit(output->str, "\n", -1);

	for (int i = g_strv_length(lines) - 1; i >= 0; i--)
		if (*g_strstrip(lines[i]))
			return g_strdup(lines[i]);
	return g_strdup("it said nothing");
}
