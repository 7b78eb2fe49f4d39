// SPDX-License-Identifier: GPL-2.0-or-later
/* Steps on modules that setup puts below updates/ itself. None of them can make an install fail. */
#include <string.h>

#include "command.h"
#include "error.h"
#include "step.h"
#include "updates.h"

/* Of the version that is installed by then, and by nobody else. */
static gboolean build_satisfied(const struct context *c, const struct step *step)
{
	g_autofree char *version = updates_version(c->root, step->object);

	return state_record(c->state, step->kind->name, step->object) &&
	       g_strcmp0(version, medium_version(c->medium)) == 0;
}

static gboolean build_prepare(const struct context *c, const struct step *step, json_t *undo,
			      json_t *now, GError **err)
{
	g_autofree char *path = updates_path(c->root, step->object);

	return step_prepare_file(c, path, undo, err);
}

static gboolean build_apply(const struct context *c, const struct step *step, char **note,
			    GError **err)
{
	const char *const argv[] = { UPDATES_BUILD, step->object, NULL };
	g_autoptr(GString) output = g_string_new(NULL);
	int status = command_run(c->root, argv, COMMAND_INTERRUPTIBLE, output, err);

	if (status <= 0)
		return status == 0;
	g_autofree char *words = command_last_line(output);

	return setup_fail(err, SETUP_FAILED, "%s", words);
}

/*
 * On disk: the module as it was, none, or ours; and what depmod made of it. The kernel may be
 * gone, and a depmod that fails leaves a line too many in a list.
 */
static gboolean remove_module(const struct context *c, const char *release, const char *path,
			      const json_t *undo, GError **err)
{
	if (!step_put.undo(c, path, undo, err))
		return FALSE;
	updates_depmod(c->detection, release, NULL, NULL);
	return TRUE;
}

static gboolean build_undo(const struct context *c, const char *object, const json_t *undo,
			   GError **err)
{
	g_autofree char *path = updates_path(c->root, object);

	return remove_module(c, object, path, undo, err);
}

const struct step_kind step_build_direct = {
	.name = "build-direct",
	.title = "build the module for kernel %s, without DKMS",
	.untitle = "remove the module for kernel %s",
	.flags = STEP_OPTIONAL,
	.satisfied = build_satisfied,
	.prepare = build_prepare,
	.apply = build_apply,
	.undo = build_undo,
};

/* The object is the module's path. */
static gboolean prebuilt_satisfied(const struct context *c, const struct step *step)
{
	return step_put.satisfied(c, step);
}

static gboolean prebuilt_prepare(const struct context *c, const struct step *step, json_t *undo,
				 json_t *now, GError **err)
{
	return step_put.prepare(c, step, undo, now, err);
}

static gboolean prebuilt_apply(const struct context *c, const struct step *step, char **note,
			       GError **err)
{
	g_autofree char *release = updates_release(step->object);

	return step_put.apply(c, step, note, err) &&
	       updates_depmod(c->detection, release, note, err);
}

static gboolean prebuilt_undo(const struct context *c, const char *object, const json_t *undo,
			      GError **err)
{
	g_autofree char *release = updates_release(object);

	return remove_module(c, release, object, undo, err);
}

const struct step_kind step_prebuilt = {
	.name = "prebuilt",
	.title = "install the prebuilt module %s",
	.untitle = "remove the prebuilt module %s",
	.flags = STEP_OPTIONAL,
	.satisfied = prebuilt_satisfied,
	.prepare = prebuilt_prepare,
	.apply = prebuilt_apply,
	.undo = prebuilt_undo,
};

/* Nothing to do now: the hooks are files. What they built meanwhile goes at uninstall. */
static gboolean rebuild_satisfied(const struct context *c, const struct step *step)
{
	return state_record(c->state, step->kind->name, step->object) != NULL;
}

static gboolean rebuild_prepare(const struct context *c, const struct step *step, json_t *undo,
				json_t *now, GError **err)
{
	return TRUE;
}

static gboolean rebuild_apply(const struct context *c, const struct step *step, char **note,
			      GError **err)
{
	return TRUE;
}

static gboolean rebuild_undo(const struct context *c, const char *object, const json_t *undo,
			     GError **err)
{
	return TRUE;
}

static gboolean rebuild_uninstall(const struct context *c, const char *object, const json_t *undo,
				  const json_t *now, char **note, GError **err)
{
	g_auto(GStrv) releases = root_list(c->root, object);

	for (char **release = releases; *release; release++) {
		g_autofree char *path = updates_path(c->root, *release);

		if (!root_exists(c->root, path))
			continue;
		if (!updates_remove(c->root, *release, err))
			return FALSE;
		updates_depmod(c->detection, *release, NULL, NULL);
	}
	return TRUE;
}

const struct step_kind step_rebuild = {
	.name = "rebuild",
	.title = "note that kernels in %s may get the module later",
	.untitle = "remove the module from the kernels in %s that came later",
	.flags = STEP_QUIET,
	.satisfied = rebuild_satisfied,
	.prepare = rebuild_prepare,
	.apply = rebuild_apply,
	.undo = rebuild_undo,
	.uninstall = rebuild_uninstall,
};
