/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "error.h"
#include "helper.h"
#include "hook-places.h"

/* How long after its own time-out the runner is still believed to end by itself. */
#define GRACE_MS 10000
/* Of what the runner says, the end is what tells why it failed. */
#define OUTPUT_MAX 4096

static struct {
	char *runner;
	guint timeout_ms;
	const char *verb;
	hooks_done done;
	GPid pid;
	gboolean helped; /* it is not our child, but the helper's */
	int output;
	GString *text;
	guint source, timer, idle;
} state = { .output = -1 };

void hooks_init(const char *runner, guint timeout_ms)
{
	g_free(state.runner);
	state.runner = g_strdup(runner);
	state.timeout_ms = timeout_ms;
}

static void finish(GError *error)
{
	hooks_done done = state.done;

	state.done = NULL;
	state.pid = 0;
	state.helped = FALSE;
	g_clear_handle_id(&state.source, g_source_remove);
	g_clear_handle_id(&state.timer, g_source_remove);
	if (state.output >= 0)
		close(state.output);
	state.output = -1;
	done(error);
}

static gboolean read_output(void)
{
	char buffer[512];
	ssize_t n = read(state.output, buffer, sizeof(buffer));

	if (n <= 0)
		return n < 0 && errno == EINTR;
	g_string_append_len(state.text, buffer, n);
	if (state.text->len > OUTPUT_MAX)
		g_string_erase(state.text, 0, (gssize)state.text->len - OUTPUT_MAX);
	return TRUE;
}

static gboolean has_output(gint fd, GIOCondition condition, gpointer data)
{
	if (read_output() || errno == EAGAIN)
		return G_SOURCE_CONTINUE;
	state.source = 0;
	return G_SOURCE_REMOVE;
}

static GError *error_of(int wait_status)
{
	if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0)
		return NULL;
	if (WIFSIGNALED(wait_status))
		return g_error_new(AGENT_ERROR, AGENT_ERROR_GENERIC,
				   "cannot run the %s hooks: %s was killed by signal %d", state.verb,
				   state.runner, WTERMSIG(wait_status));
	g_strchomp(state.text->str);
	return g_error_new(AGENT_ERROR, AGENT_ERROR_GENERIC, "the %s hooks failed: %s", state.verb,
			   *state.text->str ? state.text->str : "no reason given");
}

static void exited(int wait_status, gpointer data)
{
	while (read_output())
		;
	finish(error_of(wait_status));
}

static gboolean too_long(gpointer data)
{
	state.timer = 0;
	kill(state.pid, SIGKILL);
	return G_SOURCE_REMOVE;
}

/* Between fork and exec: stdout and stderr are the pipe whose write end @data tells. */
static void redirect(gpointer data)
{
	signals_restore(NULL);
	dup2(GPOINTER_TO_INT(data), STDOUT_FILENO);
	dup2(GPOINTER_TO_INT(data), STDERR_FILENO);
}

/* Another program knows the verb and no option, as one for the QEMU guest agent does. */
static gboolean is_ours(void)
{
	return !strcmp(state.runner, HOOK_RUNNER);
}

static gboolean spawn(GError **error)
{
	g_autofree char *timeout = g_strdup_printf("--timeout=%u", state.timeout_ms / 1000);
	char *ours[] = { state.runner, timeout, (char *)state.verb, NULL };
	char *other[] = { state.runner, (char *)state.verb, NULL };
	gboolean ok;
	int pipes[2];

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return agent_error_errno(error, errno, "cannot run the %s hooks", state.verb);
	ok = g_spawn_async(NULL, is_ours() ? ours : other, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CLOEXEC_PIPES, redirect,
			   GINT_TO_POINTER(pipes[1]), &state.pid, error);
	close(pipes[1]);
	if (!ok) {
		close(pipes[0]);
		g_prefix_error(error, "cannot run the %s hooks: ", state.verb);
		return FALSE;
	}
	state.output = pipes[0];
	g_unix_set_fd_nonblocking(state.output, TRUE, NULL);
	state.source = g_unix_fd_add(state.output, G_IO_IN, has_output, NULL);
	return TRUE;
}

static gboolean no_hooks(gpointer data)
{
	state.idle = 0;
	finish(NULL);
	return G_SOURCE_REMOVE;
}

/* Starting our runner takes longer than a freeze, so it is not started for nothing. */
static gboolean has_work(void)
{
	if (!state.runner || access(state.runner, X_OK) < 0)
		return FALSE;
	return strcmp(state.runner, HOOK_RUNNER) != 0 || hook_places_any();
}

static void helper_ran(const char *text, gsize length, int fd, GError *error, gpointer data)
{
	finish(error);
}

static void helper_cancelled(const char *text, gsize length, int fd, GError *error, gpointer data)
{
	g_clear_error(&error);
}

static void ask_helper(void)
{
	json_t *arguments = json_pack("{s:s}", "verb", state.verb);

	state.helped = TRUE;
	helper_ask(HELPER_RUN_HOOKS, arguments, helper_ran, NULL);
	json_decref(arguments);
}

static void cancel_helper(void)
{
	json_t *none = json_object();

	helper_ask(HELPER_CANCEL_HOOKS, none, helper_cancelled, NULL);
	json_decref(none);
}

void hooks_run(const char *verb, hooks_done done)
{
	GError *error = NULL;

	state.verb = verb;
	state.done = done;
	if (!has_work()) {
		state.idle = g_idle_add(no_hooks, NULL);
		return;
	}
	if (helper_is_used()) {
		ask_helper();
		return;
	}
	if (!state.text)
		state.text = g_string_new(NULL);
	g_string_truncate(state.text, 0);
	if (!spawn(&error)) {
		finish(error);
		return;
	}
	state.timer = g_timeout_add(state.timeout_ms + (is_ours() ? GRACE_MS : 0), too_long, NULL);
	child_watch(state.pid, exited, NULL);
}

void hooks_cancel(void)
{
	if (state.helped)
		cancel_helper();
	else if (state.pid > 0)
		kill(state.pid, SIGTERM);
}
