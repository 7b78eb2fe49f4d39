/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a test may break a run. Only in the test build (setup-test), which reads
 * GUEST_TOOLS_SETUP_FAULT=kill:N, fail:N or term:N: the N-th point kills the
 * process as a pulled plug would, fails as a full disk would, or gets a SIGTERM. Nothing in the real build.
 */
#ifndef SETUP_FAULT_H
#define SETUP_FAULT_H

#include <glib.h>

#ifdef SETUP_TEST
gboolean fault_point(const char *where, GError **err);
#else
static inline gboolean fault_point(const char *where, GError **err)
{
	return TRUE;
}
#endif

#endif
