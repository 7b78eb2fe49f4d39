/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

#include <stddef.h>
#include <string.h>

#include "command.h"
#include "error.h"
#include "freeze.h"
#include "transport.h"

#define GROUP "general"
/* Nothing is frozen yet; a database may have much to write. */
#define HOOKS_TIMEOUT_MAX_S 600
#define DEFAULT_CONFIG "/etc/guest-tools/agent.conf"

enum kind { TEXT, NUMBER, SWITCH };

/* A row is an option, its key in the config file, and where its value goes. */
struct option {
	const char *name;
	char letter;
	const char *key; /* NULL: command line only */
	enum kind kind;
	size_t offset;
	const char *value; /* what --help calls it */
	const char *help;
	int max; /* of a NUMBER, in seconds */
};

#define AT(field) offsetof(struct options, field)

static const struct option table[] = {
	{ "config", 'c', NULL, TEXT, AT(config), "FILE", "config file [" DEFAULT_CONFIG "]" },
	{ "method", 'm', "method", TEXT, AT(method), "METHOD",
	  "how to reach the host [virtio-serial]; see below" },
	{ "path", 'p', "path", TEXT, AT(path), "PATH", "device, socket or CID:PORT, as the method needs" },
	{ "logfile", 'l', "logfile", TEXT, AT(logfile), "FILE", "log there instead of to stderr" },
	{ "pidfile", 'f', "pidfile", TEXT, AT(pidfile), "FILE", "write the process id there" },
	{ "verbose", 'v', "verbose", SWITCH, AT(verbose), NULL, "log every command" },
	{ "fsfreeze-hook", 'F', "fsfreeze-hook", TEXT, AT(hook), "PROGRAM",
	  "hook runner, empty for none" },
	{ "block-rpcs", 'b', "block-rpcs", TEXT, AT(block), "LIST", "commands to refuse" },
	{ "allow-rpcs", 'a', "allow-rpcs", TEXT, AT(allow), "LIST", "the only commands to accept" },
	{ "freeze-timeout", 0, "freeze-timeout", NUMBER, AT(freeze_timeout), "SECONDS",
	  "a freeze thaws by itself after this [60]", FREEZE_TIMEOUT_MAX_S },
	{ "hooks-timeout", 0, "hooks-timeout", NUMBER, AT(hooks_timeout), "SECONDS",
	  "all hooks together may take this long [60]", HOOKS_TIMEOUT_MAX_S },
	{ "engine", 0, "engine", TEXT, AT(engine), "ENGINE", "kernel or userland [the best one]" },
	{ "thaw", 0, NULL, SWITCH, AT(thaw), NULL, "thaw what a killed agent froze, and exit" },
	{ "dump-conf", 'D', NULL, SWITCH, AT(dump_config), NULL, "print the config in force, and exit" },
	{ "version", 'V', NULL, SWITCH, AT(show_version), NULL, "print the version, and exit" },
	{ "help", 'h', NULL, SWITCH, AT(show_help), NULL, "print this, and exit" },
};

static char **text_at(struct options *options, const struct option *row)
{
	return (char **)((char *)options + row->offset);
}

static int *number_at(struct options *options, const struct option *row)
{
	return (int *)((char *)options + row->offset);
}

static GOptionArg arg_of(enum kind kind)
{
	static const GOptionArg args[] = { [TEXT] = G_OPTION_ARG_STRING,
					   [NUMBER] = G_OPTION_ARG_INT,
					   [SWITCH] = G_OPTION_ARG_NONE };

	return args[kind];
}

static GOptionContext *context_new(struct options *options)
{
	GOptionContext *context = g_option_context_new(NULL);
	g_autofree GOptionEntry *entries = g_new0(GOptionEntry, G_N_ELEMENTS(table) + 1);

	for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
		entries[i].long_name = table[i].name;
		entries[i].short_name = table[i].letter;
		entries[i].arg = arg_of(table[i].kind);
		entries[i].arg_data = (char *)options + table[i].offset;
	}
	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_add_main_entries(context, entries, NULL);
	return context;
}

static gboolean check_number(const struct option *row, int value, GError **error)
{
	if (row->kind != NUMBER || (value >= 1 && value <= row->max))
		return TRUE;
	g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "%s must be 1 to %d seconds", row->name,
		    row->max);
	return FALSE;
}

