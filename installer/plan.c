// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan.h"

#include <string.h>

#include "error.h"
#include "prebuilt.h"
#include "selinux.h"
#include "updates.h"

static void module_choice_free(gpointer data)
{
	struct module_choice *module = data;

	choice_free(module->choice);
	g_free(module);
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	choice_free(plan->agent);
	g_ptr_array_unref(plan->modules);
	g_ptr_array_unref(plan->steps);
	g_free(plan);
}

/* Add a step unless all is as it would leave it. A source missing on the medium is a bug of it. */
static gboolean add(struct plan *plan, const struct context *c, const struct step_kind *kind,
		    const char *object, const struct medium_file *source)
{
	struct step *step = step_new(kind, object, source);

	if (kind->satisfied && kind->satisfied(c, step)) {
		step_free(step);
		return FALSE;
	}
	g_ptr_array_add(plan->steps, step);
	return TRUE;
}

/* A package, and its file kept for the undo of a later upgrade. */
static gboolean add_package(struct plan *plan, const struct context *c, const char *package,
			const char *architecture)
{
	const char *suffix = c->detection->packages->suffix;
	g_autofree char *path = packages_medium_path(c->detection->packages, package,
						     medium_version(c->medium), architecture);
	const struct medium_file *file = medium_file(c->medium, path);
	g_autofree char *kept = g_strdup_printf("%s/%s%s", STATE_KEPT, package, suffix);

	gboolean changes = file && add(plan, c, &step_package, package, file);

	if (file)
		add(plan, c, &step_keep, kept, file);
	return changes;
}

static void add_static(struct plan *plan, const struct context *c)
{
	g_autofree char *tree = g_strdup_printf("%s/tree/", c->detection->architecture);
	g_autoptr(GPtrArray) files = medium_files_below(c->medium, tree);

	for (guint i = 0; i < files->len; i++) {
		const struct medium_file *file = files->pdata[i];
		g_autofree char *path = g_strconcat("/", file->path + strlen(tree), NULL);

		add(plan, c, &step_put, path, file);
	}
}

static void add_replacement(struct plan *plan, const struct context *c)
{
	if (!c->detection->has_other_agent || !c->options->replace_agent)
		return;
	add(plan, c, &step_stop, c->detection->other_agent.unit, NULL);
	add(plan, c, &step_mask, c->detection->other_agent.unit, NULL);
}

static gboolean goes_way(const struct module_choice *module, const char *way)
{
	return g_strcmp0(module->choice->way, way) == 0;
}

static void add_dkms(struct plan *plan, const struct context *c)
{
	guint before = plan->steps->len;

	add(plan, c, &step_guard, "/var/lib/dkms/mok.key", NULL);
	add(plan, c, &step_guard, "/var/lib/dkms/mok.pub", NULL);
	if (!add_package(plan, c, MODULE_PACKAGE, "all"))
		g_ptr_array_set_size(plan->steps, before);
}

/* The source, the program that builds it, and the hooks that run that for new kernels. */
static void add_direct(struct plan *plan, const struct context *c)
{
	const struct medium_file *hook = medium_file(c->medium, MEDIUM_MODULE "kernel-hook");
	const char *const *hooks = updates_hooks(c->detection);
	g_autoptr(GPtrArray) files = medium_files_below(c->medium, MEDIUM_SOURCE);

	for (guint i = 0; i < files->len; i++) {
		const struct medium_file *file = files->pdata[i];
		g_autofree char *path = g_build_filename(UPDATES_SOURCE,
							 file->path + strlen(MEDIUM_SOURCE), NULL);

		add(plan, c, &step_source, path, file);
	}
	add(plan, c, &step_put, UPDATES_BUILD, medium_file(c->medium, MEDIUM_BUILD));
	for (; *hooks && hook; hooks++)
		add(plan, c, &step_put, *hooks, hook);
}

static void add_dkms_build(struct plan *plan, const struct context *c, const char *release)
{
	add(plan, c, &step_build_module, release, NULL);
}

