// SPDX-License-Identifier: GPL-2.0-or-later
#include "service.h"

#include <string.h>

#include "agents.h"
#include "command.h"
#include "error.h"
#include "rclinks.h"

/* Run a program of the root; TRUE when it ends with 0, else an error with its own words. */
static gboolean run(const struct root *root, const char *const *argv, GError **err)
{
	g_autoptr(GString) output = g_string_new(NULL);
	g_autofree char *line = g_strjoinv(" ", (char **)argv);
	int status = command_run(root, argv, COMMAND_INTERRUPTIBLE, output, err);

	if (status <= 0)
		return status == 0;
	g_autofree char *words = command_last_line(output);

	return setup_fail(err, SETUP_FAILED, "cannot run %s: it says: %s", line, words);
}

/* @service may be NULL: for a verb on the init system itself. */
static gboolean run_program(const struct root *root, const char *name, const char *verb,
			    const char *service, GError **err)
{
	g_autofree char *program = root_find_program(root, name);
	const char *const argv[] = { program, verb, service, NULL };

	if (!program)
		return setup_fail(err, SETUP_FAILED, "cannot %s %s: there is no %s", verb,
				  service ? service : "the init system", name);
	return run(root, argv, err);
}

static gboolean systemd_runs(const struct root *root)
{
	return root_is_dir(root, "/run/systemd/system");
}

/* Where OpenRC has kept its state, newest first. */
static gboolean openrc_runs(const struct root *root)
{
	return root_exists(root, "/run/openrc/softlevel") ||
	       root_exists(root, "/lib/rc/init.d/softlevel") ||
	       root_exists(root, "/libexec/rc/init.d/softlevel");
}

static gboolean upstart_runs(const struct root *root)
{
	g_autofree char *program = root_find_program(root, "initctl");
	g_autoptr(GString) output = g_string_new(NULL);
	const char *const argv[] = { program, "version", NULL };

	return program && command_run(root, argv, COMMAND_INTERRUPTIBLE, output, NULL) == 0 &&
	       strstr(output->str, "upstart");
}

/* Its pipe; systemd has one as well, and OpenRC runs above it. */
static gboolean sysvinit_runs(const struct root *root)
{
	return !systemd_runs(root) && !openrc_runs(root) &&
	       (root_exists(root, "/run/initctl") || root_exists(root, "/dev/initctl"));
}

static gboolean always(const struct root *root)
{
	return TRUE;
}

static void add_link(GPtrArray *links, char *path, char *target)
{
	struct service_link *link = g_new0(struct service_link, 1);

	link->path = path;
	link->target = target;
	g_ptr_array_add(links, link);
}

/* Add the links for "WantedBy=a.target b.target", if the line is that. */
static void add_targets(GPtrArray *links, const char *line, const char *file, const char *unit)
{
	static const struct {
		const char *key, *suffix;
	} installs[] = { { "WantedBy=", ".wants" }, { "RequiredBy=", ".requires" } };

	for (gsize i = 0; i < G_N_ELEMENTS(installs); i++) {
		if (!g_str_has_prefix(line, installs[i].key))
			continue;
		g_auto(GStrv) targets = g_strsplit(line + strlen(installs[i].key), " ", -1);

		for (char **target = targets; *target; target++)
			if (**target && !strchr(*target, '/'))
				add_link(links,
					 g_strdup_printf("/etc/systemd/system/%s%s/%s", *target,
							 installs[i].suffix, unit),
					 g_strdup(file));
	}
}

static void systemd_links(const struct root *root, const char *file, const char *unit,
			  GPtrArray *links)
{
	g_autofree char *text = root_read(root, file, 65536, NULL);
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
	gboolean inside = FALSE;

	for (char **line = lines; *line; line++) {
		g_strstrip(*line);
		if (**line == '[')
			inside = strcmp(*line, "[Install]") == 0;
		else if (inside)
			add_targets(links, *line, file, unit);
	}
}

static void openrc_links(const struct root *root, const char *file, const char *service,
			 GPtrArray *links)
{
	add_link(links, g_strdup_printf("/etc/runlevels/default/%s", service), g_strdup(file));
}

static void sysvinit_links(const struct root *root, const char *file, const char *service,
			   GPtrArray *links)
{
	g_autoptr(GPtrArray) paths = rclinks_wanted(root, file, service);

	for (guint i = 0; i < paths->len; i++)
		add_link(links, g_strdup(paths->pdata[i]), rclinks_target(root, service));
}

static gboolean systemd_changed(const struct root *root, const char *service, gboolean enabled,
				GError **err)
{
	return run_program(root, "systemctl", "daemon-reload", NULL, err);
}

static gboolean upstart_changed(const struct root *root, const char *service, gboolean enabled,
				GError **err)
{
	return run_program(root, "initctl", "reload-configuration", NULL, err);
}

