/* SPDX-License-Identifier: GPL-2.0-or-later */
/* systemd: units started and stopped where it runs, enabled as links anywhere. */
#ifndef SETUP_SERVICE_H
#define SETUP_SERVICE_H

#include "root.h"

/* service_is_active() - only ever TRUE where systemd runs */
gboolean service_is_active(const struct root *root, const char *unit);

/* service_control() - "systemctl @verb @unit"; @unit may be NULL. Nothing where systemd does not run. */
gboolean service_control(const struct root *root, const char *verb, const char *unit, GError **err);

/* service_links() - the links that enabling a unit makes, by its [Install]; g_strfreev() */
char **service_links(const struct root *root, const char *unit);

#endif
