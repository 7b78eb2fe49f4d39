/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_ERROR_H
#define AGENT_ERROR_H

#include <glib.h>

/*
 * The error domain of the agent. The codes are the error classes of the wire
 * protocol; every other domain is sent as GenericError.
 */
#define AGENT_ERROR (agent_error_quark())

enum agent_error {
	AGENT_ERROR_GENERIC,
	AGENT_ERROR_COMMAND_NOT_FOUND,
};

GQuark agent_error_quark(void);

/**
 * agent_error_errno() - set an error that ends in what errno says.
 * @error: where to, or NULL
 * @errnum: a positive errno
 * @format: the attempt and its object, as for printf
 *
 * Return: always FALSE, for "return agent_error_errno(...)".
 */
gboolean agent_error_errno(GError **error, int errnum, const char *format, ...) G_GNUC_PRINTF(3, 4);

#endif
