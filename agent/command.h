/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_COMMAND_H
#define AGENT_COMMAND_H

#include <glib.h>
#include <jansson.h>

#include "arguments.h"
#include "request.h"

/*
 * The commands are rows of tables, one table per file of commands. A row feeds
 * lookup, permission, the check of the arguments, guest-info and --help.
 */

#define COMMAND_MAX_ARGUMENTS 8

enum command_flags {
	COMMAND_ANYTIME = 1 << 0,   /* also while file systems are frozen */
	COMMAND_DELIMITED = 1 << 1, /* the reply is preceded by 0xFF */
	COMMAND_NO_REPLY = 1 << 2,  /* replies only when it fails */
	COMMAND_SYNC = 1 << 3,      /* the client starts afresh: older replies are void */
	COMMAND_QUIET = 1 << 4,     /* not worth a line in the log */
	COMMAND_READ_ONLY = 1 << 5, /* in the profile for guests that do not trust their host */
	COMMAND_HELPED = 1 << 6,    /* needs more than the sandbox of the unit allows */
	COMMAND_INTERNAL = 1 << 7,  /* for an agent to ask of its helper; not listed */
};

struct command {
	const char *name;
	void (*run)(struct request *request, json_t *arguments);
	guint flags;
	const char *help;                                 /* one line, for --help */
	struct argument arguments[COMMAND_MAX_ARGUMENTS]; /* ends at the first without a name */
};

/* Who runs what is COMMAND_HELPED. */
enum commands_role {
	COMMANDS_ALONE, /* this process, as everything else */
	COMMANDS_ASK,   /* the helper; while there is none, such commands are not enabled */
	COMMANDS_HELP,  /* this is the helper, and does nothing else */
};

/** commands_init() - to be called once, before any request. */
void commands_init(enum commands_role role);

/** commands_find() - Return: the row of that name, or NULL. */
const struct command *commands_find(const char *name);

/** commands_next() - all rows for a host, in the order of --help. NULL starts and ends. */
const struct command *commands_next(const struct command *command);

/**
 * commands_allow() - restrict to what the profile and these lists of names leave.
 *
 * A command has to pass all three.
 *
 * @profile: "full", "read-only", or NULL for full
 * @blocked: names, comma or semicolon between them; NULL blocks nothing
 * @allowed: names likewise; NULL allows all
 *
 * Return: FALSE and an error that names the first unknown name; then all is as before.
 */
gboolean commands_allow(const char *profile, const char *blocked, const char *allowed, GError **error);

/** command_is_enabled() - whether the lists leave it and it can be run; frozen or not does not count. */
gboolean command_is_enabled(const struct command *command);

/**
 * command_dispatch() - run one request, given as the text of one JSON value.
 *
 * Whatever is wrong with it becomes a reply to @client.
 */
void command_dispatch(struct client *client, const char *text, gsize length);

#endif
