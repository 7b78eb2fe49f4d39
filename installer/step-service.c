// SPDX-License-Identifier: GPL-2.0-or-later
/* Steps on systemd units: enabling ours and starting it, stopping and masking another's. */
#include <string.h>

#include "error.h"
#include "service.h"
#include "step.h"

#define REPLACED_SUFFIX ".guest-tools-replaced"

static gboolean all_there(const struct context *c, char **links)
{
	for (char **link = links; *link; link++) {
		g_autofree char *target = root_readlink(c->root, *link);

		if (!target)
			return FALSE;
	}
	return *links != NULL;
}

static gboolean enable_satisfied(const struct context *c, const struct step *step)
{
	g_auto(GStrv) links = service_links(c->root, step->object);

	return all_there(c, links);
}

/* Links that are there (the package made them) are the package's; only ours are recorded. */
static gboolean enable_prepare(const struct context *c, const struct step *step, json_t *undo,
			       json_t *now, GError **err)
{
	g_auto(GStrv) links = service_links(c->root, step->object);
	json_t *made = json_array();

	json_object_set_new(undo, "links", made);
	for (char **link = links; *link; link++) {
		g_autofree char *dir = g_path_get_dirname(*link);
		g_autofree char *top = root_first_missing(c->root, dir);
		g_autofree char *target = root_readlink(c->root, *link);

		if (!target)
			json_array_append_new(made, json_pack("{s:s, s:s}", "path", *link, "made",
							      top ? top : ""));
	}
	return *links || setup_fail(err, SETUP_FAILED,
				    "cannot enable %s: its file is not there or has no [Install]",
				    step->object);
}

static gboolean enable_apply(const struct context *c, const struct step *step, char **note,
			     GError **err)
{
	g_auto(GStrv) links = service_links(c->root, step->object);
	g_autofree char *unit = agents_unit_path(c->root, step->object);

	for (char **link = links; *link; link++) {
		g_autofree char *dir = g_path_get_dirname(*link);
		g_autofree char *target = root_readlink(c->root, *link);
		g_autofree char *made = target ? NULL : root_mkdir(c->root, dir, err);

		if (!target && (!made || !root_symlink(c->root, unit, *link, err)))
			return FALSE;
	}
	return service_control(c->root, "daemon-reload", NULL, err);
}

static gboolean enable_undo(const struct context *c, const char *object, const json_t *undo,
			    GError **err)
{
	json_t *link;
	gsize i;

	json_array_foreach(json_object_get(undo, "links"), i, link) {
		const char *path = json_string_value(json_object_get(link, "path"));
		const char *made = json_string_value(json_object_get(link, "made"));
		g_autofree char *dir = g_path_get_dirname(path);
		g_autofree char *fresh = g_strconcat(path, ROOT_SUFFIX, NULL);

		root_unlink(c->root, fresh, NULL);
		if (!root_unlink(c->root, path, err))
			return FALSE;
		if (made && *made)
			root_rmdir_up(c->root, dir, made);
	}
	return service_control(c->root, "daemon-reload", NULL, err);
}

const struct step_kind step_enable = {
	.name = "enable",
	.title = "enable %s",
	.untitle = "disable %s",
	.satisfied = enable_satisfied,
	.prepare = enable_prepare,
	.apply = enable_apply,
	.undo = enable_undo,
};

static gboolean activity_prepare(const struct context *c, const struct step *step, json_t *undo,
				 json_t *now, GError **err)
{
	gboolean active = service_is_active(c->root, step->object);

	json_object_set_new(undo, "active", json_boolean(active));
	return TRUE;
}

/* Without the host's channel the unit's device never comes, and systemd would wait for it. */
static gboolean start_apply(const struct context *c, const struct step *step, char **note,
			    GError **err)
{
	if (!root_exists(c->root, AGENT_CHANNEL)) {
		*note = g_strdup_printf("the host has no channel org.qemu.guest_agent.0 for this "
					"guest: %s starts when it has", step->object);
		return TRUE;
	}
	return service_control(c->root, "restart", step->object, err);
}

