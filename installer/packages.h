/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's own package manager. One row per kind; only what a row can do is
 * asked of it. Reading never runs the package manager where its database can be
 * read as a file.
 */
#ifndef SETUP_PACKAGES_H
#define SETUP_PACKAGES_H

#include "root.h"

enum package_state {
	PACKAGE_ABSENT,
	PACKAGE_CONFIG, /* removed, its configuration kept */
	PACKAGE_BROKEN, /* half installed or not configured */
	PACKAGE_INSTALLED,
};

struct package_manager {
	const char *name;
	const char *program;  /* must be executable in the root */
	const char *databases[3]; /* one must exist in the root */
	/* From here on only where setup drives it. */
	const char *suffix;	   /* of its package files; NULL when setup cannot drive it */
	gboolean brings_start_files; /* our package for it has those of sysvinit and upstart too */
	const char *locks[2];	   /* files it locks while it is at work */
	const char *locked, *error; /* how it says that another has the lock, and what went wrong */

	/* the name of a package's file; @architecture is Debian's name, or "all"; free it */
	char *(*file)(const char *package, const char *version, const char *architecture);
	/* @version is set when not absent; free it */
	enum package_state (*query)(const struct root *root, const char *package, char **version);
	/* install or upgrade from one file of the root; never asks, keeps changed configuration */
	gboolean (*install)(const struct root *root, const char *file, GError **err);
	/* remove; with @purge its configuration as well; one that is not there is no error */
	gboolean (*remove)(const struct root *root, const char *package, gboolean purge,
			   GError **err);
	/* configuration files of the package that differ from what it brought; g_strfreev() */
	char **(*changed_config)(const struct root *root, const char *package);
	/* what is in a package's file, directories with a slash at the end; g_strfreev() */
	char **(*contents)(const struct root *root, const char *file);
	/* what it adds to the names of files that it has not put in place yet */
	const char *unfinished[3]; /* up to a NULL */
};

/* packages_detect() - the root's package manager; one with name "none" if there is none known */
const struct package_manager *packages_detect(const struct root *root);

/* packages_by_name() - the row called so, or NULL */
const struct package_manager *packages_by_name(const char *name);

/* packages_medium_path() - where the medium has a package for this manager; free it */
char *packages_medium_path(const struct package_manager *manager, const char *package,
			   const char *version, const char *architecture);

/* packages_run() - run the manager once its lock is free; waits for that visibly, and not for ever */
gboolean packages_run(const struct package_manager *manager, const struct root *root,
		      const char *const *argv, GError **err);

#endif
