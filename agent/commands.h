/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_COMMANDS_H
#define AGENT_COMMANDS_H

#include "command.h"

/* The tables of commands, one for each commands-*.c. */
struct command_table {
	const struct command *rows;
	guint length;
};

#define COMMAND_TABLE(rows) { rows, G_N_ELEMENTS(rows) }

extern const struct command_table commands_protocol;
extern const struct command_table commands_fsfreeze;

#endif
