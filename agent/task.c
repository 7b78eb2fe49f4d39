/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "task.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "child.h"
#include "command.h"
#include "error.h"

/* No result is longer: 48 MiB of a file in base64, and what is around them. */
#define RESULT_MAX (72 * 1024 * 1024)
/* So many may hang on something before no more are started. */
#define TASKS_MAX 16

/* The first byte of what a child says; the rest is JSON or a message. */
enum { RESULT = 'R', ERROR = 'E' };

struct task {
	pid_t pid;
	int socket, fd;
	GByteArray *text;
	guint source, timer;
	task_done done;
	gpointer data;
};

static guint running;

/* --- in the child -------------------------------------------------------- */

void task_write(struct task_io *io, const char *text, gsize length)
{
	static const char result = RESULT;

	if (!io->started) {
		io->started = TRUE;
		task_write(io, &result, 1);
	}
	while (length > 0) {
		ssize_t n = send(io->out, text, length, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			_exit(1);
		text += n;
		length -= (gsize)n;
	}
}

static int write_piece(const char *text, size_t length, void *io)
{
	task_write(io, text, length);
	return 0;
}

static void send_error(struct task_io *io, const GError *error)
{
	static const char tag = ERROR;

	io->started = TRUE;
	task_write(io, &tag, 1);
	task_write(io, error->message, strlen(error->message));
}

/* A descriptor travels with the first byte of the result. */
static void send_fd(struct task_io *io)
{
	char tag = RESULT;
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	struct iovec part = { &tag, 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = CMSG_LEN(sizeof(int)) };

	memcpy(CMSG_DATA(&control.header), &io->fd, sizeof(int));
	if (sendmsg(io->out, &message, MSG_NOSIGNAL) != 1)
		_exit(1);
	io->started = TRUE;
}

G_GNUC_NORETURN static void child_main(struct task_io *io, pid_t agent, task_run run,
				       json_t *arguments)
{
	GError *error = NULL;
	int given = io->fd;
	json_t *value;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != agent)
		_exit(1);
	signals_restore(NULL);
	child_close_others(io->out, io->fd);
	value = run(io, arguments, &error);
	if (error)
		send_error(io, error);
	else if (io->fd >= 0 && io->fd != given)
		send_fd(io);
	if (value)
		json_dump_callback(value, write_piece, io, JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
	_exit(0);
}

/* --- in the agent -------------------------------------------------------- */

/* Tells the end; the child may still be there, and is reaped when it is not. */
static void finish(struct task *task, GError *error)
{
	const char *text = (const char *)task->text->data;
	gsize length = task->text->len;

	g_clear_handle_id(&task->source, g_source_remove);
	g_clear_handle_id(&task->timer, g_source_remove);
	close(task->socket);
	if (!error && length > 0 && *text == ERROR)
		error = g_error_new(AGENT_ERROR, AGENT_ERROR_GENERIC, "%.*s", (int)length - 1,
				    text + 1);
	else if (!error && length == 0)
		error = g_error_new_literal(AGENT_ERROR, AGENT_ERROR_GENERIC,
					    "the process that did the work has died");
	if (error)
		task->done(NULL, 0, -1, error, task->data);
	else
		task->done(text + 1, length - 1, task->fd, NULL, task->data);
	g_byte_array_unref(task->text);
	g_free(task);
}

static void take_fd(struct task *task, struct msghdr *message)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);

	if (header && header->cmsg_type == SCM_RIGHTS && task->fd < 0)
		memcpy(&task->fd, CMSG_DATA(header), sizeof(int));
}

static ssize_t receive(struct task *task)
{
	char bytes[64 * 1024];
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(task->socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n > 0) {
		take_fd(task, &message);
		g_byte_array_append(task->text, (const guint8 *)bytes, (guint)n);
	}
	return n;
}

static gboolean child_speaks(gint fd, GIOCondition condition, gpointer data)
{
	struct task *task = data;
	ssize_t n = receive(task);
	GError *error = NULL;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return G_SOURCE_CONTINUE;
	if (n > 0 && task->text->len <= RESULT_MAX)
		return G_SOURCE_CONTINUE;
	if (n > 0) {
		kill(-task->pid, SIGKILL);
		g_set_error_literal(&error, AGENT_ERROR, AGENT_ERROR_GENERIC,
				    "the answer is too long");
	}
	task->source = 0;
	finish(task, error);
	return G_SOURCE_REMOVE;
}

static gboolean too_long(gpointer data)
{
	struct task *task = data;

	task->timer = 0;
	kill(-task->pid, SIGKILL);
	finish(task,
	       g_error_new_literal(AGENT_ERROR, AGENT_ERROR_GENERIC, "the command has timed out"));
	return G_SOURCE_REMOVE;
}

static void reaped(int wait_status, gpointer data)
{
	running--;
}

static void watch(struct task *task, guint timeout_s)
{
	running++;
	child_watch(task->pid, reaped, NULL);
	task->source = g_unix_fd_add(task->socket, G_IO_IN, child_speaks, task);
	if (timeout_s != TASK_NO_TIMEOUT)
		task->timer = g_timeout_add_seconds(timeout_s, too_long, task);
}

/* Return: the child's process ID, in the agent alone; -1 and an error. */
static pid_t spawn(task_run run, json_t *arguments, int fd, int *socket, GError **error)
{
	pid_t agent = getpid(), pid;
	int sockets[2];

	if (running >= TASKS_MAX) {
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "cannot start the command: %u others are not over", running);
		return -1;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0) {
		agent_error_errno(error, errno, "cannot start the command");
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		struct task_io io = { .out = sockets[1], .fd = fd };

		child_main(&io, agent, run, arguments);
	}
	if (pid < 0)
		agent_error_errno(error, errno, "cannot start the command");
	close(sockets[1]);
	if (pid < 0)
		close(sockets[0]);
	*socket = sockets[0];
	return pid;
}

void task_start(task_run run, json_t *arguments, int fd, guint timeout_s, task_done done,
		gpointer data)
{
	GError *error = NULL;
	int socket;
	pid_t pid = spawn(run, arguments, fd, &socket, &error);
	struct task *task;

	if (pid < 0) {
		done(NULL, 0, -1, error, data);
		return;
	}
	task = g_new0(struct task, 1);
	task->pid = pid;
	task->socket = socket;
	task->fd = -1;
	task->text = g_byte_array_new();
	task->done = done;
	task->data = data;
	watch(task, timeout_s);
}

void task_finish(const char *text, gsize length, int fd, GError *error, gpointer request)
{
	if (fd >= 0)
		close(fd);
	if (error)
		request_fail(request, error);
	else if (request_command(request)->flags & COMMAND_NO_REPLY)
		request_end(request);
	else
		request_return_text(request, text, length);
}

void task_answer(struct request *request, task_run run, json_t *arguments, guint timeout_s)
{
	task_start(run, arguments, -1, timeout_s, task_finish, request);
}
