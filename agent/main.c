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
#include "error.h"
#include "freeze.h"
#include "hooks.h"
#include "log.h"
#include "options.h"
#include "stale.h"
#include "transport.h"

/* Exit statuses, as guest-tools-agent(8) lists them. */
enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2 };

static GMainLoop *loop;

static void thawed_for_exit(guint count, GError *error, gpointer data)
{
	g_clear_error(&error);
	g_main_loop_quit(loop);
}

static void signal_arrived_cb(int signum)
{
	if (signum == SIGHUP)
		return;
	g_info("stopping on signal %d", signum);
	freeze_thaw(thawed_for_exit, NULL);
}

/* A core file would be written to a file system that is frozen, before the freeze is let go. */
static void no_core(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
}

static gboolean write_pidfile(const char *path, GError **error)
{
	g_autofree char *text = g_strdup_printf("%d\n", (int)getpid());

	if (!path)
		return TRUE;
	return g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0644, error);
}

static gboolean print(char *text)
{
	g_print("%s", text);
	g_free(text);
	return TRUE;
}

/* What only prints or does one thing. */
static gboolean do_at_once(const struct options *options)
{
	if (options->show_help)
		return print(options_help());
	if (options->show_version)
		return print(g_strdup("guest-tools-agent " VERSION "\n"));
	if (options->dump_config)
		return print(options_dump(options));
	if (options->thaw) {
		guint count = stale_thaw();

		return count == 0 || print(g_strdup_printf("%u file systems thawed\n", count));
	}
	return FALSE;
}

static gboolean thaw_stale(void)
{
	guint count = stale_thaw();

	if (count > 0)
		g_warning("thawed %u file systems that an agent before this one had frozen", count);
	return TRUE;
}

static gboolean serve(const struct options *options, GError **error)
{
	const struct transport *transport = transport_find(options->method, error);
	const char *path;
	struct channel *channel;

	if (!transport)
		return FALSE;
	path = options->path ? options->path : transport->default_path;
	if (!path) {
		g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "method %s needs a path",
			    options->method);
		return FALSE;
	}
	channel = channel_new(transport, path, error);
	if (!channel)
		return FALSE;
	g_main_loop_run(loop);
	channel_free(channel);
	return TRUE;
}

static gboolean run(const struct options *options, GError **error)
{
	gboolean ok;

	umask(0077);
	no_core();
	loop = g_main_loop_new(NULL, FALSE);
	freeze_init(options->engine, (guint)options->freeze_timeout * 1000);
	hooks_init(*options->hook ? options->hook : NULL, (guint)options->hooks_timeout * 1000);
	ok = commands_allow(options->block, options->allow, error) &&
	     log_init(options->logfile, options->verbose, error) &&
	     signals_init(signal_arrived_cb, error) && write_pidfile(options->pidfile, error) &&
	     thaw_stale() && serve(options, error);
	if (ok && options->pidfile)
		unlink(options->pidfile);
	g_main_loop_unref(loop);
	return ok;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	struct options options;
	int status = STATUS_OK;

	if (!options_parse(&options, argc, argv, &error)) {
		fprintf(stderr, "guest-tools-agent: %s\nTry 'guest-tools-agent --help'.\n",
			error->message);
		return STATUS_USAGE;
	}
	if (!do_at_once(&options) && !run(&options, &error)) {
		fprintf(stderr, "guest-tools-agent: %s\n", error->message);
		status = STATUS_FAILED;
	}
	options_clear(&options);
	return status;
}
