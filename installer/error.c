// SPDX-License-Identifier: GPL-2.0-or-later
#include "error.h"

#include <errno.h>

G_DEFINE_QUARK(setup-error-quark, setup_error)

const struct exit_code exit_codes[] = {
	{ SETUP_OK, "done, or nothing was left to do (already current)" },
	{ SETUP_FAILED, "failed; everything was put back as it was" },
	{ SETUP_USAGE, "wrong usage" },
	{ SETUP_REFUSED, "refused by a check (not root, no space, ...); nothing touched" },
	{ SETUP_OTHER_AGENT, "another agent is on the channel; see --replace-agent" },
	{ SETUP_MEDIUM, "the medium is absent, damaged or not a guest-tools medium" },
	{ SETUP_BUSY, "another setup or package manager kept its lock too long" },
	{ SETUP_TORN, "an earlier or this run is half done; run: setup recover" },
	{ SETUP_NOT_CONFIRMED, "not confirmed: answered no, or no terminal and no --yes" },
	{ SETUP_OLDER, "the medium is older than what is installed; see --downgrade" },
	{ SETUP_NOT_INSTALLED, "status: not installed" },
	{ SETUP_NOT_WORKING, "install, status: installed, but not working" },
	{ SETUP_UNSIGNED, "the medium is not signed" },
	{ SETUP_FORGED, "the medium's signature is wrong, or by a key not trusted here" },
	{ 0, NULL },
};

gboolean setup_fail(GError **err, enum setup_exit code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	g_autofree char *text = g_strdup_vprintf(fmt, args);
	va_end(args);
	g_set_error_literal(err, SETUP_ERROR, code, text);
	return FALSE;
}

gboolean setup_fail_errno(GError **err, enum setup_exit code, const char *fmt, ...)
{
	int cause = errno;
	va_list args;

	va_start(args, fmt);
	g_autofree char *text = g_strdup_vprintf(fmt, args);
	va_end(args);
	g_set_error(err, SETUP_ERROR, code, "%s: %s", text, g_strerror(cause));
	return FALSE;
}
