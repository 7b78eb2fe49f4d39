// SPDX-License-Identifier: GPL-2.0-or-later
#include "selftest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "error.h"
#include "scratch.h"
#include "ui.h"

#define AGENT	    "/usr/sbin/guest-tools-agent"
#define SOCKET	    SCRATCH_BASE "/guest-tools-scratch.socket"
#define CONFIG	    SCRATCH_BASE "/guest-tools-scratch.conf"
#define PROBE	    SCRATCH_DIR "/probe"
#define DEADLINE    "10" /* seconds, after which the agent thaws by itself */
#define PATIENCE_MS 8000 /* for each answer */
#define BLOCKED_MS  500	 /* a write that waited for so long is held back */

struct selftest {
	struct scratch scratch;
	pid_t agent, writer;
	int socket;
	GString *input; /* what came and was not taken yet */
};

/* A child that the kernel kills when we end. */
static pid_t fork_tied(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	return 0;
}

static void start_agent(struct selftest *test)
{
	const char *const argv[] = { AGENT, "--config=" CONFIG, "--method=unix-listen",
				     "--path=" SOCKET, "--freeze-timeout=" DEADLINE,
				     "--fsfreeze-hook=", NULL };
	const char *const environment[] = { "LC_ALL=C", NULL };
	int null;

	test->agent = fork_tied();
	if (test->agent != 0)
		return;
	null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	execve(AGENT, (char *const *)argv, (char *const *)environment);
	_exit(127);
}

/* Has it ended, within @ms? */
static gboolean has_ended(pid_t pid, int ms, int *status)
{
	for (int waited = 0;; waited += 10) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return TRUE;
		if (waited >= ms)
			return FALSE;
		g_usleep(10 * 1000);
	}
}

static gboolean reach_agent(struct selftest *test, GError **err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = SOCKET };
	int status;

	/* The one of the system may name hooks, and commands that are refused. */
	if (!g_file_set_contents(CONFIG, "[general]\n", -1, NULL))
		return setup_fail_errno(err, SETUP_REFUSED, "cannot write %s", CONFIG);
	start_agent(test);
	test->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	for (int waited = 0; waited < PATIENCE_MS; waited += 10) {
		if (connect(test->socket, (struct sockaddr *)&address, sizeof(address)) == 0)
			return TRUE;
		if (test->agent < 0 || has_ended(test->agent, 10, &status)) {
			test->agent = -1;
			return setup_fail(err, SETUP_NOT_WORKING, "cannot run " AGENT ": it ended at "
								  "once");
		}
	}
	return setup_fail_errno(err, SETUP_NOT_WORKING, "cannot reach " AGENT);
}

/* The next line that it sends, without its end; NULL after too long. */
static char *next_line(struct selftest *test)
{
	gint64 end = g_get_monotonic_time() + PATIENCE_MS * 1000;
	struct pollfd in = { .fd = test->socket, .events = POLLIN };

	for (;;) {
		const char *newline = strchr(test->input->str, '\n');
		char chunk[1024];

		if (newline) {
			char *line = g_strndup(test->input->str, newline - test->input->str);

			g_string_erase(test->input, 0, newline + 1 - test->input->str);
			return line;
		}
		gint64 left = (end - g_get_monotonic_time()) / 1000;
		ssize_t got = left > 0 && poll(&in, 1, left) > 0 ? read(in.fd, chunk, sizeof(chunk)) :
								   -1;

		if (got <= 0)
			return NULL;
		g_string_append_len(test->input, chunk, got);
	}
}

/* What it returns to a command; takes @arguments; NULL with @err */
static json_t *ask(struct selftest *test, const char *command, json_t *arguments, GError **err)
{
	json_t *request = json_pack("{s:s, s:o}", "execute", command, "arguments", arguments);
	char *text = json_dumps(request, JSON_COMPACT);
	g_autofree char *line = g_strconcat(text, "\n", NULL);

	free(text);
	json_decref(request);
	gboolean sent = send(test->socket, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line);
	g_autofree char *reply = sent ? next_line(test) : NULL;
	json_t *answer = reply ? json_loads(reply, 0, NULL) : NULL;
	json_t *value = json_incref(json_object_get(answer, "return"));
	const char *why = json_string_value(
		json_object_get(json_object_get(answer, "error"), "desc"));

	if (!value)
		setup_fail(err, SETUP_NOT_WORKING, "cannot %s: the agent says: %s", command,
			   why ? why : reply ? reply : "nothing");
	json_decref(answer);
	return value;
}

