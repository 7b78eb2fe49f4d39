/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_ARGUMENTS_H
#define AGENT_ARGUMENTS_H

#include <glib.h>
#include <jansson.h>

/* What a command takes is a table of these; it ends at a row without a name. */
enum argument_type {
	ARGUMENT_STRING,
	ARGUMENT_INT,
	ARGUMENT_BOOL,
	ARGUMENT_STRINGS, /* array of strings */
	ARGUMENT_OBJECTS, /* array of objects with @members */
	ARGUMENT_ANY,     /* checked by the command itself */
};

struct argument {
	const char *name;
	enum argument_type type;
	gboolean optional;
	const struct argument *members; /* of ARGUMENT_OBJECTS; ends like every table */
};

/**
 * arguments_check() - check an object against its table.
 * @table: rows, up to one without a name or @length
 * @object: a JSON object
 * @error: names the first member that is missing, unexpected or of a wrong type,
 *	with its path, as in "vcpus[0].online"
 */
gboolean arguments_check(const struct argument *table, guint length, json_t *object,
			 GError **error);

#endif
