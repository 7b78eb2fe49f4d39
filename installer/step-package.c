// SPDX-License-Identifier: GPL-2.0-or-later
/* Installing a package by the guest's own package manager. */
#include <string.h>

#include "error.h"
#include "step.h"

#define CONFIG_DIR   "/etc/guest-tools"
#define ASIDE_SUFFIX ".guest-tools-kept"

static const struct {
	enum package_state state;
	const char *name;
} states[] = {
	{ PACKAGE_ABSENT, "absent" },
	{ PACKAGE_CONFIG, "config" },
	{ PACKAGE_BROKEN, "broken" },
	{ PACKAGE_INSTALLED, "installed" },
};

/* Where the package file stays for the undo of a later upgrade. */
static char *kept_path(const struct context *c, const char *package)
{
	return g_strdup_printf("%s/%s%s", STATE_KEPT, package, c->detection->packages->suffix);
}

static gboolean package_satisfied(const struct context *c, const struct step *step)
{
	g_autofree char *version = NULL;

	return c->detection->packages->query(c->root, step->object, &version) ==
		       PACKAGE_INSTALLED &&
	       g_strcmp0(version, medium_version(c->medium)) == 0;
}

/* What a package manager that is killed may leave of the package, and was not there before. */
static json_t *traces(const struct context *c, const struct step *step)
{
	const struct package_manager *manager = c->detection->packages;
	g_autofree char *file = step_staged(c, step->source);
	g_auto(GStrv) paths = manager->contents ? manager->contents(c->root, file) : NULL;
	json_t *left = json_array();

	for (char **path = paths; path && *path; path++) {
		struct stat st;

		if (root_lstat(c->root, *path, &st) < 0)
			json_array_append_new(left, json_string(*path));
	}
	return left;
}

static gboolean sweep_file(const struct context *c, const char *path, GError **err)
{
	const char *const *suffix = c->detection->packages->unfinished;

	for (; *suffix; suffix++) {
		g_autofree char *name = g_strconcat(path, *suffix, NULL);

		if (!root_unlink(c->root, name, err))
			return FALSE;
	}
	return root_unlink(c->root, path, err);
}

/* After the manager's own undo, which knows nothing of files that it was killed over. */
static gboolean sweep(const struct context *c, const json_t *undo, GError **err)
{
	const json_t *left = json_object_get(undo, "traces");

	for (gsize i = json_array_size(left); i-- > 0;) {
		const char *path = json_string_value(json_array_get(left, i));
		gboolean is_dir = g_str_has_suffix(path, "/");

		if (is_dir ? !root_rmdir(c->root, path, err) : !sweep_file(c, path, err))
			return FALSE;
	}
	return TRUE;
}

static gboolean package_prepare(const struct context *c, const struct step *step, json_t *undo,
				json_t *now, GError **err)
{
	g_autofree char *version = NULL;
	enum package_state state =
		c->detection->packages->query(c->root, step->object, &version);

	json_object_set_new(undo, "state", json_string(states[state].name));
	json_object_set_new(undo, "version", json_string(version ? version : ""));
	json_object_set_new(undo, "traces", traces(c, step));
	json_object_set_new(now, "version", json_string(medium_version(c->medium)));
	return TRUE;
}

static gboolean package_apply(const struct context *c, const struct step *step, char **note,
			      GError **err)
{
	g_autofree char *file = step_staged(c, step->source);
	g_autofree char *version = NULL;

	if (!c->detection->packages->install(c->root, file, err))
		return FALSE;
	if (c->detection->packages->query(c->root, step->object, &version) == PACKAGE_INSTALLED)
		return TRUE;
	return setup_fail(err, SETUP_FAILED, "cannot install %s: %s reports success, yet it is not "
					     "installed",
			  step->object, c->detection->packages->name);
}

static gboolean reinstall(const struct context *c, const char *package, const char *version,
			  GError **err)
{
	g_autofree char *kept = kept_path(c, package);
	g_autofree char *present = NULL;

	if (c->detection->packages->query(c->root, package, &present) == PACKAGE_INSTALLED &&
	    g_strcmp0(present, version) == 0)
		return TRUE;
	if (!root_exists(c->root, kept))
		return setup_fail(err, SETUP_TORN,
				  "cannot bring back %s %s: its package file was not kept", package,
				  version);
	return c->detection->packages->install(c->root, kept, err);
}

/* On disk: as it was, any state a killed package manager leaves, or installed. */
static gboolean package_undo(const struct context *c, const char *object, const json_t *undo,
			     GError **err)
{
	const char *state = json_string_value(json_object_get(undo, "state"));
	const char *version = json_string_value(json_object_get(undo, "version"));

	if (g_strcmp0(state, "installed") == 0)
		return reinstall(c, object, version, err) && sweep(c, undo, err);
	return c->detection->packages->remove(c->root, object, g_strcmp0(state, "config"), err) &&
	       sweep(c, undo, err);
}

/* For every file below the configuration directory whose name ends so, take the suffix away. */
static gboolean bring_back(const struct context *c, const char *dir, GError **err)
{
	g_auto(GStrv) names = root_list(c->root, dir);

	for (char **name = names; *name; name++) {
		g_autofree char *path = g_build_filename(dir, *name, NULL);
		struct stat st;

		if (root_lstat(c->root, path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && !bring_back(c, path, err))
			return FALSE;
		if (!g_str_has_suffix(*name, ASIDE_SUFFIX))
			continue;
		(*name)[strlen(*name) - strlen(ASIDE_SUFFIX)] = '\0';
		if (!root_rename(c->root, path, *name, err))
			return FALSE;
	}
	return TRUE;
}

/* A purge takes changed configuration too: move it aside, purge, and move it back. */
static gboolean package_uninstall(const struct context *c, const char *object, const json_t *undo,
				  const json_t *now, char **note, GError **err)
{
	const struct package_manager *manager = c->detection->packages;
	g_auto(GStrv) changed = manager->changed_config(c->root, object);
	g_autofree char *list = g_strjoinv(", ", changed);

	for (char **path = changed; *path; path++) {
		g_autofree char *name = g_path_get_basename(*path);
		g_autofree char *aside = g_strconcat(name, ASIDE_SUFFIX, NULL);

		if (!root_rename(c->root, *path, aside, err))
			return FALSE;
	}
	if (*changed)
		*note = g_strdup_printf("kept %s: changed by the user", list);
	return manager->remove(c->root, object, TRUE, err) && bring_back(c, CONFIG_DIR, err);
}

const struct step_kind step_package = {
	.name = "package",
	.title = "install the package %s",
	.untitle = "remove the package %s",
	.satisfied = package_satisfied,
	.prepare = package_prepare,
	.apply = package_apply,
	.undo = package_undo,
	.uninstall = package_uninstall,
};
