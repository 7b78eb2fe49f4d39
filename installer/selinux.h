/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SELinux, as the tree's own configuration has it: labels matter to its next boot. */
#ifndef SETUP_SELINUX_H
#define SETUP_SELINUX_H

#include "root.h"

#define SELINUX_RELABEL "/.autorelabel" /* its being there asks for labels at the next boot */

/* selinux_mode() - "enforcing", "permissive" or "disabled"; NULL where it is not configured */
const char *selinux_mode(const struct root *root);

/* selinux_needs_relabel() - would files that are put there now have no labels? */
gboolean selinux_needs_relabel(const struct root *root);

#endif
