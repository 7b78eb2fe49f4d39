/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of the guest. The agent holds the descriptors, and children of its own
 * do with them whatever may block; the file position is shared between both.
 */
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "encode.h"
#include "error.h"
#include "task.h"

#define HANDLES_MAX  256
#define READ_DEFAULT 4096
#define READ_MAX     (48 * 1024 * 1024)
/* A multiple of 3, so that pieces of base64 can be put together. */
#define PIECE (3 * 16 * 1024)
/* A FIFO or a file system that is gone answers in this time or not at all. */
#define TIMEOUT_S 30
/* Others may read what the host creates, and not write to it. */
#define NEW_FILE_MODE 0644

struct file {
	gint64 handle;
	int fd;
	struct request *request; /* the one under way, or NULL */
};

static GHashTable *files; /* by handle */

static const struct {
	const char *mode;
	int flags;
} modes[] = {
	{ "r", O_RDONLY },
	{ "rb", O_RDONLY },
	{ "w", O_WRONLY | O_CREAT | O_TRUNC },
	{ "wb", O_WRONLY | O_CREAT | O_TRUNC },
	{ "a", O_WRONLY | O_CREAT | O_APPEND },
	{ "ab", O_WRONLY | O_CREAT | O_APPEND },
	{ "r+", O_RDWR },
	{ "rb+", O_RDWR },
	{ "r+b", O_RDWR },
	{ "w+", O_RDWR | O_CREAT | O_TRUNC },
	{ "wb+", O_RDWR | O_CREAT | O_TRUNC },
	{ "w+b", O_RDWR | O_CREAT | O_TRUNC },
	{ "a+", O_RDWR | O_CREAT | O_APPEND },
	{ "ab+", O_RDWR | O_CREAT | O_APPEND },
	{ "a+b", O_RDWR | O_CREAT | O_APPEND },
};

static void file_free(gpointer data)
{
	struct file *file = data;

	close(file->fd);
	g_free(file);
}

/* A handle is never given twice, nor one that an agent before this one has given. */
static gint64 new_handle(void)
{
	static gint64 last;

	last = MAX(last + 1, g_get_real_time() / 1000);
	return last;
}

static struct file *file_new(int fd)
{
	struct file *file = g_new0(struct file, 1);

	if (!files)
		files = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, file_free);
	file->handle = new_handle();
	file->fd = fd;
	g_hash_table_insert(files, &file->handle, file);
	return file;
}

static struct file *file_find(json_t *arguments, GError **error)
{
	gint64 handle = json_integer_value(json_object_get(arguments, "handle"));
	struct file *file = files ? g_hash_table_lookup(files, &handle) : NULL;

	if (!file)
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "handle '%" PRId64 "' has not been found", handle);
	else if (file->request)
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "handle '%" PRId64 "' is in use by a command before", handle);
	else
		return file;
	return NULL;
}

/* --- open ---------------------------------------------------------------- */

static gboolean find_mode(const char *mode, int *flags, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(modes); i++)
		if (!strcmp(modes[i].mode, mode)) {
			*flags = modes[i].flags;
			return TRUE;
		}
	g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "invalid file open mode '%s'", mode);
	return FALSE;
}

static const char *mode_of(json_t *arguments)
{
	json_t *mode = json_object_get(arguments, "mode");

	return mode ? json_string_value(mode) : "r";
}

static json_t *open_task(struct task_io *io, json_t *arguments, GError **error)
{
	const char *path = json_string_value(json_object_get(arguments, "path"));
	const char *mode = mode_of(arguments);
	int flags = 0;

	if (!find_mode(mode, &flags, error))
		return NULL;
	umask(0);
	/* A FIFO without a peer must not be waited for, now or later. */
	io->fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, NEW_FILE_MODE);
	if (io->fd < 0) {
		agent_error_errno(error, errno, "failed to open file '%s' (mode: '%s')", path,
				  mode);
		return NULL;
	}
	return json_true();
}

static void opened(const char *text, gsize length, int fd, GError *error, gpointer data)
{
	struct request *request = data;

	if (error)
		request_fail(request, error);
	else if (fd < 0)
		request_fail(request, g_error_new_literal(AGENT_ERROR, AGENT_ERROR_GENERIC,
							  "too many open files"));
	else
		request_return(request, json_integer(file_new(fd)->handle));
}

