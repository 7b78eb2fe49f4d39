/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_STALE_H
#define AGENT_STALE_H

#include <glib.h>

/*
 * What the userland engine has frozen is on record below /run, so that it can
 * be thawed when agent and worker were both killed: by the unit's stop action
 * ("guest-tools-agent --thaw") or by the next agent.
 */

#define STALE_DIRECTORY "/run/guest-tools"

/** stale_remember() - record mounts before they are frozen. (struct mount) */
gboolean stale_remember(GPtrArray *mounts, GError **error);

/** stale_forget() - nothing is frozen any more. */
void stale_forget(void);

/**
 * stale_thaw() - thaw what the record names, in reverse, and forget it.
 *
 * Return: how many file systems were thawed; 0 without a record.
 */
guint stale_thaw(void);

#endif
