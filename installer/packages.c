// SPDX-License-Identifier: GPL-2.0-or-later
#include "packages.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "dpkg.h"
#include "error.h"
#include "rpm.h"
#include "ui.h"

#define LOCK_WAIT 120 /* seconds */

/* In the order they are asked: a Debian with rpm installed is a Debian. */
static const struct package_manager managers[] = {
	{
		.name = "dpkg",
		.program = "dpkg",
		.databases = { "/var/lib/dpkg/status" },
		.suffix = ".deb",
		.brings_start_files = TRUE,
		.locks = { "/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock" },
		.locked = "another process",
		.error = "dpkg: error",
		.file = dpkg_file,
		.query = dpkg_query,
		.install = dpkg_install,
		.remove = dpkg_remove,
		.changed_config = dpkg_changed_config,
		.contents = dpkg_contents,
		.unfinished = { ".dpkg-new", ".dpkg-tmp" },
	},
	{
		.name = "rpm",
		.program = "rpm",
		.databases = { "/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm" },
		.suffix = ".rpm",
		.locks = { "/var/lib/rpm/.rpm.lock", "/usr/lib/sysimage/rpm/.rpm.lock" },
		.locked = "Resource temporarily unavailable",
		.error = "error: ",
		.file = rpm_file,
		.query = rpm_query,
		.install = rpm_install,
		.remove = rpm_remove,
		.changed_config = rpm_changed_config,
	},
	{ "pacman", "pacman", { "/var/lib/pacman" } },
	{ "apk", "apk", { "/lib/apk/db" } },
	{ "xbps", "xbps-install", { "/var/db/xbps" } },
	{ "portage", "emerge", { "/var/db/pkg" } },
	{ "pkgtools", "installpkg", { "/var/log/packages", "/var/lib/pkgtools" } },
	{ "none", NULL, { NULL } },
};

static gboolean has_database(const struct package_manager *manager, const struct root *root)
{
	for (gsize i = 0; i < G_N_ELEMENTS(manager->databases) && manager->databases[i]; i++)
		if (root_exists(root, manager->databases[i]))
			return TRUE;
	return FALSE;
}

const struct package_manager *packages_detect(const struct root *root)
{
	const struct package_manager *manager = managers;

	for (; manager->program; manager++) {
		g_autofree char *program = root_find_program(root, manager->program);

		if (program && has_database(manager, root))
			break;
	}
	return manager;
}

const struct package_manager *packages_by_name(const char *name)
{
	for (gsize i = 0; i < G_N_ELEMENTS(managers); i++)
		if (strcmp(managers[i].name, name) == 0)
			return &managers[i];
	return NULL;
}

char *packages_medium_path(const struct package_manager *manager, const char *package,
			   const char *version, const char *architecture)
{
	g_autofree char *file = manager->file(package, version, architecture);

	return g_build_filename("packages", file, NULL);
}

static char *process_name(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/comm", (int)pid);
	g_autofree char *name = NULL;

	if (!g_file_get_contents(path, &name, NULL, NULL))
		return g_strdup_printf("process %d", (int)pid);
	return g_strdup_printf("process %d (%s)", (int)pid, g_strstrip(name));
}

/* Who holds its lock: a description, or NULL when it is free; free it. */
static char *lock_holder(const struct package_manager *manager, const struct root *root)
{
	for (gsize i = 0; i < G_N_ELEMENTS(manager->locks) && manager->locks[i]; i++) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = root_open(root, manager->locks[i], O_RDWR, 0);
		int got = fd < 0 ? -1 : fcntl(fd, F_GETLK, &lock);

		if (fd >= 0)
			close(fd);
		if (got == 0 && lock.l_type != F_UNLCK)
			return process_name(lock.l_pid);
	}
	return NULL;
}

static gboolean wait_for_lock(const struct package_manager *manager, const struct root *root,
			      int seconds, GError **err)
{
	gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;

	for (;;) {
		g_autofree char *holder = lock_holder(manager, root);

		if (!holder)
			return TRUE;
		if (g_get_monotonic_time() > end || command_interrupted())
			return setup_fail(err, SETUP_BUSY, "cannot use %s: its lock is held by %s",
					  manager->name, holder);
		g_autofree char *note = g_strdup_printf("waiting for %s", holder);

		ui_step_note(note);
		ui_step_tick();
		g_usleep(200 * 1000);
	}
}

/* Its own words: "dpkg: error processing ...", and the cause where that is on the next line. */
static char *words_of(const struct package_manager *manager, const GString *output)
{
	const char *error = strstr(output->str, manager->error);

	if (!error)
		return command_last_line(output);
	g_auto(GStrv) lines = g_strsplit(error, "\n", 3);

	if (!lines[1] || !g_ascii_isspace(*lines[1]))
		return g_strdup(lines[0]);
	return g_strdup_printf("%s %s", lines[0], g_strstrip(lines[1]));
}

gboolean packages_run(const struct package_manager *manager, const struct root *root,
		      const char *const *argv, GError **err)
{
	for (;;) {
		g_autoptr(GString) output = g_string_new(NULL);
		int status;

		if (!wait_for_lock(manager, root, LOCK_WAIT, err))
			return FALSE;
		status = command_run(root, argv, COMMAND_DEFAULT, output, err);
		if (status <= 0)
			return status == 0;
		/* Another took it between our look and its own. */
		if (strstr(output->str, "lock") && strstr(output->str, manager->locked))
			continue;
		g_autofree char *words = words_of(manager, output);

		return setup_fail(err, SETUP_FAILED, "%s ended with status %d and says: %s",
				  manager->name, status, words);
	}
}
