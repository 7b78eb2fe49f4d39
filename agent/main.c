/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agent's wiring: options, objects, main loop. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channel.h"
#include "child.h"
#include "command.h"
#include "daemon.h"
#include "error.h"
#include "freeze.h"
#include "helper.h"
#include "hooks.h"
#include "log.h"
#include "options.h"
#include "pidfile.h"
#include "stale.h"
#include "transport.h"

/* Exit statuses, as guest-tools-agent(8) lists them. */
enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

static GMainLoop *loop;
static char **arguments;       /* of the command line, to read the options again */
static struct options options; /* in force */

static void thawed_for_exit(guint count, GError *error, gpointer data)
{
	g_clear_error(&error);
	g_main_loop_quit(loop);
}

/* What can be changed while the agent runs, and nothing is frozen. */
static gboolean apply(const struct options *from, GError **error)
{
	if (!commands_allow(from->profile, from->block, from->allow, error) ||
	    !log_init(from->logfile, from->verbose, error))
		return FALSE;
	freeze_init(from->engine, (guint)from->freeze_timeout * 1000);
	hooks_init(*from->hook ? from->hook : NULL, (guint)from->hooks_timeout * 1000);
	return TRUE;
}

/* What is wrong now changes nothing of what was right. */
static void reload(void)
{
	g_autoptr(GError) error = NULL;
	struct options fresh;

	if (!options_parse(&fresh, arguments, &error)) {
		g_warning("cannot reload: %s", error->message);
		return;
	}
	if (!apply(&fresh, &error)) {
		g_warning("cannot reload: %s", error->message);
		apply(&options, NULL);
		options_clear(&fresh);
		return;
	}
	if (g_strcmp0(fresh.method, options.method) || g_strcmp0(fresh.path, options.path))
		g_warning("the channel is another one only after a restart");
	options_clear(&options);
	options = fresh;
	g_message("options are read again");
}

static void signal_arrived_cb(int signum)
{
	if (signum == SIGHUP) {
		freeze_when_thawed(reload);
		return;
	}
	g_info("stopping on signal %d", signum);
	freeze_thaw(thawed_for_exit, NULL);
}

/* A core file would be written to a file system that is frozen, before the freeze is let go. */
static void no_core(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
}

static gboolean print(char *text)
{
	g_print("%s", text);
	g_free(text);
	return TRUE;
}

/* What only prints or does one thing. */
static gboolean do_at_once(void)
{
	if (options.show_help)
		return print(options_help());
	if (options.show_version)
		return print(g_strdup("guest-tools-agent " VERSION "\n"));
	if (options_list_commands(&options)) {
		for (const struct command *c = commands_next(NULL); c; c = commands_next(c))
			g_print("%s\n", c->name);
		return TRUE;
	}
	if (options.dump_config)
		return print(options_dump(&options));
	if (options.thaw) {
		guint count = stale_thaw();

		return count == 0 || print(g_strdup_printf("%u file systems thawed\n", count));
	}
	return FALSE;
}

/* What there is while a helper starts is the agent's own. */
static gboolean thaw_stale(void)
{
	guint count = options_is_helper(&options) ? 0 : stale_thaw();

	if (count > 0)
		g_warning("thawed %u file systems that an agent before this one had frozen", count);
	return TRUE;
}

static struct channel *open_channel(GError **error)
{
	const struct transport *transport = transport_find(options.method, error);
	GError *wrong = NULL;
	const char *path;
	int listener;

	if (!transport)
		return NULL;
	listener = transport_activated(transport, &wrong);
	if (wrong) {
		g_propagate_error(error, wrong);
		return NULL;
	}
	path = options.path ? options.path : transport->default_path;
	if (!path && listener < 0) {
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "method %s needs a path",
			    options.method);
		return NULL;
	}
	return channel_new(transport, listener < 0 ? path : NULL, listener, error);
}

static void take_role(void)
{
	if (options_is_helper(&options)) {
		commands_init(COMMANDS_HELP);
	} else if (options.helper) {
		commands_init(COMMANDS_ASK);
		helper_init(options.helper);
	}
}

static gboolean serve(GError **error)
{
	struct channel *channel = open_channel(error);

	if (!channel)
		return FALSE;
	daemon_ready();
	g_main_loop_run(loop);
	channel_free(channel);
	return TRUE;
}

static gboolean run(GError **error)
{
	gboolean ok;

	umask(0077);
	no_core();
	loop = g_main_loop_new(NULL, FALSE);
	take_role();
	ok = (!options.daemon || daemon_detach(error)) && apply(&options, error) &&
	     signals_init(signal_arrived_cb, error) &&
	     (!options.pidfile || pidfile_take(options.pidfile, error)) && thaw_stale() &&
	     serve(error);
	pidfile_remove();
	g_main_loop_unref(loop);
	return ok;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	int status = STATUS_OK;

	arguments = argv;
	if (!options_parse(&options, argv, &error)) {
		fprintf(stderr, "guest-tools-agent: %s\nTry 'guest-tools-agent --help'.\n",
			error->message);
		return STATUS_USAGE;
	}
	if (!do_at_once() && !run(&error)) {
		fprintf(stderr, "guest-tools-agent: %s\n", error->message);
		status = STATUS_FAILED;
	}
	options_clear(&options);
	return status;
}
