// SPDX-License-Identifier: GPL-2.0-or-later
#include "ui.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

static struct ui_options options;
static FILE *log_file;

/* The step that runs: its name, start, what it waits for, and how long it was when last shown. */
static struct {
	char *name, *note;
	gint64 start;
	int shown;
	gboolean line_open, hidden;
} step;

void ui_init(const struct ui_options *chosen)
{
	options = *chosen;
	setvbuf(stdout, NULL, _IOLBF, 0);
}

gboolean ui_log_to(const char *path, GError **err)
{
	log_file = fopen(path, "ae");
	if (!log_file)
		return setup_fail_errno(err, SETUP_REFUSED, "cannot open the log %s", path);
	setvbuf(log_file, NULL, _IOLBF, 0);
	return TRUE;
}

static gboolean is_silent(void)
{
	return options.quiet || options.json;
}

static gboolean is_terminal(void)
{
	return !is_silent() && isatty(STDOUT_FILENO);
}

/* A progress line without its end stands on the terminal: wipe it before anything else. */
static void close_line(void)
{
	if (step.line_open)
		fputs("\r\033[K", stdout);
	step.line_open = FALSE;
}

static void to_log(const char *text)
{
	if (log_file)
		fprintf(log_file, "%s\n", text);
}

void ui_say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	g_autofree char *text = g_strdup_vprintf(fmt, args);
	va_end(args);
	to_log(text);
	if (is_silent())
		return;
	close_line();
	puts(text);
}

void ui_warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	g_autofree char *text = g_strdup_vprintf(fmt, args);
	va_end(args);
	to_log(text);
	close_line();
	fflush(stdout);
	fprintf(stderr, "setup: %s\n", text);
}

gboolean ui_ask(const char *question, GError **err)
{
	char answer[64];

	if (options.yes)
		return TRUE;
	if (options.json || options.quiet || !isatty(STDIN_FILENO))
		return setup_fail(err, SETUP_NOT_CONFIRMED,
				  "cannot ask for confirmation: no terminal to ask on; "
				  "give --yes to go on without a question");
	printf("%s [y/N] ", question);
	fflush(stdout);
	if (!fgets(answer, sizeof(answer), stdin) || (*answer != 'y' && *answer != 'Y'))
		return setup_fail(err, SETUP_NOT_CONFIRMED, "not confirmed: nothing was changed");
	return TRUE;
}

static double step_seconds(void)
{
	return (g_get_monotonic_time() - step.start) / 1e6;
}

void ui_step_begin(const char *name)
{
	g_free(step.name);
	step.name = g_strdup(name);
	g_clear_pointer(&step.note, g_free);
	step.start = g_get_monotonic_time();
	step.shown = 0;
	step.hidden = FALSE;
	to_log(name);
}

void ui_step_hide(void)
{
	step.hidden = TRUE;
}

void ui_step_note(const char *note)
{
	g_free(step.note);
	step.note = g_strdup(note);
}

/* On a terminal one line that counts; elsewhere a line at 2 s, 10 s and each half minute. */
void ui_step_tick(void)
{
	int now = step_seconds();
	const char *note = step.note ? step.note : "working";

	if (is_silent() || !step.name || now < 2 || now == step.shown)
		return;
	if (is_terminal()) {
		printf("\r\033[K  ....  %s: %s, %d s", step.name, note, now);
		fflush(stdout);
		step.line_open = TRUE;
	} else if (step.shown == 0 || (step.shown < 10 && now >= 10) || now / 30 > step.shown / 30) {
		printf("  ....  %s: %s, %d s\n", step.name, note, now);
	} else {
		return;
	}
	step.shown = now;
}

double ui_step_end(const char *result)
{
	double seconds = step_seconds();

	if (step.hidden && step.shown == 0)
		to_log(result);
	else if (seconds < 1.0)
		ui_say("  %-4s  %s", result, step.name);
	else
		ui_say("  %-4s  %s (%.1f s)", result, step.name, seconds);
	g_clear_pointer(&step.name, g_free);
	return seconds;
}
