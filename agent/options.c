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
#define DEFAULT_CONFIG SYSCONFDIR "/guest-tools/agent.conf"
/* The QEMU guest agent's, and the variable that names another. */
#define FOREIGN_CONFIG "/etc/qemu/qemu-ga.conf"
#define FOREIGN_CONFIG_VARIABLE "QGA_CONF"

enum kind { TEXT, LIST, NUMBER, SWITCH };

/*
 * A row is an option, its key in the config file, and where its value goes. A LIST
 * may be given several times. What is only there for its users of old has no help.
 */
struct option {
	const char *name;
	char letter;
	const char *key; /* NULL: command line only */
	enum kind kind;
	size_t offset;
	const char *value; /* what --help calls it */
	const char *help;
	int max;            /* of a NUMBER, in seconds */
	const char *absent; /* the value when the option stands alone; NULL: it must have one */
	gboolean own;       /* of one process: a helper does not take it from the file of its agent */
};

#define AT(field) offsetof(struct options, field)

static const struct option table[] = {
	{ "config", 'c', NULL, TEXT, AT(config), "FILE", "config file [" DEFAULT_CONFIG "]" },
	{ "method", 'm', "method", TEXT, AT(method), "METHOD",
	  "how to reach the host [virtio-serial]; see below" },
	{ "path", 'p', "path", TEXT, AT(path), "PATH", "device, socket or CID:PORT, as the method needs",
	  .own = TRUE },
	{ "logfile", 'l', "logfile", TEXT, AT(logfile), "FILE", "log there instead of to stderr" },
	{ "pidfile", 'f', "pidfile", TEXT, AT(pidfile), "FILE", "write the process id there, and lock it",
	  .own = TRUE },
	{ "daemonize", 'd', "daemon", SWITCH, AT(daemon), NULL, "go to the background once all is well",
	  .own = TRUE },
	{ "verbose", 'v', "verbose", SWITCH, AT(verbose), NULL, "log every command" },
	{ "fsfreeze-hook", 'F', "fsfreeze-hook", TEXT, AT(hook), "PROGRAM",
	  "run this around a freeze; empty: nothing", 0, HOOK_RUNNER },
	{ "block-rpcs", 'b', "block-rpcs", LIST, AT(block), "LIST",
	  "commands to refuse; \"help\" prints all" },
	{ "allow-rpcs", 'a', "allow-rpcs", LIST, AT(allow), "LIST", "the only commands to accept" },
	{ "profile", 0, "profile", TEXT, AT(profile), "PROFILE",
	  "full, or read-only: freeze, status, info [full]" },
	{ "freeze-timeout", 0, "freeze-timeout", NUMBER, AT(freeze_timeout), "SECONDS",
	  "a freeze thaws by itself after this [60]", FREEZE_TIMEOUT_MAX_S },
	{ "hooks-timeout", 0, "hooks-timeout", NUMBER, AT(hooks_timeout), "SECONDS",
	  "all hooks together may take this long [60]", HOOKS_TIMEOUT_MAX_S },
	{ "engine", 0, "engine", TEXT, AT(engine), "ENGINE", "kernel or userland [the best one]" },
	{ "helper", 0, NULL, TEXT, AT(helper), "SOCKET",
	  "leave what a sandbox forbids to the helper there" },
	{ "thaw", 0, NULL, SWITCH, AT(thaw), NULL, "thaw what a killed agent froze, and exit" },
	{ "dump-conf", 'D', NULL, SWITCH, AT(dump_config), NULL, "print the config in force, and exit" },
	{ "version", 'V', NULL, SWITCH, AT(show_version), NULL, "print the version, and exit" },
	{ "help", 'h', NULL, SWITCH, AT(show_help), NULL, "print this, and exit" },
	{ "blacklist", 0, "blacklist", LIST, AT(block), "LIST" },
	{ "statedir", 't', "statedir", TEXT, AT(state_directory), "DIR" },
	{ "retry-path", 'r', "retry-path", SWITCH, AT(retry_path), NULL },
};

static char **text_at(struct options *options, const struct option *row)
{
	return (char **)((char *)options + row->offset);
}

static int *number_at(struct options *options, const struct option *row)
{
	return (int *)((char *)options + row->offset);
}

static gboolean is_text(const struct option *row)
{
	return row->kind == TEXT || row->kind == LIST;
}

