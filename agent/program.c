/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "error.h"

/* Of what a program says, the end is what tells why it failed. */
#define OUTPUT_MAX 1024

static const char *const directories[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };

static char *find(const char *name)
{
	for (guint i = 0; i < G_N_ELEMENTS(directories); i++) {
		char *path = g_build_filename(directories[i], name, NULL);

		if (access(path, X_OK) == 0)
			return path;
		g_free(path);
	}
	return NULL;
}

gboolean program_exists(const char *name)
{
	g_autofree char *path = find(name);

	return path != NULL;
}

G_GNUC_NORETURN static void exec_program(const char *path, const char *const *argv, int in, int out)
{
	static char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
					     NULL };

	/* What shuts the system down outlives the agent. */
	prctl(PR_SET_PDEATHSIG, 0);
	child_become_ordinary();
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	child_close_others(-1, -1);
	execve(path, (char *const *)argv, environment);
	_exit(127);
}

static void feed(int fd, const char *input)
{
	gsize length = input ? strlen(input) : 0;

	signal(SIGPIPE, SIG_IGN);
	while (length > 0) {
		ssize_t n = write(fd, input, length);

		if (n < 0)
			break;
		input += n;
		length -= (gsize)n;
	}
	close(fd);
}

static void collect(int fd, GString *output)
{
	char bytes[512];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0) {
		g_string_append_len(output, bytes, n);
		if (output->len > OUTPUT_MAX)
			g_string_erase(output, 0, (gssize)output->len - OUTPUT_MAX);
	}
	close(fd);
	g_strchomp(output->str);
}

static gboolean check(const char *name, int status, const char *output, GError **error)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return TRUE;
	if (WIFSIGNALED(status))
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "%s was killed by signal %d",
			    name, WTERMSIG(status));
	else
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "%s ended with status %d%s%s",
			    name, WEXITSTATUS(status), *output ? ": " : "", output);
	return FALSE;
}

gboolean program_run(const char *const *argv, const char *input, GError **error)
{
	g_autofree char *path = find(argv[0]);
	g_autoptr(GString) output = g_string_new(NULL);
	int in[2], out[2], status;
	pid_t pid;

	if (!path)
		return agent_error_errno(error, ENOENT, "cannot run %s", argv[0]);
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		return agent_error_errno(error, errno, "cannot run %s", argv[0]);
	if (pid == 0)
		exec_program(path, argv, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	feed(in[1], input);
	collect(out[0], output);
	if (waitpid(pid, &status, 0) != pid)
		return agent_error_errno(error, errno, "cannot wait for %s", argv[0]);
	return check(argv[0], status, output->str, error);
}
