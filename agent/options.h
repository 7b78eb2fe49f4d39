/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_OPTIONS_H
#define AGENT_OPTIONS_H

#include <glib.h>

/*
 * Command line and config files. Options and keys are those of the QEMU guest
 * agent, and ours behind them. The command line wins, then our config file, then
 * that of the QEMU guest agent where one is on the machine already.
 */
struct options {
	char *config;
	char *method;
	char *path;
	char *logfile;
	char *pidfile;
	char *hook;          /* the hook runner; "" for none */
	char *block;         /* "help" or "?": only list the commands */
	char *allow;
	char *profile;       /* NULL for all commands */
	char *state_directory; /* accepted and not used, as is the next */
	gboolean retry_path;
	char *helper;        /* socket of it, or NULL */
	char *engine;        /* "kernel", "userland", or NULL for the best */
	int freeze_timeout;  /* s */
	int hooks_timeout;   /* s, all hooks together */
	gboolean verbose;
	gboolean daemon;
	gboolean show_help, show_version, dump_config, thaw;
};

/**
 * options_parse() - the command line @argv, and the config files.
 *
 * Return: FALSE and an error; then @options is empty.
 */
gboolean options_parse(struct options *options, char **argv, GError **error);
void options_clear(struct options *options);

/** options_list_commands() - whether -b asks for nothing but the names of the commands. */
gboolean options_list_commands(const struct options *options);

/** options_is_helper() - whether this is to be the helper of another agent. */
gboolean options_is_helper(const struct options *options);

/** options_help() - the text of --help. Return: owned by the caller. */
char *options_help(void);

/** options_dump() - the options in force as a config file. Return: owned by the caller. */
char *options_dump(const struct options *options);

#endif
