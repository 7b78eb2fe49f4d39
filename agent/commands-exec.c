/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs of the guest, run for the host; what they say is kept until it asks. */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "encode.h"
#include "error.h"

#define OUTPUT_MAX (16 * 1024 * 1024)
/* All output together that is kept for a host that does not ask. */
#define ALL_OUTPUT_MAX (64 * 1024 * 1024)
#define PROGRAMS_MAX   128

enum { IN, OUT, ERR, STREAMS };

/* A pipe to or from a program. */
struct stream {
	int fd;
	guint source;
	GByteArray *bytes;
	gsize written; /* of the input's */
	gboolean truncated;
};

struct program {
	struct stream streams[STREAMS];
	int failure; /* pipe that ends when the program is executed, or brings an errno */
	guint failure_source;
	struct request *request; /* of guest-exec, until then */
	char *path;
	pid_t pid;
	gboolean exited;
	int status;
};

/* What becomes of standard output and error. */
static const struct mode {
	const char *name;
	gboolean out, err, merged;
} capture_modes[] = {
	{ "none" },
	{ "stdout", .out = TRUE },
	{ "stderr", .err = TRUE },
	{ "separated", .out = TRUE, .err = TRUE },
	{ "merged", .out = TRUE, .merged = TRUE },
};

static GQueue programs = G_QUEUE_INIT; /* oldest first */
static gsize all_output;

static void stream_close(struct stream *stream)
{
	g_clear_handle_id(&stream->source, g_source_remove);
	if (stream->fd >= 0)
		close(stream->fd);
	stream->fd = -1;
}

static void program_free(struct program *program)
{
	g_queue_remove(&programs, program);
	for (guint i = 0; i < STREAMS; i++) {
		stream_close(&program->streams[i]);
		if (i != IN && program->streams[i].bytes)
			all_output -= program->streams[i].bytes->len;
		g_clear_pointer(&program->streams[i].bytes, g_byte_array_unref);
	}
	g_free(program->path);
	g_free(program);
}

/* Also when a child of the program still holds its output: as QEMU's agent has it. */
static gboolean is_over(const struct program *program)
{
	return program->exited && !program->request && program->streams[OUT].fd < 0 &&
	       program->streams[ERR].fd < 0;
}

static struct program *find(gint64 pid)
{
	for (GList *link = programs.head; link; link = link->next) {
		struct program *program = link->data;

		if (program->pid == pid && program->path && !program->request)
			return program;
	}
	return NULL;
}

/* One that ended long ago and nobody asked for makes room for a new one. */
static gboolean make_room(GError **error)
{
	if (g_queue_get_length(&programs) < PROGRAMS_MAX)
		return TRUE;
	for (GList *link = programs.head; link; link = link->next)
		if (is_over(link->data)) {
			program_free(link->data);
			return TRUE;
		}
	g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
		    "cannot run the program: %d others are running", PROGRAMS_MAX);
	return FALSE;
}

/* --- input and output ------------------------------------------------------ */

static void keep(struct stream *stream, const guint8 *bytes, gsize length)
{
	gsize room = MIN(OUTPUT_MAX - stream->bytes->len, ALL_OUTPUT_MAX - all_output);

	if (length > room)
		stream->truncated = TRUE;
	length = MIN(length, room);
	g_byte_array_append(stream->bytes, bytes, (guint)length);
	all_output += length;
}

static gboolean has_output(gint fd, GIOCondition condition, gpointer data)
{
	struct stream *stream = data;
	guint8 bytes[16 * 1024];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	if (n > 0) {
		/* What is too much is read all the same, or the program would wait for us. */
		keep(stream, bytes, (gsize)n);
		return G_SOURCE_CONTINUE;
	}
	stream->source = 0;
	stream_close(stream);
	return G_SOURCE_REMOVE;
}

static gboolean takes_input(gint fd, GIOCondition condition, gpointer data)
{
	struct stream *stream = data;
	gsize left = stream->bytes->len - stream->written;
	ssize_t n = left > 0 ? write(fd, stream->bytes->data + stream->written, left) : 0;

	if (n > 0)
		stream->written += (gsize)n;
	if (n < 0 ? errno == EAGAIN || errno == EINTR : stream->written < stream->bytes->len)
		return G_SOURCE_CONTINUE;
	stream->source = 0;
	stream_close(stream);
	g_clear_pointer(&stream->bytes, g_byte_array_unref);
	return G_SOURCE_REMOVE;
}

static void exited(int wait_status, gpointer data)
{
	struct program *program = data;

	program->exited = TRUE;
	program->status = wait_status;
	/* The pipe to it would wait for a reader for ever, if a child of it has it. */
	stream_close(&program->streams[IN]);
	if (!program->request && !program->path)
		program_free(program);
}

