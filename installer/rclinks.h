/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The links of runlevels that sysvinit starts services by: S85name in those where it
 * is to run, K15name in the others. Distributions keep them in different places, and
 * may order them by numbers of their own.
 */
#ifndef SETUP_RCLINKS_H
#define SETUP_RCLINKS_H

#include "root.h"

/* rclinks_wanted() - paths, by the "chkconfig:" line of the start file @file; unref it */
GPtrArray *rclinks_wanted(const struct root *root, const char *file, const char *service);

/* rclinks_target() - what such a link holds, free it */
char *rclinks_target(const struct root *root, const char *service);

/* rclinks_find() - @path, or the same with another number; NULL: neither is there; free it */
char *rclinks_find(const struct root *root, const char *path);

/* rclinks_is_listed() - is it in the lists of those that start services side by side, if any? */
gboolean rclinks_is_listed(const struct root *root, const char *service);

/* rclinks_list() - into these lists, or out of them; nothing where that is so already */
gboolean rclinks_list(const struct root *root, const char *service, gboolean enabled, GError **err);

/*
 * rclinks_changed() - let the distribution's tool order the links anew, where it has one
 *
 * Only a warning comes of a tool that fails: it looks at all services, and the links are there.
 */
gboolean rclinks_changed(const struct root *root, const char *service, gboolean enabled,
			 GError **err);

#endif