static const struct init_system inits[] = {
	{ .name = "systemd",
	  .suffix = ".service",
	  .file = "/usr/lib/systemd/system/%s",
	  .log = "journalctl -u %s",
	  .by_device = TRUE,
	  .runs = systemd_runs,
	  .add_links = systemd_links,
	  .changed = systemd_changed,
	  .program = "systemctl",
	  .query = "is-active" },
	{ .name = "sysvinit",
	  .suffix = "",
	  .file = "/etc/init.d/%s",
	  .source = "sysvinit",
	  .log = "the system's log",
	  .runs = sysvinit_runs,
	  .add_links = sysvinit_links,
	  .is_listed = rclinks_is_listed,
	  .list = rclinks_list,
	  .changed = rclinks_changed,
	  .query = "status" },
	{ .name = "openrc",
	  .suffix = "",
	  .file = "/etc/init.d/%s",
	  .source = "openrc",
	  .log = "the system's log",
	  .runs = openrc_runs,
	  .add_links = openrc_links,
	  .query = "status" },
	{ .name = "upstart",
	  .suffix = "",
	  .file = "/etc/init/%s.conf",
	  .source = "upstart",
	  .log = "/var/log/upstart/%s.log",
	  .runs = upstart_runs,
	  .changed = upstart_changed,
	  .program = "initctl",
	  .query = "status",
	  .running = "start/running" },
	{ .name = "runit", .log = "the system's log", .runs = always },
	{ .name = "slackware", .log = "the system's log", .runs = always },
	{ .name = "busybox", .log = "the system's log", .runs = always },
	{ .name = "unknown", .log = "the system's log", .runs = always },
};

const struct init_system *service_init(const char *name)
{
	gsize last = G_N_ELEMENTS(inits) - 1;

	for (gsize i = 0; i < last; i++)
		if (g_strcmp0(inits[i].name, name) == 0)
			return &inits[i];
	return &inits[last];
}

gboolean service_init_runs(const struct root *root, const struct init_system *init)
{
	return root_is_live(root) && init->runs(root);
}

char *service_agent(const struct init_system *init)
{
	return g_strconcat(AGENT_PACKAGE, init->suffix, NULL);
}

char *service_file(const struct root *root, const struct init_system *init, const char *service)
{
	char *unit = init->source || !init->file ? NULL : agents_unit_path(root, service);
	g_auto(GStrv) parts = NULL;

	if (unit || !init->file)
		return unit;
	parts = g_strsplit(init->file, "%s", 2);
	return g_strjoinv(service, parts);
}

static void link_free(gpointer data)
{
	struct service_link *link = data;

	g_free(link->path);
	g_free(link->target);
	g_free(link);
}

GPtrArray *service_links(const struct root *root, const struct init_system *init,
			 const char *service)
{
	GPtrArray *links = g_ptr_array_new_with_free_func(link_free);
	g_autofree char *file = service_file(root, init, service);

	if (file && init->add_links && root_exists(root, file))
		init->add_links(root, file, service, links);
	return links;
}

char *service_link_there(const struct root *root, const char *path)
{
	g_autofree char *target = root_readlink(root, path);

	return target ? g_strdup(path) : rclinks_find(root, path);
}

gboolean service_is_enabled(const struct root *root, const struct init_system *init,
			    const char *service)
{
	g_autofree char *file = service_file(root, init, service);
	g_autoptr(GPtrArray) links = service_links(root, init, service);

	for (guint i = 0; i < links->len; i++) {
		g_autofree char *there =
			service_link_there(root, ((struct service_link *)links->pdata[i])->path);

		if (!there)
			return FALSE;
	}
	return file && root_exists(root, file) && (links->len || !init->add_links) &&
	       (!init->is_listed || init->is_listed(root, service));
}

/* The words of one call: whoever drives services, or the start file itself. */
static gboolean control(const struct root *root, const struct init_system *init, const char *verb,
			const char *service, GError **err)
{
	g_autofree char *file = service_file(root, init, service);
	const char *const argv[] = { file, verb, NULL };

	if (init->program)
		return run_program(root, init->program, verb, service, err);
	return run(root, argv, err);
}

static gboolean says_running(const struct root *root, const struct init_system *init,
			     const char *service)
{
	g_autofree char *program = root_find_program(root, init->program);
	g_autoptr(GString) output = g_string_new(NULL);
	const char *const argv[] = { program, init->query, service, NULL };

	return program && command_run(root, argv, COMMAND_INTERRUPTIBLE, output, NULL) == 0 &&
	       strstr(output->str, init->running);
}

gboolean service_is_active(const struct root *root, const struct init_system *init,
			   const char *service)
{
	g_autofree char *file = service_file(root, init, service);

	if (!service_init_runs(root, init))
		return FALSE;
	if (!file)
		return agents_is_running(root, AGENT_PROGRAM);
	if (init->running)
		return says_running(root, init, service);
	return root_exists(root, file) && control(root, init, init->query, service, NULL);
}

gboolean service_stop(const struct root *root, const struct init_system *init, const char *service,
		      GError **err)
{
	return !service_init_runs(root, init) || control(root, init, "stop", service, err);
}

/* Stopped and started: "restart" is an error for a stopped one to some, and to others leaves its
 * old start file in force. */
gboolean service_start(const struct root *root, const struct init_system *init, const char *service,
		       GError **err)
{
	if (!service_init_runs(root, init))
		return TRUE;
	if (service_is_active(root, init, service) && !control(root, init, "stop", service, err))
		return FALSE;
	return control(root, init, "start", service, err);
}

gboolean service_changed(const struct root *root, const struct init_system *init,
			 const char *service, gboolean enabled, GError **err)
{
	if (init->list && !init->list(root, service, enabled, err))
		return FALSE;
	return !init->changed || !service_init_runs(root, init) ||
	       init->changed(root, service, enabled, err);
}
