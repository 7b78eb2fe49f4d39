/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_NAMESPACES_H
#define AGENT_NAMESPACES_H

#include <glib.h>

/**
 * namespaces_other() - the mount namespaces that are not ours, as of containers.
 *
 * Needs to see all processes. One that ends meanwhile is as if it had not been there.
 *
 * Return: (element-type pid_t): a process in each
 */
GArray *namespaces_other(void);

#endif
