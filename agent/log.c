/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

static struct {
	int fd;
	gboolean verbose;
	gboolean holding;
	GQueue held;
	guint dropped;
} state = { .fd = STDERR_FILENO };

struct level {
	GLogLevelFlags flag;
	const char *name;
	char priority; /* as sd-daemon(3) prefixes a line for the journal */
};

static const struct level levels[] = {
	{ G_LOG_LEVEL_ERROR, "error", '3' },     { G_LOG_LEVEL_CRITICAL, "critical", '3' },
	{ G_LOG_LEVEL_WARNING, "warning", '4' }, { G_LOG_LEVEL_MESSAGE, "message", '5' },
	{ G_LOG_LEVEL_INFO, "info", '6' },       { G_LOG_LEVEL_DEBUG, "debug", '7' },
};

static const struct level *level_of(GLogLevelFlags flags)
{
	for (guint i = 0; i < G_N_ELEMENTS(levels); i++)
		if (flags & levels[i].flag)
			return &levels[i];
	return &levels[G_N_ELEMENTS(levels) - 1];
}

static gboolean to_journal(void)
{
	return state.fd == STDERR_FILENO && g_getenv("JOURNAL_STREAM");
}

static char *format(const struct level *level, const char *message)
{
	gint64 now = g_get_real_time();

	if (to_journal())
		return g_strdup_printf("<%c>%s\n", level->priority, message);
	if (state.fd == STDERR_FILENO)
		return g_strdup_printf("guest-tools-agent: %s: %s\n", level->name, message);
	return g_strdup_printf("%" G_GINT64_FORMAT ".%06d: %s: %s\n", now / G_USEC_PER_SEC,
			       (int)(now % G_USEC_PER_SEC), level->name, message);
}

static void write_line(const char *line)
{
	gsize length = strlen(line);

	/* A log that cannot be written has nowhere to be reported. */
	if (write(state.fd, line, length) < 0)
		return;
}

static void hold_line(char *line)
{
	if (g_queue_get_length(&state.held) < LOG_HELD_MAX) {
		g_queue_push_tail(&state.held, line);
		return;
	}
	state.dropped++;
	g_free(line);
}

static void handle(const char *domain, GLogLevelFlags flags, const char *message, gpointer data)
{
	char *line;

	if (!state.verbose && (flags & (G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG)))
		return;
	line = format(level_of(flags), message);
	if (state.holding) {
		hold_line(line);
		return;
	}
	write_line(line);
	g_free(line);
}

gboolean log_init(const char *path, gboolean verbose, GError **error)
{
	int fd = STDERR_FILENO;

	if (path)
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return agent_error_errno(error, errno, "cannot open log file %s", path);
	if (state.fd != STDERR_FILENO)
		close(state.fd);
	state.fd = fd;
	state.verbose = verbose;
	g_log_set_default_handler(handle, NULL);
	return TRUE;
}

void log_hold(void)
{
	state.holding = TRUE;
}

void log_release(void)
{
	char *line;

	state.holding = FALSE;
	while ((line = g_queue_pop_head(&state.held))) {
		write_line(line);
		g_free(line);
	}
	if (state.dropped > 0)
		g_warning("%u messages were dropped while file systems were frozen", state.dropped);
	state.dropped = 0;
}
