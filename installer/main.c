// SPDX-License-Identifier: GPL-2.0-or-later
/* guest-tools-setup: installs the guest tools from their medium. Wiring only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "apply.h"
#include "check.h"
#include "command.h"
#include "error.h"
#include "extract.h"
#include "health.h"
#include "ram.h"
#include "report.h"
#include "selftest.h"
#include "ui.h"

#ifndef SETUP_VERSION
#error "SETUP_VERSION comes from the Makefile"
#endif

enum command_needs {
	CHANGES = 1 << 0, /* root, the lock, and a torn earlier run repaired first */
	MEDIUM = 1 << 1,
	ARGUMENT = 1 << 2,
	CAN_TEST = 1 << 3, /* with --self-test */
};

struct subcommand {
	const char *name;
	unsigned int needs;
	/* @document: what --json prints in the end; the function adds to it */
	gboolean (*run)(struct context *c, json_t *document, GError **err);
	const char *help;
};

static gboolean run_detect(struct context *c, json_t *document, GError **err)
{
	json_t *found = report_detection_json(c->detection, c->options);

	json_object_update(document, found);
	json_decref(found);
	report_detection(c->detection, c->options);
	return TRUE;
}

static struct plan *make_plan(struct context *c, json_t *document, GError **err)
{
	g_autoptr(SetupPlan) plan = plan_make(c, err);

	if (!plan || root_take_damage(c->root, err))
		return NULL;
	json_object_set_new(document, "plan", report_plan_json(c, plan));
	report_plan(c, plan);
	return g_steal_pointer(&plan);
}

static void say_current(const struct context *c)
{
	ui_say("guest-tools %s is already current: nothing to do.", medium_version(c->medium));
}

static gboolean run_plan(struct context *c, json_t *document, GError **err)
{
	g_autoptr(SetupPlan) plan = make_plan(c, document, err);

	if (!plan)
		return FALSE;
	if (plan->steps->len == 0)
		say_current(c);
	return plan->steps->len == 0 || check_install(c, plan, err);
}

/* Add steps and warnings of a run to the document, done or not. */
static void add_outcome(json_t *document, struct outcome *outcome)
{
	json_object_set(document, "steps", outcome->steps);
	json_object_set(document, "warnings", outcome->warnings);
	outcome_clear(outcome);
}

/* "Installed" is not "works": one that should run by now and does not is an error of its own. */
static gboolean add_health(const struct context *c, json_t *document, GError **err)
{
	struct health health;

	health_check(c, 5, &health);
	json_object_set_new(document, "health", health_json(&health));
	health_report(&health);
	if (health.offline || health.active || !health.channel)
		return !c->options->self_test || selftest_run(c, document, err);
	g_autofree char *hint = health_hint(&health);

	return setup_fail(err, SETUP_NOT_WORKING,
			  "guest-tools is installed, but its service does not run: %s", hint);
}

static gboolean run_install(struct context *c, json_t *document, GError **err)
{
	g_autoptr(SetupPlan) plan = make_plan(c, document, err);
	struct outcome outcome;
	gboolean good;

	if (!plan)
		return FALSE;
	json_object_set_new(document, "changed", json_boolean(plan->steps->len > 0));
	if (plan->steps->len == 0) {
		say_current(c);
		return add_health(c, document, err);
	}
	if (!check_install(c, plan, err) || !ui_ask("Install?", err))
		return FALSE;
	ui_say("Installing:");
	outcome_init(&outcome);
	good = apply_install(c, plan, &outcome, err);
	add_outcome(document, &outcome);
	if (!good)
		return FALSE;
	ui_say("guest-tools %s is installed.", medium_version(c->medium));
	report_missing_modules(plan);
	return add_health(c, document, err);
}

static gboolean run_uninstall(struct context *c, json_t *document, GError **err)
{
	struct outcome outcome;
	gboolean good;

	json_object_set_new(document, "changed", json_boolean(c->state != NULL));
	if (!c->state) {
		if (c->detection->agent_installed)
			return setup_fail(err, SETUP_REFUSED,
					  "cannot uninstall: the agent here was not installed by setup; "
					  "remove it as it came, by %s", c->detection->packages->name);
		ui_say("guest-tools is not installed: nothing to do.");
		return TRUE;
	}
	g_autofree char *question =
		g_strdup_printf("Remove guest-tools %s?", state_version(c->state));

	if (!ui_ask(question, err))
		return FALSE;
	ui_say("Removing guest-tools %s:", state_version(c->state));
	outcome_init(&outcome);
	good = apply_uninstall(c, &outcome, err);
	add_outcome(document, &outcome);
	if (good)
		ui_say("guest-tools is removed.");
	return good;
}