static void add_direct_build(struct plan *plan, const struct context *c, const char *release)
{
	add(plan, c, &step_build_direct, release, NULL);
}

static void add_prebuilt(struct plan *plan, const struct context *c, const char *release)
{
	g_autofree char *path = updates_path(c->root, release);

	add(plan, c, &step_prebuilt, path,
	    prebuilt_file(c->medium, c->detection->architecture, release));
}

static const struct module_way {
	const char *name;
	void (*add_once)(struct plan *plan, const struct context *c); /* before all; or NULL */
	void (*add)(struct plan *plan, const struct context *c, const char *release);
	const struct step_kind *last; /* once after all, or NULL */
} module_ways[] = {
	{ "prebuilt", NULL, add_prebuilt, NULL },
	{ "dkms", add_dkms, add_dkms_build, NULL },
	{ "direct", add_direct, add_direct_build, &step_rebuild },
};

static void add_way(struct plan *plan, const struct context *c, const struct module_way *way)
{
	gboolean any = FALSE;

	for (guint i = 0; i < plan->modules->len; i++) {
		const struct module_choice *module = plan->modules->pdata[i];

		if (!goes_way(module, way->name))
			continue;
		if (!any && way->add_once)
			way->add_once(plan, c);
		any = TRUE;
		way->add(plan, c, module->kernel->release);
		if (module->kernel->running)
			add(plan, c, &step_load_module, module->kernel->release, NULL);
	}
	if (any && way->last)
		add(plan, c, way->last, "/lib/modules", NULL);
}

