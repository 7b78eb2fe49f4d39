/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_OPTIONS_H
#define AGENT_OPTIONS_H

#include <glib.h>

/*
 * Command line and config file. Options and keys are those of the QEMU guest
 * agent, and ours behind them; the command line wins.
 */
struct options {
	char *config;
	char *method;
	char *path;
	char *logfile;
	char *pidfile;
	char *hook;          /* the hook runner; "" for none */
	char *block;
	char *allow;
	char *engine;        /* "kernel", "userland", or NULL for the best */
	int freeze_timeout;  /* s */
	int hooks_timeout;   /* s, all hooks together */
	gboolean verbose;
	gboolean show_help, show_version, dump_config, thaw;
};

/** options_parse() - Return: FALSE and an error; then @options is empty. */
gboolean options_parse(struct options *options, int argc, char **argv, GError **error);
void options_clear(struct options *options);

/** options_help() - the text of --help. Return: owned by the caller. */
char *options_help(void);

/** options_dump() - the options in force as a config file. Return: owned by the caller. */
char *options_dump(const struct options *options);

#endif
