/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_COMMANDS_H
#define AGENT_COMMANDS_H

#include "command.h"

/* The tables of commands, one for each commands-*.c. */
struct command_table {
	const struct command *rows;
	guint length;
};

#define COMMAND_TABLE(rows)                                                                        \
	{                                                                                          \
		rows, G_N_ELEMENTS(rows)                                                           \
	}

extern const struct command_table commands_protocol;
extern const struct command_table commands_fsfreeze;
extern const struct command_table commands_file;
extern const struct command_table commands_exec;
extern const struct command_table commands_power;
extern const struct command_table commands_time;
extern const struct command_table commands_cpu;
extern const struct command_table commands_memory;
extern const struct command_table commands_storage;
extern const struct command_table commands_network;
extern const struct command_table commands_os;
extern const struct command_table commands_stats;
extern const struct command_table commands_account;
extern const struct command_table commands_ssh;
extern const struct command_table commands_helper;

#endif