/* As ask(), for what returns the number of file systems, which must be one. */
static gboolean ask_for_one(struct selftest *test, const char *command, json_t *arguments,
			    GError **err)
{
	json_t *value = ask(test, command, arguments, err);
	json_int_t count = json_integer_value(value);
	gboolean given = value != NULL;

	json_decref(value);
	return given && (count == 1 ||
			 setup_fail(err, SETUP_NOT_WORKING,
				    "cannot %s: it was done to %d file systems, not to one", command,
				    (int)count));
}

static void start_writer(struct selftest *test)
{
	int fd;

	test->writer = fork_tied();
	if (test->writer != 0)
		return;
	fd = open(PROBE, O_WRONLY | O_CREAT, 0600);
	_exit(fd >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0 ? 0 : 1);
}

static gboolean thaw_and_see(struct selftest *test, GError **err)
{
	int status;

	if (!ask_for_one(test, "guest-fsfreeze-thaw", json_object(), err))
		return FALSE;
	if (!has_ended(test->writer, PATIENCE_MS, &status))
		return setup_fail(err, SETUP_NOT_WORKING, "cannot write to " PROBE
							  ": it is still held back after the thaw");
	test->writer = -1;
	return status == 0 || setup_fail(err, SETUP_NOT_WORKING, "cannot write to " PROBE
								 ": it failed after the thaw");
}

static gboolean freeze_and_thaw(struct selftest *test, json_t *result, GError **err)
{
	json_t *info;
	int status;

	if (!ask_for_one(test, "guest-fsfreeze-freeze-list",
			 json_pack("{s:[s]}", "mountpoints", SCRATCH_DIR), err))
		return FALSE;
	info = ask(test, "guest-tools-fsfreeze-info", json_object(), err);
	if (!info)
		return FALSE;
	json_object_set(result, "engine", json_object_get(info, "engine"));
	json_decref(info);
	start_writer(test);
	if (has_ended(test->writer, BLOCKED_MS, &status)) {
		test->writer = -1;
		return setup_fail(err, SETUP_NOT_WORKING, "cannot hold back a write to " PROBE
							  ": it was done while frozen");
	}
	return thaw_and_see(test, err);
}

/* In this order: an agent that is killed thaws, and what it does not we do. */
static void end(struct selftest *test)
{
	int status;

	if (test->socket >= 0)
		close(test->socket);
	if (test->agent > 0 && kill(test->agent, SIGTERM) == 0 &&
	    !has_ended(test->agent, 2000, &status) && kill(test->agent, SIGKILL) == 0)
		has_ended(test->agent, PATIENCE_MS, &status);
	scratch_clear(&test->scratch);
	if (test->writer > 0 && kill(test->writer, SIGKILL) == 0)
		has_ended(test->writer, PATIENCE_MS, &status);
	g_string_free(test->input, TRUE);
}

static gboolean try(const struct context *c, json_t *result, GError **err)
{
	struct selftest test = { .scratch = { .fd = -1 }, .agent = -1, .writer = -1, .socket = -1 };
	gboolean good;

	if (!root_is_live(c->root))
		return setup_fail(err, SETUP_REFUSED, "cannot try to freeze: %s is not the running "
						      "system", root_path(c->root));
	if (!root_is_executable(c->root, AGENT))
		return setup_fail(err, SETUP_REFUSED, "cannot try to freeze: " AGENT " is not there");
	if (!check_privilege(c->root, err))
		return FALSE;
	test.input = g_string_new(NULL);
	good = scratch_make(c->root, &test.scratch, err) && reach_agent(&test, err) &&
	       freeze_and_thaw(&test, result, err);
	if (test.scratch.type)
		json_object_set_new(result, "file_system", json_string(test.scratch.type));
	end(&test);
	return good;
}

gboolean selftest_run(const struct context *c, json_t *document, GError **err)
{
	gint64 start = g_get_monotonic_time();
	json_t *result = json_object();
	g_autoptr(GError) problem = NULL;
	gboolean good = try(c, result, &problem);
	const char *word = good ? "works" : problem->code == SETUP_REFUSED ? "cannot" : "fails";

	json_object_set_new(result, "result", json_string(word));
	json_object_set_new(result, "seconds",
			    json_real((g_get_monotonic_time() - start) / 1e6));
	json_object_set_new(document, "self_test", result);
	if (good) {
		ui_say("Self-test: works: a write to a small %s waited while it was frozen, by the %s "
		       "engine", json_string_value(json_object_get(result, "file_system")),
		       json_string_value(json_object_get(result, "engine")));
		return TRUE;
	}
	g_propagate_prefixed_error(err, g_steal_pointer(&problem), "self-test: ");
	return FALSE;
}