static GOptionArg arg_of(enum kind kind)
{
	static const GOptionArg args[] = { [TEXT] = G_OPTION_ARG_STRING,
					   [LIST] = G_OPTION_ARG_STRING_ARRAY,
					   [NUMBER] = G_OPTION_ARG_INT,
					   [SWITCH] = G_OPTION_ARG_NONE };

	return args[kind];
}

/* Where GLib puts the values of each LIST, by row. */
typedef char **lists[G_N_ELEMENTS(table)];

static GOptionContext *context_new(struct options *options, lists values)
{
	GOptionContext *context = g_option_context_new(NULL);
	g_autofree GOptionEntry *entries = g_new0(GOptionEntry, G_N_ELEMENTS(table) + 1);

	for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
		entries[i].long_name = table[i].name;
		entries[i].short_name = table[i].letter;
		entries[i].arg = arg_of(table[i].kind);
		entries[i].arg_data = table[i].kind == LIST ? (gpointer)&values[i] :
							      (char *)options + table[i].offset;
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

/* A key's value, unless one that wins gave one. */
static gboolean take_key(struct options *options, GKeyFile *file, const struct option *row,
			 GError **error)
{
	GError *wrong = NULL;

	if (!row->key || !g_key_file_has_key(file, GROUP, row->key, NULL) ||
	    (row->own && options_is_helper(options)))
		return TRUE;
	if (is_text(row) && !*text_at(options, row))
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

/* A file that was not asked for need not exist. */
static gboolean read_config(struct options *options, const char *path, gboolean asked, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	GError *wrong = NULL;

	if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &wrong)) {
		if (!asked && g_error_matches(wrong, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
			g_clear_error(&wrong);
			return TRUE;
		}
		g_propagate_prefixed_error(error, wrong, "cannot read config %s: ", path);
		return FALSE;
	}
	for (guint i = 0; i < G_N_ELEMENTS(table); i++)
		if (!take_key(options, file, &table[i], error)) {
			g_prefix_error(error, "cannot use config %s: ", path);
			return FALSE;
		}
	return TRUE;
}

/* Of the QEMU guest agent's file: its stock hook is among those that our runner runs. */
static void drop_stock_hook(struct options *options)
{
	static const char *const stock[] = { "/etc/qemu/fsfreeze-hook", "/etc/qemu-ga/fsfreeze-hook",
					     NULL };

	if (options->hook && g_strv_contains(stock, options->hook))
		g_clear_pointer(&options->hook, g_free);
}

static gboolean read_configs(struct options *options, GError **error)
{
	const char *foreign = g_getenv(FOREIGN_CONFIG_VARIABLE);
	gboolean has_hook;

	if (options->config)
		return read_config(options, options->config, TRUE, error);
	if (!read_config(options, DEFAULT_CONFIG, FALSE, error))
		return FALSE;
	has_hook = options->hook != NULL;
	if (!read_config(options, foreign ? foreign : FOREIGN_CONFIG, foreign != NULL, error))
		return FALSE;
	if (!has_hook)
		drop_stock_hook(options);
	return TRUE;
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

static const struct option *row_of_letter(char letter)
{
	for (guint i = 0; i < G_N_ELEMENTS(table); i++)
		if (table[i].letter && table[i].letter == letter)
			return &table[i];
	return NULL;
}

static const struct option *row_of_name(const char *name)
{
	for (guint i = 0; i < G_N_ELEMENTS(table); i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

/* One argument that begins with a dash and a letter: its letters, and a value behind the last. */
static void split_letters(GPtrArray *out, const char *argument)
{
	for (const char *at = argument + 1; *at; at++) {
		const struct option *row = row_of_letter(*at);

		if (row && row->kind != SWITCH && (at[1] || row->absent)) {
			g_ptr_array_add(out, g_strdup_printf("--%s=%s", row->name,
							     at[1] ? at + 1 : row->absent));
			return;
		}
		g_ptr_array_add(out, g_strdup_printf("-%c", *at));
	}
}

/*
 * The arguments in the forms that GLib knows. Scripts use those of getopt(3) as well:
 * -bNAME, -dv, and an option whose value may be absent (-F).
 */
static char **spell_out(char **argv)
{
	GPtrArray *out = g_ptr_array_new();
	gboolean is_value = FALSE;

	g_ptr_array_add(out, g_strdup(*argv++));
	for (; *argv; argv++) {
		const char *argument = *argv;
		const struct option *row = NULL;

		if (!is_value && g_str_has_prefix(argument, "--"))
			row = row_of_name(argument + 2);
		else if (!is_value && argument[0] == '-' && argument[1] && !argument[2])
			row = row_of_letter(argument[1]);
		if (row && row->absent && (!argv[1] || argv[1][0] == '-'))
			g_ptr_array_add(out, g_strdup_printf("--%s=%s", row->name, row->absent));
		else if (!row && !is_value && argument[0] == '-' && argument[1] && argument[1] != '-')
			split_letters(out, argument);
		else
			g_ptr_array_add(out, g_strdup(argument));
		is_value = row && row->kind != SWITCH && (!row->absent || (argv[1] && argv[1][0] != '-'));
	}
	g_ptr_array_add(out, NULL);
	return (char **)g_ptr_array_free(out, FALSE);
}

static void join_lists(struct options *options, lists values)
{
	for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
		char **text = text_at(options, &table[i]);
		g_autofree char *before = values[i] ? g_steal_pointer(text) : NULL;
		g_autofree char *joined = values[i] ? g_strjoinv(",", values[i]) : NULL;

		if (joined)
			*text = before ? g_strconcat(before, ",", joined, NULL) : g_steal_pointer(&joined);
		g_strfreev(values[i]);
	}
}

static gboolean parse(struct options *options, char **argv, GError **error)
{
	lists values = { NULL };
	g_autoptr(GOptionContext) context = context_new(options, values);
	/* GLib takes out of the array what it knows, so its strings are freed by this copy of it. */
	g_auto(GStrv) spelled = spell_out(argv);
	g_autofree char **rest = g_memdup2(spelled, (g_strv_length(spelled) + 1) * sizeof(*spelled));
	int count = (int)g_strv_length(rest);
	gboolean ok = g_option_context_parse(context, &count, &rest, error);

	join_lists(options, values);
	if (!ok)
		return FALSE;
	if (count > 1) {
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "unexpected argument '%s'", rest[1]);
		return FALSE;
	}
	for (guint i = 0; i < G_N_ELEMENTS(table); i++)
		if (table[i].kind == NUMBER && *number_at(options, &table[i]) &&
		    !check_number(&table[i], *number_at(options, &table[i]), error))
			return FALSE;
	return options->show_help || options->show_version || options->thaw ||
	       options_list_commands(options) || read_configs(options, error);
}

gboolean options_parse(struct options *options, char **argv, GError **error)
{
	GError *wrong = NULL;

	memset(options, 0, sizeof(*options));
	if (!parse(options, argv, &wrong)) {
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
		if (is_text(&table[i]))
			g_clear_pointer(text_at(options, &table[i]), g_free);
}

gboolean options_list_commands(const struct options *options)
{
	return !g_strcmp0(options->block, "help") || !g_strcmp0(options->block, "?");
}

gboolean options_is_helper(const struct options *options)
{
	return !g_strcmp0(options->method, TRANSPORT_HELPER);
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

		if (!row->help)
			continue;
		g_autofree char *letter = row->letter ? g_strdup_printf("-%c, ", row->letter) : g_strdup("    ");
		g_autofree char *left = g_strdup_printf("%s--%s%s%s", letter, row->name,
							row->value ? "=" : "",
							row->value ? row->value : "");

		help_line(text, left, row->help);
	}
	g_string_append(text, "\nMethods:\n");
	for (const struct transport *t = transport_next(NULL); t; t = transport_next(t))
		help_line(text, t->method, t->help);
	g_string_append(text, "\nCommands (a LIST has commas or semicolons between them):\n");
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

		if (!row->key || !row->help)
			continue;
		if (is_text(row) && *text_at(o, row))
			g_key_file_set_string(file, GROUP, row->key, *text_at(o, row));
		else if (row->kind == NUMBER)
			g_key_file_set_integer(file, GROUP, row->key, *number_at(o, row));
		else if (row->kind == SWITCH)
			g_key_file_set_boolean(file, GROUP, row->key, *number_at(o, row));
	}
	return g_key_file_to_data(file, NULL, NULL);
}