/* A key's value, unless the command line gave one. */
static gboolean take_key(struct options *options, GKeyFile *file, const struct option *row,
			 GError **error)
{
	GError *wrong = NULL;

	if (!row->key || !g_key_file_has_key(file, GROUP, row->key, NULL))
		return TRUE;
	if (row->kind == TEXT && !*text_at(options, row))
		*text_at(options, row) = g_key_file_get_string(file, GROUP, row->key, &wrong);
	else if (row->kind == NUMBER && !*number_at(options, row)) {
		*number_at(options, row) = g_key_file_get_integer(file, GROUP, row->key, &wrong);
		if (!wrong && !check_number(row, *number_at(options, row), error))
			return FALSE;
	} else if (row->kind == SWITCH && !*number_at(options, row))
		*number_at(options, row) = g_key_file_get_boolean(file, GROUP, row->key, &wrong);
	if (wrong)
		g_propagate_error(error, wrong);
	return !wrong;
}

static gboolean read_config(struct options *options, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	const char *path = options->config ? options->config : DEFAULT_CONFIG;
	gboolean ok = TRUE;

	if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, error)) {
		/* Only a file that was asked for has to exist. */
		if (!options->config && g_error_matches(*error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
			g_clear_error(error);
			return TRUE;
		}
		g_prefix_error(error, "cannot read config %s: ", path);
		return FALSE;
	}
	for (guint i = 0; i < G_N_ELEMENTS(table) && ok; i++)
		ok = take_key(options, file, &table[i], error);
	if (!ok)
		g_prefix_error(error, "cannot use config %s: ", path);
	return ok;
}

static void set_defaults(struct options *options)
{
	if (!options->method)
		options->method = g_strdup("virtio-serial");
	if (!options->hook)
		options->hook = g_strdup(HOOK_RUNNER);
	if (!options->freeze_timeout)
		options->freeze_timeout = 60;
	if (!options->hooks_timeout)
		options->hooks_timeout = 60;
}

static gboolean parse(struct options *options, int argc, char **argv, GError **error)
{
	g_autoptr(GOptionContext) context = context_new(options);

	if (!g_option_context_parse(context, &argc, &argv, error))
		return FALSE;
	if (argc > 1) {
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "unexpected argument '%s'", argv[1]);
		return FALSE;
	}
	for (guint i = 0; i < G_N_ELEMENTS(table); i++)
		if (table[i].kind == NUMBER && *number_at(options, &table[i]) &&
		    !check_number(&table[i], *number_at(options, &table[i]), error))
			return FALSE;
	return options->show_help || options->show_version || options->thaw ||
	       read_config(options, error);
}

gboolean options_parse(struct options *options, int argc, char **argv, GError **error)
{
	GError *wrong = NULL;

	memset(options, 0, sizeof(*options));
	if (!parse(options, argc, argv, &wrong)) {
		g_propagate_error(error, wrong);
		options_clear(options);
		return FALSE;
	}
	set_defaults(options);
	return TRUE;
}

void options_clear(struct options *options)
{
	for (guint i = 0; i < G_N_ELEMENTS(table); i++)
		if (table[i].kind == TEXT)
			g_clear_pointer(text_at(options, &table[i]), g_free);
}

static void help_line(GString *text, const char *left, const char *help)
{
	if (strlen(left) < 26)
		g_string_append_printf(text, "  %-26s%s\n", left, help);
	else
		g_string_append_printf(text, "  %s\n  %26s%s\n", left, "", help);
}

char *options_help(void)
{
	GString *text = g_string_new("Usage: guest-tools-agent [OPTION...]\n\n"
				     "Answers the host through the QEMU guest agent's protocol.\n\n");

	for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
		const struct option *row = &table[i];
		g_autofree char *letter = row->letter ? g_strdup_printf("-%c, ", row->letter) : g_strdup("    ");
		g_autofree char *left = g_strdup_printf("%s--%s%s%s", letter, row->name,
							row->value ? "=" : "",
							row->value ? row->value : "");

		help_line(text, left, row->help);
	}
	g_string_append(text, "\nMethods:\n");
	for (const struct transport *t = transport_next(NULL); t; t = transport_next(t))
		help_line(text, t->method, t->help);
	g_string_append(text, "\nCommands (a LIST has commas between them):\n");
	for (const struct command *c = commands_next(NULL); c; c = commands_next(c))
		g_string_append_printf(text, "  %s\n      %s\n", c->name, c->help);
	return g_string_free(text, FALSE);
}

char *options_dump(const struct options *options)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	struct options *o = (struct options *)options;

	for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
		const struct option *row = &table[i];

		if (!row->key)
			continue;
		if (row->kind == TEXT && *text_at(o, row))
			g_key_file_set_string(file, GROUP, row->key, *text_at(o, row));
		else if (row->kind == NUMBER)
			g_key_file_set_integer(file, GROUP, row->key, *number_at(o, row));
		else if (row->kind == SWITCH)
			g_key_file_set_boolean(file, GROUP, row->key, *number_at(o, row));
	}
	return g_key_file_to_data(file, NULL, NULL);
}