static void open_run(struct request *request, json_t *arguments)
{
	GError *error = NULL;
	int flags;

	if (!find_mode(mode_of(arguments), &flags, &error))
		request_fail(request, error);
	else if (files && g_hash_table_size(files) >= HANDLES_MAX)
		request_fail(request,
			     g_error_new(AGENT_ERROR, AGENT_ERROR_GENERIC,
					 "cannot open file: %d others are open", HANDLES_MAX));
	else
		task_start(open_task, arguments, -1, TIMEOUT_S, opened, request);
}

/* --- what is done with an open file --------------------------------------- */

static void file_done(const char *text, gsize length, int fd, GError *error, gpointer data)
{
	struct file *file = data;
	struct request *request = file->request;

	file->request = NULL;
	task_finish(text, length, fd, error, request);
}

static void file_start(struct request *request, json_t *arguments, task_run run)
{
	GError *error = NULL;
	struct file *file = file_find(arguments, &error);

	if (!file) {
		request_fail(request, error);
		return;
	}
	file->request = request;
	task_start(run, arguments, file->fd, TIMEOUT_S, file_done, file);
}

static gboolean count_in_range(json_t *arguments, gint64 fallback, gint64 max, gint64 *count,
			       GError **error)
{
	json_t *value = json_object_get(arguments, "count");

	*count = value ? json_integer_value(value) : fallback;
	if (*count >= 0 && *count <= max)
		return TRUE;
	g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
		    "value '%" PRId64 "' is invalid for argument count", *count);
	return FALSE;
}

/* Return: how many bytes were read, fewer only at the end or when no more are there now. */
static ssize_t read_piece(int fd, guchar *bytes, gsize size, gboolean *eof)
{
	gsize done = 0;
	ssize_t n = 1;

	while (done < size) {
		n = read(fd, bytes + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (gsize)n;
	}
	*eof = n == 0;
	return n < 0 && done == 0 ? -1 : (ssize_t)done;
}

static void write_base64(struct task_io *io, const guchar *bytes, gsize length)
{
	g_autofree char *text = g_base64_encode(bytes, length);

	task_write(io, text, strlen(text));
}

/* Written piece by piece: 48 MiB are nowhere in one piece here. */
static json_t *read_task(struct task_io *io, json_t *arguments, GError **error)
{
	gint64 count, done = 0;
	gboolean eof = FALSE, more = TRUE;
	guchar bytes[PIECE];

	if (!count_in_range(arguments, READ_DEFAULT, READ_MAX, &count, error))
		return NULL;
	while (more) {
		gsize wanted = (gsize)MIN(count - done, PIECE);
		ssize_t n = read_piece(io->fd, bytes, wanted, &eof);

		if (n < 0 && done == 0) {
			agent_error_errno(error, errno, "failed to read file");
			return NULL;
		}
		if (done == 0)
			task_write(io, "{\"buf-b64\": \"", 13);
		if (n > 0)
			write_base64(io, bytes, (gsize)n);
		done += MAX(n, 0);
		more = n == PIECE && done < count;
	}
	g_autofree char *end = g_strdup_printf("\", \"count\": %" PRId64 ", \"eof\": %s}", done,
					       eof ? "true" : "false");
	task_write(io, end, strlen(end));
	return NULL;
}

static ssize_t write_bytes(int fd, const char *bytes, gsize length)
{
	gsize done = 0;

	while (done < length) {
		ssize_t n = write(fd, bytes + done, length - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return done > 0 ? (ssize_t)done : -1;
		done += (gsize)n;
	}
	return (ssize_t)done;
}

static json_t *write_task(struct task_io *io, json_t *arguments, GError **error)
{
	gsize length;
	g_autofree char *bytes = decode_base64(
		json_string_value(json_object_get(arguments, "buf-b64")), &length, error);
	gint64 count;
	ssize_t n;

	if (!bytes || !count_in_range(arguments, (gint64)length, (gint64)length, &count, error))
		return NULL;
	n = write_bytes(io->fd, bytes, (gsize)count);
	if (n < 0) {
		agent_error_errno(error, errno, "failed to write to file");
		return NULL;
	}
	return json_pack("{s:I, s:b}", "count", (json_int_t)n, "eof", 0);
}

static gboolean find_whence(json_t *value, int *whence, GError **error)
{
	static const char *const names[] = {
		[SEEK_SET] = "set", [SEEK_CUR] = "cur", [SEEK_END] = "end"
	};

	if (json_is_integer(value) && json_integer_value(value) >= SEEK_SET &&
	    json_integer_value(value) <= SEEK_END) {
		*whence = (int)json_integer_value(value);
		return TRUE;
	}
	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (json_is_string(value) && !strcmp(json_string_value(value), names[i])) {
			*whence = (int)i;
			return TRUE;
		}
	if (json_is_integer(value))
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "invalid whence code %lld",
			    (long long)json_integer_value(value));
	else if (json_is_string(value))
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			    "Parameter 'whence' does not accept value '%s'",
			    json_string_value(value));
	else
		g_set_error_literal(
			error, AGENT_ERROR, AGENT_ERROR_GENERIC,
			"Invalid parameter type for 'whence', expected: GuestFileWhence");
	return FALSE;
}

