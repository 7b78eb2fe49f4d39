/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Agents on the channel: ours, and those of others that would fight over it. */
#ifndef SETUP_AGENTS_H
#define SETUP_AGENTS_H

#include "root.h"

#define AGENT_PACKAGE "guest-tools-agent"
#define AGENT_PROGRAM "/usr/sbin/guest-tools-agent"
#define AGENT_CHANNEL "/dev/virtio-ports/org.qemu.guest_agent.0"

struct other_agent {
	const char *name;
	const char *unit;
	gboolean active; /* a process of it runs; only ever TRUE in the running system's root */
};

/* agents_other() - another agent that is installed and may start, TRUE if there is one */
gboolean agents_other(const struct root *root, struct other_agent *other);

/* agents_is_running() - is there a process of @program? Only ever TRUE in the running system's root. */
gboolean agents_is_running(const struct root *root, const char *program);

/* agents_unit_path() - the file of a systemd unit, or NULL; free it */
char *agents_unit_path(const struct root *root, const char *unit);

#endif