static gboolean run_status(struct context *c, json_t *document, GError **err)
{
	const char *version = c->state ? state_version(c->state) : c->detection->agent_version;
	struct health health;

	health_check(c, 0, &health);
	json_object_set_new(document, "installed", json_boolean(c->detection->agent_installed));
	json_object_set_new(document, "version", version ? json_string(version) : json_null());
	json_object_set_new(document, "way", c->state ? json_string(state_agent_way(c->state)) :
							 json_null());
	json_object_set_new(document, "health", health_json(&health));
	if (!c->detection->agent_installed)
		return setup_fail(err, SETUP_NOT_INSTALLED, "guest-tools is not installed");
	ui_say("Version:  %s, %s", version ? version : "not known",
	       c->state ? "installed by setup" : "not installed by setup");
	for (guint i = 0; i < c->detection->kernels->len; i++) {
		const struct kernel *kernel = c->detection->kernels->pdata[i];

		ui_say("Module:   %s%s: %s", kernel->release, kernel->running ? " (running)" : "",
		       kernel->module ? kernel->module : "none");
	}
	health_report(&health);
	if (c->options->self_test && !selftest_run(c, document, err))
		return FALSE;
	return health_is_good(&health) ||
	       setup_fail(err, SETUP_NOT_WORKING, "guest-tools is installed, but does not work yet");
}

static gboolean run_verify(struct context *c, json_t *document, GError **err)
{
	json_object_set_new(document, "version", json_string(medium_version(c->medium)));
	ui_say("The medium %s is signed by a trusted key, and all its files are as signed "
	       "(guest-tools %s).",
	       medium_path(c->medium), medium_version(c->medium));
	return TRUE;
}

static gboolean run_extract(struct context *c, json_t *document, GError **err)
{
	const char *dir = c->options->argument;
	json_t *files = json_array(), *file;
	gsize i;

	json_object_set_new(document, "version", json_string(medium_version(c->medium)));
	json_object_set_new(document, "directory", json_string(dir));
	json_object_set_new(document, "files", files);
	if (!extract_packages(c->medium, dir, files, err))
		return FALSE;
	ui_say("The packages of guest-tools %s, as signed, are in %s:", medium_version(c->medium), dir);
	json_array_foreach(files, i, file)
		ui_say("  %s  %s", json_string_value(json_object_get(file, "result")),
		       json_string_value(json_object_get(file, "name")));
	return TRUE;
}

/* The work was done before any command that changes something. */
static gboolean run_recover(struct context *c, json_t *document, GError **err)
{
	if (!json_is_true(json_object_get(document, "recovered")))
		ui_say("There is nothing to recover from.");
	return TRUE;
}

static const struct subcommand subcommands[] = {
	{ "detect", 0, run_detect, "print what this system is and has" },
	{ "plan", MEDIUM, run_plan, "print what install would do, and change nothing" },
	{ "install", CHANGES | MEDIUM | CAN_TEST, run_install, "install or upgrade; can be run again" },
	{ "status", CAN_TEST, run_status, "print what is installed, and whether it works" },
	{ "verify", MEDIUM, run_verify, "check the medium's signature and every file of it" },
	{ "extract", MEDIUM | ARGUMENT, run_extract, "copy the medium's packages, verified, to a directory" },
	{ "uninstall", CHANGES, run_uninstall, "remove it, and bring back what it replaced" },
	{ "recover", CHANGES, run_recover, "finish or undo what a killed run left" },
};

static const struct subcommand *find_subcommand(const char *name)
{
	for (gsize i = 0; i < G_N_ELEMENTS(subcommands); i++)
		if (strcmp(subcommands[i].name, name) == 0)
			return &subcommands[i];
	return NULL;
}

