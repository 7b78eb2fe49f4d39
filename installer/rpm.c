// SPDX-License-Identifier: GPL-2.0-or-later
#include "rpm.h"

#include <string.h>

#include "command.h"
#include "error.h"

#define RELEASE "1"

char *rpm_file(const char *package, const char *version, const char *architecture)
{
	static const char *const names[][2] = {
		{ "all", "noarch" },
		{ "amd64", "x86_64" },
		{ "arm64", "aarch64" },
		{ "i386", "i686" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
		if (strcmp(names[i][0], architecture) == 0)
			architecture = names[i][1];
	return g_strdup_printf("%s-%s-" RELEASE ".%s.rpm", package, version, architecture);
}

/* What rpm prints to a question, or NULL: where it cannot run, there is no answer. */
static char *ask(const struct root *root, const char *const *arguments, int *status)
{
	g_autofree char *rpm = root_find_program(root, "rpm");
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	GString *output = g_string_new(NULL);

	g_ptr_array_add(argv, rpm);
	for (; *arguments; arguments++)
		g_ptr_array_add(argv, (char *)*arguments);
	g_ptr_array_add(argv, NULL);
	*status = rpm ? command_run(root, (const char *const *)argv->pdata, COMMAND_DEFAULT, output, NULL) :
			-1;
	return g_string_free(output, *status < 0);
}

/* Its database has the format of its own version only, so that it must be asked. */
enum package_state rpm_query(const struct root *root, const char *package, char **version)
{
	const char *const arguments[] = { "-q", "--qf", "version %{VERSION}\\n", package, NULL };
	int status;
	g_autofree char *output = ask(root, arguments, &status);
	const char *at = output && status == 0 ? strstr(output, "version ") : NULL;

	if (version)
		*version = NULL;
	if (!at)
		return PACKAGE_ABSENT;
	at += strlen("version ");
	if (version)
		*version = g_strndup(at, strcspn(at, "\n"));
	/* An upgrade that was killed leaves both. */
	return strstr(at, "\nversion ") ? PACKAGE_BROKEN : PACKAGE_INSTALLED;
}

/* "S.5....T.  c /etc/path": a configuration file whose digest is another */
static char *changed_in_line(const char *line)
{
	gsize flags = strcspn(line, " ");
	const char *path = strstr(line, " c /");

	return path && memchr(line, '5', flags) ? g_strdup(path + strlen(" c ")) : NULL;
}

char **rpm_changed_config(const struct root *root, const char *package)
{
	const char *const arguments[] = { "-V", "--nodeps", "--noscripts", package, NULL };
	GPtrArray *changed = g_ptr_array_new();
	int status;
	g_autofree char *output = ask(root, arguments, &status);
	g_auto(GStrv) lines = g_strsplit(output ? output : "", "\n", -1);

	for (char **line = lines; *line; line++) {
		char *path = changed_in_line(*line);

		if (path)
			g_ptr_array_add(changed, path);
	}
	g_ptr_array_add(changed, NULL);
	return (char **)g_ptr_array_free(changed, FALSE);
}

/* One that is older, or the same once more, is as welcome: the plan decided that. */
gboolean rpm_install(const struct root *root, const char *file, GError **err)
{
	g_autofree char *rpm = root_find_program(root, "rpm");
	const char *const argv[] = { rpm, "--upgrade", "--oldpackage", "--replacepkgs", file, NULL };

	return rpm ? packages_run(packages_by_name("rpm"), root, argv, err) :
		     setup_fail(err, SETUP_FAILED, "cannot install %s: there is no rpm", file);
}

/* There is nothing to purge: what was not changed is gone. */
gboolean rpm_remove(const struct root *root, const char *package, gboolean purge, GError **err)
{
	g_autofree char *rpm = root_find_program(root, "rpm");
	const char *const argv[] = { rpm, "--erase", "--allmatches", package, NULL };

	if (rpm_query(root, package, NULL) == PACKAGE_ABSENT)
		return TRUE;
	return packages_run(packages_by_name("rpm"), root, argv, err);
}
