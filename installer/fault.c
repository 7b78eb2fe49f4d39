// SPDX-License-Identifier: GPL-2.0-or-later
#include "fault.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "error.h"

static int count;

gboolean fault_point(const char *where, GError **err)
{
	const char *fault = g_getenv("GUEST_TOOLS_SETUP_FAULT");
	char how[8];
	int at;

	count++;
	if (!fault || sscanf(fault, "%7[a-z]:%d", how, &at) != 2 || at != count)
		return TRUE;
	fprintf(stderr, "fault: %s at point %d, %s\n", how, count, where);
	if (g_str_equal(how, "kill"))
		kill(getpid(), SIGKILL);
	if (g_str_equal(how, "term"))
		return kill(getpid(), SIGTERM) == 0;
	return setup_fail(err, SETUP_FAILED, "cannot go on: injected at %s", where);
}
