// SPDX-License-Identifier: GPL-2.0-or-later
#include "extract.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "error.h"
#include "root.h"
#include "ui.h"

#define PACKAGES "packages/"

/* Below the directory, for struct root; free it. */
static char *target_of(const struct medium_file *file)
{
	return g_strconcat("/", file->path + strlen(PACKAGES), NULL);
}

static gboolean is_same(struct root *to, const char *target, const struct medium_file *file)
{
	g_autofree char *sum = root_sha256(to, target);

	return g_strcmp0(sum, file->sha256) == 0;
}

/* Which are there? All are looked at before the first is written. */
static gboolean look(struct root *to, const GPtrArray *sources, json_t *files, GError **err)
{
	for (guint i = 0; i < sources->len; i++) {
		const struct medium_file *file = sources->pdata[i];
		g_autofree char *target = target_of(file);
		struct stat st;
		gboolean there = root_lstat(to, target, &st) == 0;

		if (!there && errno != ENOENT)
			return setup_fail_errno(err, SETUP_REFUSED, "cannot look at %s%s",
						root_path(to), target);
		if (there && !(S_ISREG(st.st_mode) && is_same(to, target, file)))
			return setup_fail(err, SETUP_REFUSED,
					  "cannot write %s%s: it is there already, and is another",
					  root_path(to), target);
		json_array_append_new(files, json_pack("{s:s, s:s, s:s}", "name", target + 1, "sha256",
						       file->sha256, "result",
						       there ? "present" : "written"));
	}
	return TRUE;
}

static gboolean is_to_write(const json_t *entry)
{
	return strcmp(json_string_value(json_object_get(entry, "result")), "written") == 0;
}

static gboolean write_one(const struct medium *medium, struct root *to,
			  const struct medium_file *file, GError **err)
{
	g_autofree char *target = target_of(file);
	g_autofree char *dir = g_path_get_dirname(target);
	g_autofree char *data = medium_read(medium, file, err);
	g_autofree char *made = data ? root_mkdir(to, dir, err) : NULL;

	return made && root_write_new(to, target, data, file->size, 0644, err);
}

/* Return: how many were gone through; fewer than all with @err. */
static guint write_all(const struct medium *medium, struct root *to, const GPtrArray *sources,
		       const json_t *files, GError **err)
{
	guint i = 0;

	for (; i < sources->len; i++) {
		if (command_interrupted()) {
			setup_fail(err, SETUP_FAILED, "cannot go on: stopped by signal %d",
				   command_interrupted());
			break;
		}
		if (is_to_write(json_array_get(files, i)) &&
		    !write_one(medium, to, sources->pdata[i], err))
			break;
	}
	return i;
}

static gboolean copy(const struct medium *medium, struct root *to, json_t *files, GError **err)
{
	g_autoptr(GPtrArray) sources = medium_files_below(medium, PACKAGES);

	if (sources->len == 0)
		return setup_fail(err, SETUP_MEDIUM, "cannot extract from medium %s: it has no packages",
				  medium_path(medium));
	if (!look(to, sources, files, err))
		return FALSE;
	guint done = write_all(medium, to, sources, files, err);

	if (done == sources->len)
		return TRUE;
	while (done-- > 0) {
		g_autofree char *target = target_of(sources->pdata[done]);
		g_autofree char *dir = g_path_get_dirname(target);

		if (is_to_write(json_array_get(files, done)))
			root_unlink(to, target, NULL);
		if (strcmp(dir, "/"))
			root_rmdir_up(to, dir, "/", NULL);
	}
	return FALSE;
}

gboolean extract_packages(const struct medium *medium, const char *dir, json_t *files, GError **err)
{
	gboolean made = !g_file_test(dir, G_FILE_TEST_EXISTS);

	if (g_mkdir_with_parents(dir, 0755) < 0)
		return setup_fail_errno(err, SETUP_REFUSED, "cannot make the directory %s", dir);
	g_autoptr(SetupRoot) to = root_new(dir, err);
	gboolean good = to && copy(medium, to, files, err);

	if (!good)
		json_array_clear(files);
	if (!good && made)
		rmdir(dir);
	return good;
}