static void print_help(void)
{
	g_autofree char *module = ways_module_names();
	g_autofree char *agent = ways_agent_names();

	puts("Usage: setup [COMMAND] [OPTION...]\n\n"
	     "Installs the guest tools from their medium.\n\nCommands (default: install):");
	for (gsize i = 0; i < G_N_ELEMENTS(subcommands); i++)
		printf("  %-10s %s\n", subcommands[i].name, subcommands[i].help);
	puts("\nOptions:\n"
	     "  --yes             do not ask before changing anything\n"
	     "  --root=DIR        work on the system in DIR, not on the running one\n"
	     "  --medium=DIR      where the medium is, if not where setup lies");
	printf("  --module=WAY      %s; default: the first possible\n", module);
	printf("  --agent=WAY       %s; default: the first possible\n", agent);
	puts("  --replace-agent   stop and mask another agent that uses the channel\n"
	     "  --downgrade       install an older version than the present one\n"
	     "  --self-test       install, status: freeze a small file system, to see it work\n"
	     "  --json            print one JSON document, and nothing else, to stdout\n"
	     "  --quiet           print problems only\n"
	     "  --log=FILE        append all that is said to FILE\n"
	     "  --help, --version\n\nExit codes:");
	for (const struct exit_code *row = exit_codes; row->meaning; row++)
		printf("  %2d  %s\n", row->code, row->meaning);
}

static gboolean parse(int *argc, char ***argv, struct options *o, GError **err)
{
	const GOptionEntry entries[] = {
		{ "yes", 'y', 0, G_OPTION_ARG_NONE, &o->yes, NULL, NULL },
		{ "quiet", 'q', 0, G_OPTION_ARG_NONE, &o->quiet, NULL, NULL },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &o->json, NULL, NULL },
		{ "root", 0, 0, G_OPTION_ARG_FILENAME, &o->root, NULL, NULL },
		{ "medium", 0, 0, G_OPTION_ARG_FILENAME, &o->medium, NULL, NULL },
		{ "module", 0, 0, G_OPTION_ARG_STRING, &o->module, NULL, NULL },
		{ "agent", 0, 0, G_OPTION_ARG_STRING, &o->agent, NULL, NULL },
		{ "log", 0, 0, G_OPTION_ARG_FILENAME, &o->log, NULL, NULL },
		{ "replace-agent", 0, 0, G_OPTION_ARG_NONE, &o->replace_agent, NULL, NULL },
		{ "self-test", 0, 0, G_OPTION_ARG_NONE, &o->self_test, NULL, NULL },
		{ "downgrade", 0, 0, G_OPTION_ARG_NONE, &o->downgrade, NULL, NULL },
		{ "help", 'h', 0, G_OPTION_ARG_NONE, &o->help, NULL, NULL },
		{ "version", 'V', 0, G_OPTION_ARG_NONE, &o->version, NULL, NULL },
		{ NULL, 0, 0, 0, NULL, NULL, NULL },
	};
	GOptionContext *parser = g_option_context_new(NULL);
	g_autoptr(GError) problem = NULL;

	g_option_context_set_help_enabled(parser, FALSE);
	g_option_context_add_main_entries(parser, entries, NULL);
	gboolean good = g_option_context_parse(parser, argc, argv, &problem);

	g_option_context_free(parser);
	if (!good)
		return setup_fail(err, SETUP_USAGE, "%s", problem->message);
	if (o->module && !ways_is_module(o->module))
		return setup_fail(err, SETUP_USAGE, "there is no module way \"%s\"", o->module);
	if (o->agent && !ways_is_agent(o->agent))
		return setup_fail(err, SETUP_USAGE, "there is no agent way \"%s\"", o->agent);
	return TRUE;
}

/* In memory of the guest where it is one; else where the guest's own state goes. */
static const char *choose_stage(const struct root *root)
{
	struct statfs fs;

	if (root_is_live(root) && statfs("/run", &fs) == 0 && fs.f_type == 0x01021994)
		return "/run/guest-tools-setup";
	return "/var/lib/guest-tools/stage";
}

static gboolean open_medium(struct context *c, GError **err)
{
	g_autofree char *path =
		c->options->medium ? g_strdup(c->options->medium) : medium_find();

	if (!path)
		return setup_fail(err, SETUP_MEDIUM,
				  "cannot find the medium: mount it and give --medium=DIR, "
				  "or run the setup that is on it");
	/* What cannot be read has no say here; whether that is an error, prepare() says. */
	g_autoptr(SetupState) installed = state_load(c->root, NULL);
	g_autoptr(SetupKeys) trusted = keys_trusted(c->root, installed);

	c->medium = medium_open(path, trusted, err);
	return c->medium && medium_verify(c->medium, err);
}

