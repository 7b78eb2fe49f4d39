// SPDX-License-Identifier: GPL-2.0-or-later
/* Steps on files: copying the medium to memory, and putting files in their places. */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "selinux.h"
#include "step.h"

#define PUT_MAX (64 * 1024 * 1024)

/* What is the user's to change, and so is kept when it was. */
static gboolean is_config(const char *path)
{
	return g_str_has_prefix(path, "/etc/");
}

static gboolean stage_one(const struct context *c, const struct medium_file *file, GError **err)
{
	g_autofree char *path = step_staged(c, file);
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *data = medium_read(c->medium, file, err);
	g_autofree char *made = data ? root_mkdir(c->root, dir, err) : NULL;

	return made && root_write(c->root, path, data, file->size, file->mode, err);
}

static gboolean stage_prepare(const struct context *c, const struct step *step, json_t *undo,
			      json_t *now, GError **err)
{
	return TRUE;
}

static gboolean stage_apply(const struct context *c, const struct step *step, char **note,
			    GError **err)
{
	if (!root_remove_tree(c->root, c->stage, err))
		return FALSE;
	for (guint i = 0; i < step->sources->len; i++)
		if (!stage_one(c, step->sources->pdata[i], err))
			return FALSE;
	return TRUE;
}

/* On disk: nothing, or some of the copies. */
static gboolean stage_undo(const struct context *c, const char *object, const json_t *undo,
			   GError **err)
{
	return root_remove_tree(c->root, object, err);
}

const struct step_kind step_stage = {
	.name = "stage",
	.title = "copy what is needed from the medium to %s",
	.untitle = "remove %s",
	.flags = STEP_TRANSIENT,
	.prepare = stage_prepare,
	.apply = stage_apply,
	.undo = stage_undo,
};

/* On the medium all are read-only; on the guest they have the modes that packages give. */
static mode_t put_mode(const struct step *step)
{
	return step->source->mode & 0111 ? 0755 : 0644;
}

/* The digest we last put there, by an earlier run's record. */
static const char *recorded_sum(const struct context *c, const char *path)
{
	const json_t *record = state_record(c->state, "put", path);

	return json_string_value(json_object_get(json_object_get(record, "now"), "sha256"));
}

/* Another's or a changed configuration file is as good as in place. */
static gboolean put_satisfied(const struct context *c, const struct step *step)
{
	g_autofree char *sum = root_sha256(c->root, step->object);
	struct stat st;

	if (!sum)
		return FALSE;
	if (is_config(step->object) && g_strcmp0(sum, recorded_sum(c, step->object)))
		return TRUE;
	return strcmp(sum, step->source->sha256) == 0 &&
	       root_stat(c->root, step->object, &st) == 0 &&
	       (st.st_mode & 07777) == put_mode(step);
}

/* Keep what is replaced under its digest: the same content twice is kept once. */
static char *backup(const struct context *c, const char *path, GError **err)
{
	gsize len = 0;
	g_autofree char *data = root_read(c->root, path, PUT_MAX, &len);

	if (!data) {
		setup_fail_errno(err, SETUP_FAILED, "cannot keep a copy of %s", path);
		return NULL;
	}
	g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guchar *)data, len);
	g_autofree char *copy = g_build_filename(STATE_BACKUPS, sum, NULL);
	g_autofree char *made = root_mkdir(c->root, STATE_BACKUPS, err);

	if (!made || !root_write(c->root, copy, data, len, 0600, err))
		return NULL;
	return g_steal_pointer(&copy);
}

gboolean step_prepare_file(const struct context *c, const char *path, json_t *undo, GError **err)
{
	g_autofree char *dir = g_path_get_dirname(path);
	g_autofree char *made = root_first_missing(c->root, dir);
	struct stat st;

	if (root_lstat(c->root, path, &st) < 0) {
		json_object_set_new(undo, "made", json_string(made ? made : ""));
		return TRUE;
	}
	if (!S_ISREG(st.st_mode))
		return setup_fail(err, SETUP_FAILED, "cannot replace %s: it is no regular file", path);
	g_autofree char *copy = backup(c, path, err);

	json_object_set_new(undo, "backup", json_string(copy ? copy : ""));
	json_object_set_new(undo, "mode", json_integer(st.st_mode & 07777));
	return copy != NULL;
}

static gboolean put_prepare(const struct context *c, const struct step *step, json_t *undo,
			    json_t *now, GError **err)
{
	json_object_set_new(now, "sha256", json_string(step->source->sha256));
	return step_prepare_file(c, step->object, undo, err);
}

static gboolean put_apply(const struct context *c, const struct step *step, char **note,
			  GError **err)
{
	g_autofree char *staged = step_staged(c, step->source);
	g_autofree char *dir = g_path_get_dirname(step->object);
	gsize len = 0;
	g_autofree char *data = root_read(c->root, staged, PUT_MAX, &len);
	g_autofree char *made = NULL;

	if (!data)
		return setup_fail_errno(err, SETUP_FAILED, "cannot read the copy %s", staged);
	made = root_mkdir(c->root, dir, err);
	return made &&
	       root_write(c->root, step->object, data, len, put_mode(step), err);
}

static gboolean put_back(const struct context *c, const char *path, const json_t *undo,
			 const char *copy, GError **err)
{
	gsize len = 0;
	g_autofree char *data = root_read(c->root, copy, PUT_MAX, &len);

	if (!data)
		return setup_fail_errno(err, SETUP_TORN, "cannot read the copy %s of %s", copy, path);
	return root_write(c->root, path, data, len,
			  json_integer_value(json_object_get(undo, "mode")), err);
}