/* --- start ------------------------------------------------------------------ */

static char **strings(json_t *first, json_t *list)
{
	GPtrArray *array = g_ptr_array_new();
	json_t *item;
	size_t i;

	if (first)
		g_ptr_array_add(array, g_strdup(json_string_value(first)));
	json_array_foreach (list, i, item)
		g_ptr_array_add(array, g_strdup(json_string_value(item)));
	g_ptr_array_add(array, NULL);
	return (char **)g_ptr_array_free(array, FALSE);
}

static gboolean find_mode(json_t *value, const struct mode **mode, GError **error)
{
	const char *name = json_string_value(value);

	if (!value || json_is_boolean(value))
		name = json_is_true(value) ? "separated" : "none";
	for (guint i = 0; name && i < G_N_ELEMENTS(capture_modes); i++)
		if (!strcmp(capture_modes[i].name, name)) {
			*mode = &capture_modes[i];
			return TRUE;
		}
	if (name)
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "Parameter 'capture-output' does not accept value '%s'", name);
	else
		g_set_error_literal(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
				    "Invalid parameter type for 'capture-output', expected: "
				    "GuestExecCaptureOutput");
	return FALSE;
}

static gboolean take_input(struct program *program, json_t *value, GError **error)
{
	gsize length;
	char *bytes;

	if (!value)
		return TRUE;
	bytes = decode_base64(json_string_value(value), &length, error);
	if (bytes)
		program->streams[IN].bytes = g_byte_array_new_take((guint8 *)bytes, length);
	return bytes != NULL;
}

/* A pipe for each stream that has one. @theirs: the program's ends, -1 for /dev/null. */
static gboolean make_pipes(struct program *program, int theirs[STREAMS], int *failure)
{
	int pipes[2];

	for (guint i = 0; i < STREAMS; i++) {
		if (!program->streams[i].bytes)
			continue;
		if (pipe2(pipes, O_CLOEXEC) < 0)
			return FALSE;
		program->streams[i].fd = pipes[i == IN ? 1 : 0];
		theirs[i] = pipes[i == IN ? 0 : 1];
		g_unix_set_fd_nonblocking(program->streams[i].fd, TRUE, NULL);
	}
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return FALSE;
	program->failure = pipes[0];
	*failure = pipes[1];
	return TRUE;
}

static void say_failure(int fd)
{
	int errnum = errno;

	if (write(fd, &errnum, sizeof(errnum)) < 0)
		_exit(126);
	_exit(127);
}

G_GNUC_NORETURN static void exec_program(char **argv, char **environment, const int fds[STREAMS],
					 gboolean merged, int failure)
{
	int null = open("/dev/null", O_RDWR);

	child_become_ordinary();
	setsid();
	for (int i = 0; i < STREAMS; i++)
		if (dup2(fds[i] >= 0 ? fds[i] : null, i) < 0)
			say_failure(failure);
	if (merged)
		dup2(STDOUT_FILENO, STDERR_FILENO);
	/* Also what the agent was started with, such as a socket of systemd's. */
	child_close_others(failure, -1);
	execvpe(argv[0], argv, environment);
	say_failure(failure);
	_exit(127);
}

static GError *start_error(const struct program *program, int errnum)
{
	return g_error_new(AGENT_ERROR, AGENT_ERROR_GENERIC,
			   "Failed to execute child process “%s” (%s)",
			   program->path, g_strerror(errnum));
}

/* Its error pipe has ended: it runs, or it never will. */
static gboolean is_executed(gint fd, GIOCondition condition, gpointer data)
{
	struct program *program = data;
	struct request *request = program->request;
	int errnum;

	program->failure_source = 0;
	program->request = NULL;
	if (read(fd, &errnum, sizeof(errnum)) == sizeof(errnum)) {
		request_fail(request, start_error(program, errnum));
		/* exited() frees it, or already came. */
		g_clear_pointer(&program->path, g_free);
		close(fd);
		if (program->exited)
			program_free(program);
		return G_SOURCE_REMOVE;
	}
	close(fd);
	request_return(request, json_pack("{s:I}", "pid", (json_int_t)program->pid));
	return G_SOURCE_REMOVE;
}