static gboolean repair(struct context *c, json_t *document, GError **err)
{
	struct outcome outcome;
	gboolean found, good;

	outcome_init(&outcome);
	good = apply_recover(c, &outcome, &found, err);
	outcome_clear(&outcome);
	json_object_set_new(document, "recovered", json_boolean(found));
	if (!good || !found)
		return good;
	detection_free(c->detection);
	state_free(c->state);
	c->detection = detect(c->root);
	c->state = state_load(c->root, err);
	return TRUE;
}

/* What all commands have in common, in the order in which it can go wrong. */
static gboolean prepare(struct context *c, const struct subcommand *command, json_t *document,
			GError **err)
{
	g_autoptr(GError) problem = NULL;

	if (c->options->log && !ui_log_to(c->options->log, err))
		return FALSE;
	c->root = root_new(c->options->root ? c->options->root : "/", err);
	if (!c->root || ((command->needs & CHANGES) && !check_privilege(c->root, err)))
		return FALSE;
	if ((command->needs & MEDIUM) && !open_medium(c, err))
		return FALSE;
	if ((command->needs & CHANGES) && !check_lock(c->root, err))
		return FALSE;
	c->stage = g_strdup(choose_stage(c->root));
	c->detection = detect(c->root);
	c->state = state_load(c->root, &problem);
	if (problem && (command->needs & CHANGES)) {
		g_propagate_error(err, g_steal_pointer(&problem));
		return FALSE;
	}
	if (!(command->needs & CHANGES))
		return TRUE;
	return !root_take_damage(c->root, err) && repair(c, document, err) &&
	       !root_take_damage(c->root, err);
}

static int finish(const struct options *o, json_t *document, GError *problem)
{
	int code = problem ? problem->code : SETUP_OK;

	if (problem)
		ui_warn("%s", problem->message);
	json_object_set_new(document, "exit", json_integer(code));
	if (problem)
		json_object_set_new(document, "error", json_string(problem->message));
	if (o->json)
		report_print(document);
	else
		json_decref(document);
	if (problem)
		g_error_free(problem);
	return code;
}

static void context_clear(struct context *c)
{
	state_free(c->state);
	detection_free(c->detection);
	medium_free(c->medium);
	root_free(c->root);
	g_free(c->stage);
}

static int run(const struct subcommand *command, const struct options *o)
{
	struct context c = { .options = o };
	json_t *document = json_pack("{s:s}", "command", command->name);
	GError *problem = NULL;

	if (prepare(&c, command, document, &problem))
		command->run(&c, document, &problem);
	context_clear(&c);
	return finish(o, document, problem);
}

static int usage(const char *why)
{
	fprintf(stderr, "setup: %s\nTry: setup --help\n", why);
	return SETUP_USAGE;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	g_autoptr(GError) problem = NULL;
	const struct subcommand *command;
	g_auto(GStrv) copy = g_strdupv(argv);

	if (!parse(&argc, &argv, &o, &problem))
		return usage(problem->message);
	if (o.help) {
		print_help();
		return SETUP_OK;
	}
	if (o.version) {
		puts("guest-tools-setup " SETUP_VERSION);
		return SETUP_OK;
	}
	command = find_subcommand(argc > 1 ? argv[1] : "install");
	if (!command) {
		g_autofree char *why = g_strdup_printf("there is no command \"%s\"", argv[1]);

		return usage(why);
	}
	if (argc > (command->needs & ARGUMENT ? 3 : 2))
		return usage("one command only");
	if ((command->needs & ARGUMENT) && argc < 3)
		return usage("extract needs a directory: setup extract DIR");
	if (o.self_test && !(command->needs & CAN_TEST))
		return usage("--self-test is for install and status");
	o.argument = argc == 3 ? argv[2] : NULL;
	/* Directories that are made have the modes that packages give them, whoever calls. */
	umask(022);
	if (command->needs & CHANGES)
		ram_enter(copy);
	ui_init(&(struct ui_options){ o.quiet, o.json, o.yes });
	command_catch_signals();
	return run(command, &o);
}
