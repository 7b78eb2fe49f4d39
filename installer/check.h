/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks before a change. They only read; each that fails has its own exit code. */
#ifndef SETUP_CHECK_H
#define SETUP_CHECK_H

#include "plan.h"

/* check_install() - may this plan be done here? Says the first reason why not. */
gboolean check_install(const struct context *c, const struct plan *plan, GError **err);

/* check_privilege() - is this process allowed to change the root? */
gboolean check_privilege(const struct root *root, GError **err);

/*
 * check_lock() - be the only setup on this root until the process ends
 *
 * The lock is on a directory that is there anyway, so it leaves no file behind.
 */
gboolean check_lock(const struct root *root, GError **err);

#endif
