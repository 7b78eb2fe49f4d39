/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors of setup. A GError's code is the exit code of the program, so what a
 * script can tell apart is decided where the error is made, and nowhere else.
 */
#ifndef SETUP_ERROR_H
#define SETUP_ERROR_H

#include <glib.h>

#define SETUP_ERROR setup_error_quark()
GQuark setup_error_quark(void);

/* Exit codes; each has a row in exit_codes[] (error.c), which the help prints. */
enum setup_exit {
	SETUP_OK = 0,
	SETUP_FAILED = 1,
	SETUP_USAGE = 2,
	SETUP_REFUSED = 3,
	SETUP_OTHER_AGENT = 4,
	SETUP_MEDIUM = 5,
	SETUP_BUSY = 6,
	SETUP_TORN = 7,
	SETUP_NOT_CONFIRMED = 8,
	SETUP_OLDER = 9,
	SETUP_NOT_INSTALLED = 10,
	SETUP_NOT_WORKING = 11,
	SETUP_UNSIGNED = 12,
	SETUP_FORGED = 13,
};

struct exit_code {
	enum setup_exit code;
	const char *meaning;
};

/* Ends with a row whose meaning is NULL. */
extern const struct exit_code exit_codes[];

/*
 * setup_fail() - set @err to "cannot @what: @fmt...", always false
 *
 * So that a function can end with: return setup_fail(err, SETUP_REFUSED, ...).
 */
gboolean setup_fail(GError **err, enum setup_exit code, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

/* setup_fail_errno() - the same, with ": " and the text of the present errno at the end */
gboolean setup_fail_errno(GError **err, enum setup_exit code, const char *fmt, ...)
	G_GNUC_PRINTF(3, 4);

#endif
