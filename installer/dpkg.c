// SPDX-License-Identifier: GPL-2.0-or-later
#include "dpkg.h"

#include <string.h>

#include "command.h"
#include "error.h"

#define STATUS	   "/var/lib/dpkg/status"
#define STATUS_MAX (64 * 1024 * 1024)

#define UPDATES	   "/var/lib/dpkg/updates"

/* The package's paragraph of one file, or NULL. */
static char *paragraph_of(const struct root *root, const char *path, const char *package)
{
	g_autofree char *text = root_read(root, path, STATUS_MAX, NULL);
	g_autofree char *head = g_strdup_printf("Package: %s\n", package);
	const char *at = text;

	while (at && (at = strstr(at, head))) {
		if (at == text || at[-1] == '\n') {
			const char *end = strstr(at, "\n\n");

			return end ? g_strndup(at, end + 1 - at) : g_strdup(at);
		}
		at++;
	}
	return NULL;
}

/* A dpkg that was killed left what it did last in numbered files, which the next one merges. */
static char *read_paragraph(const struct root *root, const char *package)
{
	char *paragraph = paragraph_of(root, STATUS, package);
	g_auto(GStrv) updates = root_list(root, UPDATES);

	for (char **name = updates; *name; name++) {
		g_autofree char *path = g_build_filename(UPDATES, *name, NULL);
		char *later = g_ascii_isdigit(**name) ? paragraph_of(root, path, package) : NULL;

		if (!later)
			continue;
		g_free(paragraph);
		paragraph = later;
	}
	return paragraph;
}

/* The value of a one-line field; free it. */
static char *field(const char *paragraph, const char *name)
{
	g_autofree char *head = g_strdup_printf("\n%s: ", name);
	const char *at = strstr(paragraph, head);

	if (!at)
		return NULL;
	at += strlen(head);
	return g_strndup(at, strcspn(at, "\n"));
}

/* The last word of "Status: install ok installed". */
static enum package_state state_of(const char *status)
{
	const char *word = status ? strrchr(status, ' ') : NULL;

	if (!word || strcmp(word, " not-installed") == 0)
		return PACKAGE_ABSENT;
	if (strcmp(word, " config-files") == 0)
		return PACKAGE_CONFIG;
	if (strcmp(word, " installed") == 0 || strcmp(word, " triggers-pending") == 0 ||
	    strcmp(word, " triggers-awaited") == 0)
		return PACKAGE_INSTALLED;
	return PACKAGE_BROKEN;
}

enum package_state dpkg_query(const struct root *root, const char *package, char **version)
{
	g_autofree char *paragraph = read_paragraph(root, package);
	enum package_state state;

	if (version)
		*version = NULL;
	if (!paragraph)
		return PACKAGE_ABSENT;
	g_autofree char *status = field(paragraph, "Status");

	state = state_of(status);
	if (version && state != PACKAGE_ABSENT)
		*version = field(paragraph, "Version");
	return state;
}

static char *md5_of(const struct root *root, const char *path)
{
	gsize len = 0;
	g_autofree char *data = root_read(root, path, STATUS_MAX, &len);

	return data ? g_compute_checksum_for_data(G_CHECKSUM_MD5, (guchar *)data, len) : NULL;
}

/* " /etc/path md5 [obsolete]" */
static char *changed_in_line(const struct root *root, const char *line)
{
	g_auto(GStrv) words = g_strsplit(line + 1, " ", 3);

	if (g_strv_length(words) < 2)
		return NULL;
	g_autofree char *now = md5_of(root, words[0]);

	return now && strcmp(now, words[1]) ? g_strdup(words[0]) : NULL;
}

char **dpkg_changed_config(const struct root *root, const char *package)
{
	GPtrArray *changed = g_ptr_array_new();
	g_autofree char *paragraph = read_paragraph(root, package);
	char *at = paragraph ? strstr(paragraph, "\nConffiles:\n") : NULL;

	if (at) {
		g_auto(GStrv) lines = g_strsplit(at + strlen("\nConffiles:\n"), "\n", -1);

		for (char **line = lines; *line && **line == ' '; line++) {
			char *path = changed_in_line(root, *line);

			if (path)
				g_ptr_array_add(changed, path);
		}
	}
	g_ptr_array_add(changed, NULL);
	return (char **)g_ptr_array_free(changed, FALSE);
}

/* "-rw-r--r-- root/root 123 2026-11-30 12:00 ./etc/x", and " -> target" after a link */
char **dpkg_contents(const struct root *root, const char *file)
{
	g_autofree char *dpkg = root_find_program(root, "dpkg");
	const char *const argv[] = { dpkg, "--contents", file, NULL };
	g_autoptr(GString) output = g_string_new(NULL);
	GPtrArray *paths = g_ptr_array_new();

	if (dpkg && command_run(root, argv, COMMAND_DEFAULT, output, NULL) == 0) {
		g_auto(GStrv) lines = g_strsplit(output->str, "\n", -1);

		for (char **line = lines; *line; line++) {
			const char *path = strstr(*line, " ./");
			const char *arrow = path ? strstr(path, " -> ") : NULL;

			if (path)
				g_ptr_array_add(paths, arrow ? g_strndup(path + 2, arrow - path - 2) :
							       g_strdup(path + 2));
		}
	}
	g_ptr_array_add(paths, NULL);
	return (char **)g_ptr_array_free(paths, FALSE);
}

char *dpkg_file(const char *package, const char *version, const char *architecture)
{
	return g_strdup_printf("%s_%s_%s.deb", package, version, architecture);
}

gboolean dpkg_install(const struct root *root, const char *file, GError **err)
{
	g_autofree char *dpkg = root_find_program(root, "dpkg");
	const char *const argv[] = { dpkg, "--force-confdef", "--force-confold", "--install", file,
				     NULL };

	return dpkg ? packages_run(packages_by_name("dpkg"), root, argv, err) :
		      setup_fail(err, SETUP_FAILED, "cannot install %s: there is no dpkg", file);
}

gboolean dpkg_remove(const struct root *root, const char *package, gboolean purge, GError **err)
{
	g_autofree char *dpkg = root_find_program(root, "dpkg");
	enum package_state state = dpkg_query(root, package, NULL);
	const char *const argv[] = { dpkg, "--force-remove-reinstreq", purge ? "--purge" : "--remove",
				     package, NULL };

	if (state == PACKAGE_ABSENT || (state == PACKAGE_CONFIG && !purge))
		return TRUE;
	return dpkg ? packages_run(packages_by_name("dpkg"), root, argv, err) :
		      setup_fail(err, SETUP_FAILED, "cannot remove %s: there is no dpkg", package);
}
