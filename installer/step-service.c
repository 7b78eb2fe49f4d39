// SPDX-License-Identifier: GPL-2.0-or-later
/* Steps on services: enabling ours and starting it, stopping and masking another's. */
#include <string.h>

#include "error.h"
#include "service.h"
#include "step.h"

#define REPLACED_SUFFIX ".guest-tools-replaced"

/* The init system that a step was done under: the system may have got another since. */
static const struct init_system *init_of(const json_t *undo)
{
	const char *name = json_string_value(json_object_get(undo, "init"));

	return service_init(name ? name : "systemd");
}

static gboolean enable_satisfied(const struct context *c, const struct step *step)
{
	return service_is_enabled(c->root, c->detection->init, step->object);
}

/* Links that are there (the package made them) are the package's; only ours are recorded. */
static gboolean enable_prepare(const struct context *c, const struct step *step, json_t *undo,
			       json_t *now, GError **err)
{
	const struct init_system *init = c->detection->init;
	g_autoptr(GPtrArray) links = service_links(c->root, init, step->object);
	json_t *made = json_array();

	json_object_set_new(undo, "init", json_string(init->name));
	json_object_set_new(undo, "links", made);
	for (guint i = 0; i < links->len; i++) {
		const struct service_link *link = links->pdata[i];
		g_autofree char *dir = g_path_get_dirname(link->path);
		g_autofree char *top = root_first_missing(c->root, dir);
		g_autofree char *there = service_link_there(c->root, link->path);

		if (!there)
			json_array_append_new(made, json_pack("{s:s, s:s}", "path", link->path,
							      "made", top ? top : ""));
	}
	return links->len || !init->add_links ||
	       setup_fail(err, SETUP_FAILED,
			  "cannot enable %s: its start file is not there or does not say where",
			  step->object);
}

static gboolean make_link(const struct context *c, const struct service_link *link, GError **err)
{
	g_autofree char *dir = g_path_get_dirname(link->path);
	g_autofree char *made = root_mkdir(c->root, dir, err);

	return made && root_symlink(c->root, link->target, link->path, err);
}

static gboolean enable_apply(const struct context *c, const struct step *step, char **note,
			     GError **err)
{
	const struct init_system *init = c->detection->init;
	g_autoptr(GPtrArray) links = service_links(c->root, init, step->object);

	for (guint i = 0; i < links->len; i++) {
		const struct service_link *link = links->pdata[i];
		g_autofree char *there = service_link_there(c->root, link->path);

		if (!there && !make_link(c, link, err))
			return FALSE;
	}
	return service_changed(c->root, init, step->object, TRUE, err);
}

/* On disk: none of our links, some, or all, perhaps under numbers that a tool gave them. */
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
		g_autofree char *there = service_link_there(c->root, path);

		root_unlink(c->root, fresh, NULL);
		if (there && !root_unlink(c->root, there, err))
			return FALSE;
		if (made && *made && !root_rmdir_up(c->root, dir, made, err))
			return FALSE;
	}
	return service_changed(c->root, init_of(undo), object, FALSE, err);
}

/* An image is enabled without being started; it was booted since. */
static gboolean enable_uninstall(const struct context *c, const char *object, const json_t *undo,
				 const json_t *now, char **note, GError **err)
{
	const struct init_system *init = init_of(undo);

	if (service_is_active(c->root, init, object) && !service_stop(c->root, init, object, err))
		return FALSE;
	return enable_undo(c, object, undo, err);
}

const struct step_kind step_enable = {
	.name = "enable",
	.title = "enable %s",
	.untitle = "disable %s",
	.satisfied = enable_satisfied,
	.prepare = enable_prepare,
	.apply = enable_apply,
	.undo = enable_undo,
	.uninstall = enable_uninstall,
};

static gboolean activity_prepare(const struct context *c, const struct step *step, json_t *undo,
				 json_t *now, GError **err)
{
	const struct init_system *init = c->detection->init;
	gboolean active = service_is_active(c->root, init, step->object);

	json_object_set_new(undo, "init", json_string(init->name));
	json_object_set_new(undo, "active", json_boolean(active));
	return TRUE;
}

/* Without the host's channel a unit's device never comes, and systemd would wait for it. */
static gboolean waits_for_channel(const struct context *c)
{
	return c->detection->init->by_device && !root_exists(c->root, AGENT_CHANNEL);
}

static gboolean start_apply(const struct context *c, const struct step *step, char **note,
			    GError **err)
{
	if (waits_for_channel(c)) {
		*note = g_strdup_printf("the host has no channel org.qemu.guest_agent.0 for this "
					"guest: %s starts when it has", step->object);
		return TRUE;
	}
	return service_start(c->root, c->detection->init, step->object, err);
}

static gboolean start_satisfied(const struct context *c, const struct step *step)
{
	return service_is_active(c->root, c->detection->init, step->object) ||
	       waits_for_channel(c);
}

static gboolean start_undo(const struct context *c, const char *object, const json_t *undo,
			   GError **err)
{
	const struct init_system *init = init_of(undo);

	if (json_is_true(json_object_get(undo, "active")) ||
	    !service_is_active(c->root, init, object))
		return TRUE;
	return service_stop(c->root, init, object, err);
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
	return service_stop(c->root, c->detection->init, step->object, err);
}

/* The mask is gone by now, but systemd has yet to read that. */
static gboolean stop_undo(const struct context *c, const char *object, const json_t *undo,
			  GError **err)
{
	if (!json_is_true(json_object_get(undo, "active")) || !agents_unit_path(c->root, object))
		return TRUE;
	return service_changed(c->root, init_of(undo), object, TRUE, err) &&
	       service_start(c->root, init_of(undo), object, err);
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
	       service_changed(c->root, c->detection->init, step->object, FALSE, err);
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
	return service_changed(c->root, service_init("systemd"), object, TRUE, err);
}

const struct step_kind step_mask = {
	.name = "mask",
	.title = "mask %s",
	.untitle = "unmask %s",
	.prepare = mask_prepare,
	.apply = mask_apply,
	.undo = mask_undo,
};