static void watch(struct program *program)
{
	struct program *before = find(program->pid);

	/* The kernel gives a number again; who had it before has waited long enough. */
	if (before)
		program_free(before);
	for (guint i = 0; i < STREAMS; i++) {
		struct stream *stream = &program->streams[i];

		if (stream->fd >= 0)
			stream->source = g_unix_fd_add(stream->fd, i == IN ? G_IO_OUT : G_IO_IN,
						       i == IN ? takes_input : has_output, stream);
	}
	program->failure_source = g_unix_fd_add(program->failure, G_IO_IN, is_executed, program);
	child_watch(program->pid, exited, program);
}

static gboolean spawn(struct program *program, json_t *arguments, gboolean merged)
{
	json_t *env = json_object_get(arguments, "env");
	g_auto(GStrv) argv =
		strings(json_object_get(arguments, "path"), json_object_get(arguments, "arg"));
	g_auto(GStrv) environment = env ? strings(NULL, env) : g_get_environ();
	int theirs[STREAMS] = { -1, -1, -1 }, failure = -1, errnum = 0;

	if (!make_pipes(program, theirs, &failure) || (program->pid = fork()) < 0)
		errnum = errno;
	else if (program->pid == 0)
		exec_program(argv, environment, theirs, merged, failure);
	for (guint i = 0; i < STREAMS; i++)
		if (theirs[i] >= 0)
			close(theirs[i]);
	if (failure >= 0)
		close(failure);
	errno = errnum;
	return errnum == 0;
}

static struct program *program_new(const char *path, const struct mode *mode)
{
	struct program *program = g_new0(struct program, 1);

	program->path = g_strdup(path);
	program->failure = -1;
	for (guint i = 0; i < STREAMS; i++)
		program->streams[i].fd = -1;
	if (mode->out)
		program->streams[OUT].bytes = g_byte_array_new();
	if (mode->err)
		program->streams[ERR].bytes = g_byte_array_new();
	g_queue_push_tail(&programs, program);
	return program;
}

static void exec_run(struct request *request, json_t *arguments)
{
	const struct mode *mode;
	struct program *program;
	GError *error = NULL;

	if (!make_room(&error) ||
	    !find_mode(json_object_get(arguments, "capture-output"), &mode, &error)) {
		request_fail(request, error);
		return;
	}
	program = program_new(json_string_value(json_object_get(arguments, "path")), mode);
	if (take_input(program, json_object_get(arguments, "input-data"), &error) &&
	    !spawn(program, arguments, mode->merged))
		error = start_error(program, errno);
	if (error) {
		if (program->failure >= 0)
			close(program->failure);
		program_free(program);
		request_fail(request, error);
		return;
	}
	program->request = request;
	watch(program);
}

/* --- status ------------------------------------------------------------------ */

static void add_output(json_t *object, const struct stream *stream, const char *data,
		       const char *truncated)
{
	if (!stream->bytes || stream->bytes->len == 0)
		return;
	json_object_set_new(object, data, encode_base64(stream->bytes->data, stream->bytes->len));
	json_object_set_new(object, truncated, json_boolean(stream->truncated));
}

static json_t *status_of(const struct program *program)
{
	json_t *object = json_pack("{s:b}", "exited", is_over(program));

	if (!is_over(program))
		return object;
	if (WIFEXITED(program->status))
		json_object_set_new(object, "exitcode", json_integer(WEXITSTATUS(program->status)));
	else
		json_object_set_new(object, "signal", json_integer(WTERMSIG(program->status)));
	add_output(object, &program->streams[OUT], "out-data", "out-truncated");
	add_output(object, &program->streams[ERR], "err-data", "err-truncated");
	return object;
}

static void status_run(struct request *request, json_t *arguments)
{
	gint64 pid = json_integer_value(json_object_get(arguments, "pid"));
	struct program *program = find(pid);

	if (!program) {
		request_fail(request, g_error_new(AGENT_ERROR, AGENT_ERROR_GENERIC,
						  "PID %" PRId64 " does not exist", pid));
		return;
	}
	json_t *object = status_of(program);

	if (is_over(program))
		program_free(program);
	request_return(request, object);
}

static const struct command rows[] = {
	{ "guest-exec",
	  exec_run,
	  COMMAND_HELPED,
	  "run a program of the guest",
	  { { "path", ARGUMENT_STRING },
	    { "arg", ARGUMENT_STRINGS, TRUE },
	    { "env", ARGUMENT_STRINGS, TRUE },
	    { "input-data", ARGUMENT_STRING, TRUE },
	    { "capture-output", ARGUMENT_ANY, TRUE } } },
	{ "guest-exec-status",
	  status_run,
	  COMMAND_HELPED | COMMAND_QUIET,
	  "what became of it, and what it said",
	  { { "pid", ARGUMENT_INT } } },
};

const struct command_table commands_exec = COMMAND_TABLE(rows);
