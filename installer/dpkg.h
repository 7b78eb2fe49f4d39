/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dpkg, as a row of the package managers' table: see packages.h for what each promises. */
#ifndef SETUP_DPKG_H
#define SETUP_DPKG_H

#include "packages.h"

char *dpkg_file(const char *package, const char *version, const char *architecture);
enum package_state dpkg_query(const struct root *root, const char *package, char **version);
gboolean dpkg_install(const struct root *root, const char *file, GError **err);
gboolean dpkg_remove(const struct root *root, const char *package, gboolean purge, GError **err);
char **dpkg_contents(const struct root *root, const char *file);
char **dpkg_changed_config(const struct root *root, const char *package);

#endif