/* setup itself and its manual, so that it can be run again without the medium. */
static void add_setup(struct plan *plan, const struct context *c)
{
	static const char *const files[][2] = {
		{ "setup", "/usr/sbin/guest-tools-setup" },
		{ "guest-tools-setup.8", "/usr/share/man/man8/guest-tools-setup.8" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
		const struct medium_file *file =
			medium_filef(c->medium, "%s/%s", c->detection->architecture, files[i][0]);

		if (file)
			add(plan, c, &step_put, files[i][1], file);
	}
}

static void add_agent(struct plan *plan, const struct context *c)
{
	const char *architecture = c->detection->architecture;

	if (strcmp(plan->agent->way, "package") == 0)
		add_package(plan, c, AGENT_PACKAGE, architecture);
	else
		add_static(plan, c);
	add_setup(plan, c);
}

/* The start file of the guest's init system; FALSE where there will be none. */
static gboolean add_start_file(struct plan *plan, const struct context *c, const char *service)
{
	const struct init_system *init = c->detection->init;
	g_autofree char *path = service_file(c->root, init, service);
	const struct medium_file *file;

	if (!path || !init->source)
		return path != NULL;
	if (strcmp(plan->agent->way, "package") == 0 && c->detection->packages->brings_start_files)
		return TRUE;
	file = medium_filef(c->medium, "%s/tree/usr/share/guest-tools/init/%s",
			    c->detection->architecture, init->source);
	if (file)
		add(plan, c, &step_put, path, file);
	return file != NULL;
}

/* A changed agent is started again, so what runs is what was installed. */
static void add_service(struct plan *plan, const struct context *c, gboolean agent_changes)
{
	g_autofree char *service = service_agent(c->detection->init);

	if (!add_start_file(plan, c, service))
		return;
	add(plan, c, &step_enable, service, NULL);
	if (!c->detection->init_runs)
		return;
	if (agent_changes)
		g_ptr_array_add(plan->steps, step_new(&step_start, service, NULL));
	else
		add(plan, c, &step_start, service, NULL);
}

/* Everything from the medium is copied before the first change, so that it may go away then. */
static void add_staging(struct plan *plan, const struct context *c)
{
	struct step *stage = step_new(&step_stage, c->stage, NULL);

	stage->sources = g_ptr_array_new();
	for (guint i = 0; i < plan->steps->len; i++) {
		struct step *step = plan->steps->pdata[i];

		if (step->source &&
		    !g_ptr_array_find(stage->sources, step->source, NULL))
			g_ptr_array_add(stage->sources, (gpointer)step->source);
	}
	if (stage->sources->len)
		g_ptr_array_insert(plan->steps, 0, stage);
	else
		step_free(stage);
}

/*
 * What setup itself put below updates/ stays there in an upgrade: DKMS may have come since, and
 * would put a second one beside it.
 */
static struct choice *choose_module(const struct context *c, const struct way_input *input)
{
	g_autofree char *path = updates_path(c->root, input->kernel->release);
	const char *again[3] = { NULL };
	gsize n = 0;

	if (state_record(c->state, step_prebuilt.name, path))
		again[n++] = "prebuilt";
	if (n || state_record(c->state, step_build_direct.name, input->kernel->release))
		again[n++] = "direct";
	for (gsize i = 0; i < n && !c->options->module; i++) {
		struct choice *choice = ways_choose_module(input, again[i]);

		if (choice->way)
			return choice;
		choice_free(choice);
	}
	return ways_choose_module(input, c->options->module);
}

static void choose_modules(struct plan *plan, const struct context *c)
{
	for (guint i = 0; i < c->detection->kernels->len; i++) {
		struct module_choice *module = g_new0(struct module_choice, 1);
		struct way_input input = { c->detection, c->medium,
					   c->detection->kernels->pdata[i] };

		module->kernel = input.kernel;
		module->choice = choose_module(c, &input);
		g_ptr_array_add(plan->modules, module);
	}
}

static gboolean fail_rejected(const struct choice *choice, const char *what, GError **err)
{
	g_autoptr(GString) why = g_string_new(NULL);

	for (guint i = 0; i < choice->rejected->len; i++) {
		const struct way_answer *no = choice->rejected->pdata[i];

		g_string_append_printf(why, "%s%s: %s", i ? "; " : "", no->way, no->reason);
	}
	return setup_fail(err, SETUP_REFUSED, "cannot install %s: %s", what, why->str);
}

/* A way chosen by hand for the module must go for one kernel at least. */
static gboolean check_wish(const struct plan *plan, const struct context *c, GError **err)
{
	for (guint i = 0; c->options->module && i < plan->modules->len; i++)
		if (((struct module_choice *)plan->modules->pdata[i])->choice->way)
			return TRUE;
	if (!c->options->module || strcmp(c->options->module, "none") == 0)
		return TRUE;
	if (plan->modules->len)
		return fail_rejected(((struct module_choice *)plan->modules->pdata[0])->choice,
				     "the module", err);
	return setup_fail(err, SETUP_REFUSED, "cannot install the module: there is no kernel in %s",
			  root_path(c->root));
}

struct plan *plan_make(const struct context *c, GError **err)
{
	g_autoptr(SetupPlan) plan = g_new0(struct plan, 1);
	struct way_input input = { c->detection, c->medium, NULL };

	plan->modules = g_ptr_array_new_with_free_func(module_choice_free);
	plan->steps = g_ptr_array_new_with_free_func(step_free);
	plan->agent = ways_choose_agent(&input, c->options->agent);
	if (!plan->agent->way) {
		fail_rejected(plan->agent, "the agent", err);
		return NULL;
	}
	choose_modules(plan, c);
	if (!check_wish(plan, c, err))
		return NULL;
	add_replacement(plan, c);
	guint before = plan->steps->len;

	add_agent(plan, c);
	gboolean agent_changes = plan->steps->len > before;

	for (gsize i = 0; i < G_N_ELEMENTS(module_ways); i++)
		add_way(plan, c, &module_ways[i]);
	add_service(plan, c, agent_changes);
	if (plan->steps->len)
		add(plan, c, &step_relabel, SELINUX_RELABEL, NULL);
	add_staging(plan, c);
	return g_steal_pointer(&plan);
}

goffset plan_size(const struct plan *plan)
{
	goffset size = 0;

	for (guint i = 0; i < plan->steps->len; i++) {
		const struct step *step = plan->steps->pdata[i];

		for (guint j = 0; step->sources && j < step->sources->len; j++)
			size += ((const struct medium_file *)step->sources->pdata[j])->size;
	}
	return size;
}
