/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_DAEMON_H
#define AGENT_DAEMON_H

#include <glib.h>

/**
 * daemon_detach() - go on in a child of a new session; the parent waits.
 *
 * The parent's exit status is 0 once daemon_ready() was called, and that of the
 * child when it ends before.
 */
gboolean daemon_detach(GError **error);

/** daemon_ready() - let the parent go, and the terminal; nothing without daemon_detach(). */
void daemon_ready(void);

#endif
