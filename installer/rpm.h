/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rpm, as a row of the package managers' table: see packages.h for what each promises. */
#ifndef SETUP_RPM_H
#define SETUP_RPM_H

#include "packages.h"

char *rpm_file(const char *package, const char *version, const char *architecture);
enum package_state rpm_query(const struct root *root, const char *package, char **version);
gboolean rpm_install(const struct root *root, const char *file, GError **err);
gboolean rpm_remove(const struct root *root, const char *package, gboolean purge, GError **err);
char **rpm_changed_config(const struct root *root, const char *package);

#endif
