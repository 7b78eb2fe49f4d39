/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which init system a root has. What is known of each is in service.h. */
#ifndef SETUP_INIT_H
#define SETUP_INIT_H

#include "root.h"

/* init_detect() - systemd, upstart, openrc, runit, slackware, sysvinit, busybox or unknown */
const char *init_detect(const struct root *root);

#endif