static json_t *seek_task(struct task_io *io, json_t *arguments, GError **error)
{
	gint64 offset = json_integer_value(json_object_get(arguments, "offset"));
	int whence = SEEK_SET;
	off_t position;

	if (!find_whence(json_object_get(arguments, "whence"), &whence, error))
		return NULL;
	position = lseek(io->fd, offset, whence);
	if (position < 0) {
		agent_error_errno(error, errno, "failed to seek file");
		return NULL;
	}
	return json_pack("{s:I, s:b}", "position", (json_int_t)position, "eof", 0);
}

static void read_run(struct request *request, json_t *arguments)
{
	file_start(request, arguments, read_task);
}

static void write_run(struct request *request, json_t *arguments)
{
	file_start(request, arguments, write_task);
}

static void seek_run(struct request *request, json_t *arguments)
{
	json_t *whence = json_object_get(arguments, "whence");
	GError *error = NULL;
	int number;

	/* A word that is none is told before a handle that is none, a number after it. */
	if (json_is_integer(whence) || find_whence(whence, &number, &error))
		file_start(request, arguments, seek_task);
	else
		request_fail(request, error);
}

/* The agent keeps nothing back: what was written is with the kernel. */
static void flush_run(struct request *request, json_t *arguments)
{
	GError *error = NULL;

	if (file_find(arguments, &error))
		request_return(request, NULL);
	else
		request_fail(request, error);
}

/* --- close: what a network file system did not take yet is known only now -- */

static json_t *close_task(struct task_io *io, json_t *arguments, GError **error)
{
	int fd = io->fd;

	io->fd = -1;
	/* Each close of a descriptor flushes, also when the agent's is another one. */
	if (close(fd) < 0) {
		agent_error_errno(error, errno, "failed to close handle");
		return NULL;
	}
	return json_object();
}

static void closed(const char *text, gsize length, int fd, GError *error, gpointer data)
{
	struct file *file = data;
	struct request *request = file->request;

	g_hash_table_remove(files, &file->handle);
	task_finish(text, length, fd, error, request);
}

static void close_run(struct request *request, json_t *arguments)
{
	GError *error = NULL;
	struct file *file = file_find(arguments, &error);

	if (!file) {
		request_fail(request, error);
		return;
	}
	file->request = request;
	task_start(close_task, arguments, file->fd, TIMEOUT_S, closed, file);
}

#define HANDLE                                                                                     \
	{                                                                                          \
		"handle", ARGUMENT_INT                                                             \
	}

static const struct command rows[] = {
	{ "guest-file-open",
	  open_run,
	  COMMAND_HELPED,
	  "open a file of the guest",
	  { { "path", ARGUMENT_STRING }, { "mode", ARGUMENT_STRING, TRUE } } },
	{ "guest-file-close", close_run, COMMAND_HELPED, "close it", { HANDLE } },
	{ "guest-file-read",
	  read_run,
	  COMMAND_HELPED | COMMAND_QUIET,
	  "read from it, in base64",
	  { HANDLE, { "count", ARGUMENT_INT, TRUE } } },
	{ "guest-file-write",
	  write_run,
	  COMMAND_HELPED | COMMAND_QUIET,
	  "write base64 to it",
	  { HANDLE, { "buf-b64", ARGUMENT_STRING }, { "count", ARGUMENT_INT, TRUE } } },
	{ "guest-file-seek",
	  seek_run,
	  COMMAND_HELPED | COMMAND_QUIET,
	  "move its position",
	  { HANDLE, { "offset", ARGUMENT_INT }, { "whence", ARGUMENT_ANY } } },
	{ "guest-file-flush",
	  flush_run,
	  COMMAND_HELPED | COMMAND_QUIET,
	  "hand what was written to the kernel",
	  { HANDLE } },
};

const struct command_table commands_file = COMMAND_TABLE(rows);
