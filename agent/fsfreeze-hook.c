/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hook runner: calls applications before a freeze and after a thaw, for the
 * agent and for the kernel alike. fsfreeze-hook(8) is the contract.
 *
 * Each hook is put on record below /run before it is started, so that a thaw,
 * also one by another process after this one was killed, reaches exactly the
 * hooks whose freeze was begun.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hook-places.h"

/* Exit statuses, as fsfreeze-hook(8) lists them. */
enum { STATUS_OK = 0, STATUS_HOOK_FAILED = 1, STATUS_USAGE = 2 };

/* Between asking a hook to end and ending it. */
#define TERM_GRACE_MS 2000
/* Output is passed on; the last line of it is also what a failure quotes. */
#define LAST_LINE_MAX 200

static struct {
	char *directory;
	char *record;
	int hook_timeout; /* s */
	int timeout;      /* s */
	int signals;      /* signalfd for SIGCHLD, SIGTERM and SIGINT */
	gint64 end;       /* monotonic us, of all hooks together */
	gboolean stopped; /* by a signal */
} runner = { .hook_timeout = 30, .timeout = 60 };

static const GOptionEntry options[] = {
	{ "directory", 'd', 0, G_OPTION_ARG_FILENAME, &runner.directory, "only the hooks in DIR", "DIR" },
	{ "record", 0, 0, G_OPTION_ARG_FILENAME, &runner.record,
	  "where begun hooks are on record [" HOOK_RECORD "]", "FILE" },
	{ "hook-timeout", 0, 0, G_OPTION_ARG_INT, &runner.hook_timeout,
	  "end a hook after this many seconds [30]", "S" },
	{ "timeout", 0, 0, G_OPTION_ARG_INT, &runner.timeout,
	  "end all hooks after this many seconds [60]", "S" },
	{ NULL },
};

/* --- which hooks -------------------------------------------------------- */

/* Whoever can write a hook can become root through it. */
static gboolean is_trusted(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		fprintf(stderr, "cannot use hook %s: %s\n", path, g_strerror(errno));
		return FALSE;
	}
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH))) {
		fprintf(stderr, "cannot use hook %s: others than root can write it\n", path);
		return FALSE;
	}
	return TRUE;
}

static gboolean add_directory(GPtrArray *hooks, const char *directory)
{
	g_autoptr(GPtrArray) found = hook_directory_list(directory);
	gboolean ok = TRUE;

	if (found->len > 0)
		ok = is_trusted(directory);
	for (guint i = 0; i < found->len; i++) {
		ok = ok && is_trusted(g_ptr_array_index(found, i));
		g_ptr_array_add(hooks, g_strdup(g_ptr_array_index(found, i)));
	}
	return ok;
}

static gboolean add_place(GPtrArray *hooks, const struct hook_place *place)
{
	if (place->unless && hook_is_program(place->unless))
		return TRUE;
	if (place->is_directory)
		return add_directory(hooks, place->path);
	if (!hook_is_program(place->path))
		return TRUE;
	g_ptr_array_add(hooks, g_strdup(place->path));
	return is_trusted(place->path);
}

/* All hooks, in the order of freezing; FALSE when one of them must not be run. */
static gboolean find_hooks(GPtrArray *hooks)
{
	gboolean ok = TRUE;

	if (runner.directory)
		return add_directory(hooks, runner.directory);
	for (const struct hook_place *place = hook_places; place->path; place++)
		ok = add_place(hooks, place) && ok;
	return ok;
}

/* --- the record --------------------------------------------------------- */