static gboolean start_satisfied(const struct context *c, const struct step *step)
{
	return service_is_active(c->root, step->object) || !root_exists(c->root, AGENT_CHANNEL);
}

static gboolean start_undo(const struct context *c, const char *object, const json_t *undo,
			   GError **err)
{
	if (json_is_true(json_object_get(undo, "active")) ||
	    !service_is_active(c->root, object))
		return TRUE;
	return service_control(c->root, "stop", object, err);
}

const struct step_kind step_start = {
	.name = "start",
	.title = "start %s",
	.untitle = "stop %s",
	.satisfied = start_satisfied,
	.prepare = activity_prepare,
	.apply = start_apply,
	.undo = start_undo,
};

static gboolean stop_apply(const struct context *c, const struct step *step, char **note,
			   GError **err)
{
	return service_control(c->root, "stop", step->object, err);
}

/* The mask is gone by now, but systemd has yet to read that. */
static gboolean stop_undo(const struct context *c, const char *object, const json_t *undo,
			  GError **err)
{
	if (!json_is_true(json_object_get(undo, "active")) || !agents_unit_path(c->root, object))
		return TRUE;
	return service_control(c->root, "daemon-reload", NULL, err) &&
	       service_control(c->root, "start", object, err);
}

const struct step_kind step_stop = {
	.name = "stop",
	.title = "stop %s",
	.untitle = "start %s again",
	.prepare = activity_prepare,
	.apply = stop_apply,
	.undo = stop_undo,
};

static char *mask_path(const char *unit)
{
	return g_build_filename("/etc/systemd/system", unit, NULL);
}

static gboolean is_masked(const struct context *c, const char *path)
{
	g_autofree char *target = root_readlink(c->root, path);

	return target && strcmp(target, "/dev/null") == 0;
}

static gboolean mask_prepare(const struct context *c, const struct step *step, json_t *undo,
			     json_t *now, GError **err)
{
	g_autofree char *path = mask_path(step->object);

	json_object_set_new(undo, "masked", json_boolean(is_masked(c, path)));
	return TRUE;
}

static gboolean mask_apply(const struct context *c, const struct step *step, char **note,
			   GError **err)
{
	g_autofree char *path = mask_path(step->object);
	g_autofree char *aside = g_strconcat(step->object, REPLACED_SUFFIX, NULL);
	struct stat st;

	if (is_masked(c, path))
		return TRUE;
	if (root_lstat(c->root, path, &st) == 0 && !root_rename(c->root, path, aside, err))
		return FALSE;
	return root_symlink(c->root, "/dev/null", path, err) &&
	       service_control(c->root, "daemon-reload", NULL, err);
}

/* On disk: as it was, the unit's own file moved aside, or that and the mask. */
static gboolean mask_undo(const struct context *c, const char *object, const json_t *undo,
			  GError **err)
{
	g_autofree char *path = mask_path(object);
	g_autofree char *aside = g_strconcat(path, REPLACED_SUFFIX, NULL);
	g_autofree char *fresh = g_strconcat(path, ROOT_SUFFIX, NULL);
	struct stat st;

	root_unlink(c->root, fresh, NULL);
	if (json_is_true(json_object_get(undo, "masked")))
		return TRUE;
	if (is_masked(c, path) && !root_unlink(c->root, path, err))
		return FALSE;
	if (root_lstat(c->root, aside, &st) == 0 && !root_rename(c->root, aside, object, err))
		return FALSE;
	return service_control(c->root, "daemon-reload", NULL, err);
}

const struct step_kind step_mask = {
	.name = "mask",
	.title = "mask %s",
	.untitle = "unmask %s",
	.prepare = mask_prepare,
	.apply = mask_apply,
	.undo = mask_undo,
};