/* On disk: as it was, the new file beside it, or the new file in its place. */
static gboolean put_undo(const struct context *c, const char *object, const json_t *undo,
			 GError **err)
{
	const char *copy = json_string_value(json_object_get(undo, "backup"));
	const char *made = json_string_value(json_object_get(undo, "made"));
	g_autofree char *fresh = g_strconcat(object, ROOT_SUFFIX, NULL);
	g_autofree char *dir = g_path_get_dirname(object);

	root_unlink(c->root, fresh, NULL);
	if (copy && *copy)
		return put_back(c, object, undo, copy, err);
	if (!root_unlink(c->root, object, err))
		return FALSE;
	return !made || !*made || root_rmdir_up(c->root, dir, made, err);
}

static gboolean put_uninstall(const struct context *c, const char *object, const json_t *undo,
			      const json_t *now, char **note, GError **err)
{
	const char *ours = json_string_value(json_object_get(now, "sha256"));
	g_autofree char *sum = root_sha256(c->root, object);

	if (is_config(object) && sum && ours && strcmp(sum, ours)) {
		*note = g_strdup_printf("kept %s: it was changed", object);
		return TRUE;
	}
	return put_undo(c, object, undo, err);
}

const struct step_kind step_put = {
	.name = "put",
	.title = "install the file %s",
	.untitle = "remove the file %s",
	.satisfied = put_satisfied,
	.prepare = put_prepare,
	.apply = put_apply,
	.undo = put_undo,
	.uninstall = put_uninstall,
};

/* A package's file, kept so that an upgrade from it can be undone. */
const struct step_kind step_keep = {
	.name = "keep",
	.title = "keep the package file %s",
	.untitle = "remove the package file %s",
	.flags = STEP_QUIET,
	.satisfied = put_satisfied,
	.prepare = put_prepare,
	.apply = put_apply,
	.undo = put_undo,
};

/* The module's source: many, and told as the one thing that is built of them. */
const struct step_kind step_source = {
	.name = "source",
	.title = "install the source file %s",
	.untitle = "remove the source file %s",
	.flags = STEP_QUIET,
	.satisfied = put_satisfied,
	.prepare = put_prepare,
	.apply = put_apply,
	.undo = put_undo,
};

/*
 * A file that a program we run makes as a by-product (DKMS its key): noted while it is not there,
 * so that it goes with us. Its directory's other directories are other packages that may use it.
 */
static gboolean guard_satisfied(const struct context *c, const struct step *step)
{
	return root_exists(c->root, step->object);
}

static gboolean guard_prepare(const struct context *c, const struct step *step, json_t *undo,
			      json_t *now, GError **err)
{
	return TRUE;
}

static gboolean guard_apply(const struct context *c, const struct step *step, char **note,
			    GError **err)
{
	return TRUE;
}

static gboolean guard_undo(const struct context *c, const char *object, const json_t *undo,
			   GError **err)
{
	g_autofree char *dir = g_path_get_dirname(object);
	g_auto(GStrv) names = root_list(c->root, dir);

	for (char **name = names; *name; name++) {
		g_autofree char *path = g_build_filename(dir, *name, NULL);

		if (root_is_dir(c->root, path))
			return TRUE;
	}
	return root_unlink(c->root, object, err);
}

const struct step_kind step_guard = {
	.name = "guard",
	.title = "note that %s is not there yet",
	.untitle = "remove %s unless others use it",
	.flags = STEP_QUIET,
	.satisfied = guard_satisfied,
	.prepare = guard_prepare,
	.apply = guard_apply,
	.undo = guard_undo,
};

/* After all else: files that this machine's kernel put there have no labels of the tree's policy. */
static gboolean relabel_satisfied(const struct context *c, const struct step *step)
{
	return !selinux_needs_relabel(c->root) || root_exists(c->root, step->object);
}

static gboolean relabel_prepare(const struct context *c, const struct step *step, json_t *undo,
				json_t *now, GError **err)
{
	return TRUE;
}

static gboolean relabel_apply(const struct context *c, const struct step *step, char **note,
			      GError **err)
{
	*note = g_strdup("SELinux is on there: the first boot labels all files, and boots again");
	return root_write(c->root, step->object, "", 0, 0600, err);
}

/* On disk: nothing, the new file beside it, or it. A boot has taken it away, which is as good. */
static gboolean relabel_undo(const struct context *c, const char *object, const json_t *undo,
			     GError **err)
{
	g_autofree char *fresh = g_strconcat(object, ROOT_SUFFIX, NULL);

	return root_unlink(c->root, fresh, err) && root_unlink(c->root, object, err);
}

const struct step_kind step_relabel = {
	.name = "relabel",
	.title = "ask for SELinux labels by %s",
	.untitle = "remove %s",
	.satisfied = relabel_satisfied,
	.prepare = relabel_prepare,
	.apply = relabel_apply,
	.undo = relabel_undo,
};

json_t *step_state_record(const struct context *c, GError **err)
{
	g_autofree char *old = root_read(c->root, STATE_PATH, PUT_MAX, NULL);

	if (!old && errno != ENOENT) {
		setup_fail_errno(err, SETUP_FAILED, "cannot read %s", STATE_PATH);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:{s:o}}", "kind", step_state.name, "object", STATE_PATH,
			 "undo", "old", old ? json_string(old) : json_null());
}

/* On disk: the old state or none, or the new one. */
static gboolean state_undo(const struct context *c, const char *object, const json_t *undo,
			   GError **err)
{
	const char *old = json_string_value(json_object_get(undo, "old"));

	if (old)
		return root_write(c->root, object, old, strlen(old), 0600, err);
	return root_unlink(c->root, object, err);
}

const struct step_kind step_state = {
	.name = "state",
	.title = "note in %s what is installed",
	.untitle = "remove %s",
	.flags = STEP_TRANSIENT,
	.undo = state_undo,
};