static gboolean record_begun(const char *hook)
{
	g_autofree char *line = g_strdup_printf("%s\n", hook);
	int fd = open(runner.record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	gboolean ok = fd >= 0 && write(fd, line, strlen(line)) == (ssize_t)strlen(line);

	if (!ok)
		fprintf(stderr, "cannot record hook %s in %s: %s\n", hook, runner.record,
			g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

/* The hooks on record, which is then empty; NULL when there are none. */
static char **take_record(void)
{
	g_autofree char *text = NULL;

	if (!g_file_get_contents(runner.record, &text, NULL, NULL))
		return NULL;
	unlink(runner.record);
	g_strchomp(text);
	return g_strsplit(text, "\n", -1);
}

/* --- running one -------------------------------------------------------- */

struct run {
	const char *hook;
	pid_t pid;
	int output;
	GString *line; /* the last line of output */
	gint64 end;    /* monotonic us */
	gboolean asked_to_end;
	gboolean timed_out;
};

static _Noreturn void become(const char *hook, const char *verb, int output)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	dup2(output, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execl(hook, hook, verb, (char *)NULL);
	fprintf(stderr, "cannot run: %s\n", g_strerror(errno));
	_exit(127);
}

static gboolean run_start(struct run *run, const char *verb)
{
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return FALSE;
	run->pid = fork();
	if (run->pid == 0)
		become(run->hook, verb, pipes[1]);
	close(pipes[1]);
	run->output = pipes[0];
	fcntl(run->output, F_SETFL, O_NONBLOCK);
	return run->pid > 0;
}

static void keep_last_line(struct run *run, const char *bytes, gsize length)
{
	for (gsize i = 0; i < length; i++) {
		if (run->line->len > 0 && run->line->str[run->line->len - 1] == '\n')
			g_string_truncate(run->line, 0);
		if (run->line->len < LAST_LINE_MAX || bytes[i] == '\n')
			g_string_append_c(run->line, bytes[i]);
	}
}

static void run_read(struct run *run)
{
	char bytes[1024];
	ssize_t n;

	while ((n = read(run->output, bytes, sizeof(bytes))) > 0) {
		keep_last_line(run, bytes, (gsize)n);
		if (write(STDOUT_FILENO, bytes, (size_t)n) < 0)
			continue; /* nobody listens; the hook need not know */
	}
	if (n == 0) {
		close(run->output);
		run->output = -1;
	}
}

static void run_end_early(struct run *run)
{
	kill(-run->pid, run->asked_to_end ? SIGKILL : SIGTERM);
	run->asked_to_end = TRUE;
	run->end = g_get_monotonic_time() + TERM_GRACE_MS * 1000;
}

static void run_signal(struct run *run)
{
	struct signalfd_siginfo info;

	if (read(runner.signals, &info, sizeof(info)) == sizeof(info) && info.ssi_signo != SIGCHLD) {
		runner.stopped = TRUE;
		run_end_early(run);
	}
}

/* Waits for the hook alone: what it left in the background may keep its output open. */
static int run_wait(struct run *run)
{
	int status;

	while (waitpid(run->pid, &status, WNOHANG) != run->pid) {
		struct pollfd fds[] = { { .fd = runner.signals, .events = POLLIN },
					{ .fd = run->output, .events = POLLIN } };
		gint64 left = (run->end - g_get_monotonic_time()) / 1000 + 1;

		if (poll(fds, 2, (int)MAX(left, 0)) == 0) {
			run->timed_out = TRUE;
			run_end_early(run);
		}
		if (fds[0].revents)
			run_signal(run);
		if (fds[1].revents)
			run_read(run);
	}
	if (run->output >= 0)
		run_read(run);
	return status;
}

static gboolean run_report(const struct run *run, const char *verb, int status)
{
	g_autofree char *last = g_strchomp(g_strdup(run->line->str));

	if (!run->timed_out && !runner.stopped && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return TRUE;
	fprintf(stderr, "hook %s %s ", run->hook, verb);
	if (run->timed_out)
		fprintf(stderr, "took too long and was ended");
	else if (runner.stopped)
		fprintf(stderr, "was stopped");
	else if (WIFSIGNALED(status))
		fprintf(stderr, "was killed by signal %d", WTERMSIG(status));
	else
		fprintf(stderr, "failed with status %d", WEXITSTATUS(status));
	fprintf(stderr, "%s%s\n", *last ? ": " : "", last);
	return FALSE;
}

static gboolean run_hook(const char *hook, const char *verb, gint64 end)
{
	struct run run = { .hook = hook, .output = -1, .line = g_string_new(NULL) };
	gboolean ok = FALSE;

	run.end = MIN(end, g_get_monotonic_time() + runner.hook_timeout * G_USEC_PER_SEC);
	if (run_start(&run, verb))
		ok = run_report(&run, verb, run_wait(&run));
	else
		fprintf(stderr, "cannot run hook %s: %s\n", hook, g_strerror(errno));
	if (run.output >= 0)
		close(run.output);
	g_string_free(run.line, TRUE);
	return ok;
}

/* --- the verbs ---------------------------------------------------------- */

/* In reverse, all of them, whatever becomes of each. */
static int thaw(void)
{
	g_auto(GStrv) hooks = take_record();
	int status = STATUS_OK;

	/* A stop ends a freeze; it must not keep applications from being let go. */
	runner.stopped = FALSE;
	runner.end = g_get_monotonic_time() + runner.timeout * G_USEC_PER_SEC;
	for (guint i = hooks ? g_strv_length(hooks) : 0; i-- > 0;)
		if (!run_hook(hooks[i], "thaw", runner.end))
			status = STATUS_HOOK_FAILED;
	return status;
}

static int freeze(void)
{
	g_autoptr(GPtrArray) hooks = g_ptr_array_new_with_free_func(g_free);

	/* Left by a freeze that nobody thawed: those hooks are let go first. */
	thaw();
	if (!find_hooks(hooks))
		return STATUS_HOOK_FAILED;
	runner.end = g_get_monotonic_time() + runner.timeout * G_USEC_PER_SEC;
	for (guint i = 0; i < hooks->len; i++) {
		const char *hook = g_ptr_array_index(hooks, i);

		if (record_begun(hook) && run_hook(hook, "freeze", runner.end))
			continue;
		thaw();
		return STATUS_HOOK_FAILED;
	}
	return STATUS_OK;
}

struct verb {
	const char *name;
	int (*run)(void);
};

static const struct verb verbs[] = { { "freeze", freeze }, { "thaw", thaw } };

static gboolean watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	runner.signals = signalfd(-1, &set, SFD_CLOEXEC);
	return runner.signals >= 0;
}

static int run_verb(const char *name)
{
	for (guint i = 0; i < G_N_ELEMENTS(verbs); i++)
		if (!strcmp(verbs[i].name, name))
			return verbs[i].run();
	fprintf(stderr, "fsfreeze-hook: no verb '%s'; there are: freeze, thaw\n", name);
	return STATUS_USAGE;
}

/*
 * Called by the kernel, no descriptor is open, and the next ones opened would be
 * taken for standard input and output. What is said goes to the kernel's log.
 */
static void open_standard_files(void)
{
	int fd = open("/dev/null", O_RDWR);

	while (fd >= 0 && fd < STDERR_FILENO)
		fd = open(fd + 1 == STDERR_FILENO ? "/dev/kmsg" : "/dev/null", O_RDWR);
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	g_autoptr(GOptionContext) context = g_option_context_new("freeze|thaw");
	g_autoptr(GError) error = NULL;

	open_standard_files();
	g_option_context_add_main_entries(context, options, NULL);
	g_option_context_set_summary(context, "Runs the hooks of applications around a freeze.");
	if (!g_option_context_parse(context, &argc, &argv, &error) || argc != 2 ||
	    runner.hook_timeout < 1 || runner.timeout < 1) {
		fprintf(stderr, "fsfreeze-hook: %s\nTry 'fsfreeze-hook --help'.\n",
			error ? error->message : "expecting one verb, and times of at least 1 s");
		return STATUS_USAGE;
	}
	if (!runner.record) {
		g_mkdir_with_parents(HOOK_RUN_DIRECTORY, 0755);
		runner.record = g_strdup(HOOK_RECORD);
	}
	if (!watch_signals()) {
		fprintf(stderr, "fsfreeze-hook: cannot watch signals: %s\n", g_strerror(errno));
		return STATUS_HOOK_FAILED;
	}
	return run_verb(argv[1]);
}
