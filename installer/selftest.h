/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does the agent that is installed freeze? One of its own is started, beside the
 * service, and freezes a scratch file system: a write there has to wait, and to go
 * on after the thaw. Neither hooks nor any other file system are touched. All is
 * bounded in time; if setup is killed, the kernel ends what it started, and an
 * agent that ends thaws.
 */
#ifndef SETUP_SELFTEST_H
#define SETUP_SELFTEST_H

#include <jansson.h>

#include "context.h"

/*
 * selftest_run() - try it, say what came of it, and add it to @document as "self_test"
 *
 * Afterwards this process has other mounts than the system: it is the last thing to do.
 * Errors are SETUP_REFUSED where it cannot be tried here, SETUP_NOT_WORKING where it fails.
 */
gboolean selftest_run(const struct context *c, json_t *document, GError **err);

#endif
