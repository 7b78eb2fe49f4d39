/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters of the kernel. */
#include "commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "encode.h"
#include "error.h"
#include "sysfs.h"

static char **read_lines(const char *path, GError **error)
{
	g_autofree char *text = NULL;

	return g_file_get_contents(path, &text, NULL, error) ? g_strsplit(text, "\n", -1) : NULL;
}

/* Names for the columns of a line, for as many as the kernel has. */
static void add_columns(json_t *object, char **words, const char *const *names, guint length,
			guint64 factor, guint64 divisor)
{
	guint64 value;

	for (guint i = 0; i < length && words[i]; i++)
		if (sysfs_number(words[i], "", &value))
			json_object_set_new(object, names[i],
					    json_integer((json_int_t)(value * factor / divisor)));
}

/* The words of a line, without the empty ones. */
static char **split(const char *line)
{
	char **words = g_strsplit_set(line, " \t", -1);
	guint kept = 0;

	for (guint i = 0; words[i]; i++) {
		if (*words[i])
			words[kept++] = words[i];
		else
			g_free(words[i]);
	}
	words[kept] = NULL;
	return words;
}

/* proc(5): /proc/stat */
static void cpustats_run(struct request *request, json_t *arguments)
{
	static const char *const names[] = { "user", "nice",    "system", "idle",  "iowait",
					     "irq",  "softirq", "steal",  "guest", "guestnice" };
	GError *error = NULL;
	g_auto(GStrv) lines = read_lines("/proc/stat", &error);
	guint64 ticks = (guint64)sysconf(_SC_CLK_TCK), cpu;
	json_t *list;

	if (!lines) {
		request_fail(request, error);
		return;
	}
	list = json_array();
	for (char **line = lines; *line; line++) {
		g_auto(GStrv) words = split(*line);
		json_t *object;

		if (!words[0] || !sysfs_number(words[0], "cpu", &cpu))
			continue;
		object = json_pack("{s:s, s:I}", "type", "linux", "cpu", (json_int_t)cpu);
		add_columns(object, words + 1, names, G_N_ELEMENTS(names), 1000, ticks);
		json_array_append_new(list, object);
	}
	request_return(request, list);
}

/* Linux: Documentation/admin-guide/iostats.rst; before 2.6.25 partitions had four columns. */
static json_t *disk_to_json(char **words)
{
	static const char *const names[] = {
		"read-ios",       "read-merges",     "read-sectors",  "read-ticks",
		"write-ios",      "write-merges",    "write-sectors", "write-ticks",
		"ios-pgr",        "total-ticks",     "weight-ticks",  "discard-ios",
		"discard-merges", "discard-sectors", "discard-ticks", "flush-ios",
		"flush-ticks",
	};
	json_t *stats = json_object();

	add_columns(stats, words + 3, names, G_N_ELEMENTS(names), 1, 1);
	return json_pack("{s:o, s:i, s:i, s:o}", "name", encode_text(words[2]), "major",
			 atoi(words[0]), "minor", atoi(words[1]), "stats", stats);
}

static void diskstats_run(struct request *request, json_t *arguments)
{
	GError *error = NULL;
	g_auto(GStrv) lines = read_lines("/proc/diskstats", &error);
	json_t *list;

	if (!lines) {
		request_fail(request, error);
		return;
	}
	list = json_array();
	for (char **line = lines; *line; line++) {
		g_auto(GStrv) words = split(*line);

		if (g_strv_length(words) >= 3 + 11)
			json_array_append_new(list, disk_to_json(words));
	}
	request_return(request, list);
}

static void load_run(struct request *request, json_t *arguments)
{
	double load[3];

	if (getloadavg(load, G_N_ELEMENTS(load)) != G_N_ELEMENTS(load))
		request_fail(request, g_error_new_literal(AGENT_ERROR, AGENT_ERROR_GENERIC,
							  "cannot query load average"));
	else
		request_return(request, json_pack("{s:f, s:f, s:f}", "load1m", load[0], "load5m",
						  load[1], "load15m", load[2]));
}

static const struct command rows[] = {
	{ "guest-get-cpustats", cpustats_run, COMMAND_QUIET, "what the processors spent time on" },
	{ "guest-get-diskstats", diskstats_run, COMMAND_QUIET, "what the disks have done" },
	{ "guest-get-load", load_run, COMMAND_QUIET, "load averages" },
};

const struct command_table commands_stats = COMMAND_TABLE(rows);
