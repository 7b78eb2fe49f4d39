/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The init system of a root: which is installed, and whether it runs now. */
#ifndef SETUP_INIT_H
#define SETUP_INIT_H

#include "root.h"

/* init_detect() - systemd, upstart, openrc, runit, slackware, sysvinit, busybox or unknown */
const char *init_detect(const struct root *root);

/* init_systemd_runs() - is this the running system, booted by systemd? */
gboolean init_systemd_runs(const struct root *root);

#endif
