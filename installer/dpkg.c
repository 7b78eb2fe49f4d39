// SPDX-License-Identifier: GPL-2.0-or-later
#include "dpkg.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "error.h"

#define STATUS	   "/var/lib/dpkg/status"
#define STATUS_MAX (64 * 1024 * 1024)
#define LOCK_WAIT  120 /* seconds */

/* The package's paragraph of the status file, or NULL. */
static char *read_paragraph(const struct root *root, const char *package)
{
	g_autofree char *text = root_read(root, STATUS, STATUS_MAX, NULL);
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

static char *process_name(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/comm", (int)pid);
	g_autofree char *name = NULL;

	if (!g_file_get_contents(path, &name, NULL, NULL))
		return g_strdup_printf("process %d", (int)pid);
	return g_strdup_printf("process %d (%s)", (int)pid, g_strstrip(name));
}

char *dpkg_lock_holder(const struct root *root)
{
	static const char *const locks[] = { "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock" };

	for (gsize i = 0; i < G_N_ELEMENTS(locks); i++) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = root_open(root, locks[i], O_RDWR, 0);
		int got = fd < 0 ? -1 : fcntl(fd, F_GETLK, &lock);

		if (fd >= 0)
			close(fd);
		if (got == 0 && lock.l_type != F_UNLCK)
			return process_name(lock.l_pid);
	}
	return NULL;
}

/* dpkg's own words: "dpkg: error processing ..." and the cause, which is on the next line. */
static char *words_of(const GString *output)
{
	const char *error = strstr(output->str, "dpkg: error");

	if (!error)
		return command_last_line(output);
	g_auto(GStrv) lines = g_strsplit(error, "\n", 3);

	if (!lines[1] || !g_ascii_isspace(*lines[1]))
		return g_strdup(lines[0]);
	return g_strdup_printf("%s %s", lines[0], g_strstrip(lines[1]));
}

/* Run dpkg; when another took the lock between our look and its own, wait again. */
static gboolean run(const struct root *root, const char *const *argv, GError **err)
{
	for (;;) {
		g_autoptr(GString) output = g_string_new(NULL);
		int status;

		if (!packages_wait(packages_by_name("dpkg"), root, LOCK_WAIT, err))
			return FALSE;
		status = command_run(root, argv, COMMAND_DEFAULT, output, err);
		if (status <= 0)
			return status == 0;
		if (strstr(output->str, "lock") && strstr(output->str, "another process"))
			continue;
		g_autofree char *words = words_of(output);

		return setup_fail(err, SETUP_FAILED, "dpkg ended with status %d and says: %s",
				  status, words);
	}
}

gboolean dpkg_install(const struct root *root, const char *file, GError **err)
{
	g_autofree char *dpkg = root_find_program(root, "dpkg");
	const char *const argv[] = { dpkg, "--force-confdef", "--force-confold", "--install", file,
				     NULL };

	return dpkg ? run(root, argv, err) :
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
	return dpkg ? run(root, argv, err) :
		      setup_fail(err, SETUP_FAILED, "cannot remove %s: there is no dpkg", package);
}
