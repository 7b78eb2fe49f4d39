/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "error.h"

G_DEFINE_QUARK(agent-error, agent_error)

gboolean agent_error_errno(GError **error, int errnum, const char *format, ...)
{
	g_autofree char *attempt = NULL;
	va_list args;

	va_start(args, format);
	attempt = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC, "%s: %s", attempt, g_strerror(errnum));
	return FALSE;
}
