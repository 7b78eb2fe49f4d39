/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every phase of a run is given. Nothing here changes once the plan is made. */
#ifndef SETUP_CONTEXT_H
#define SETUP_CONTEXT_H

#include "detect.h"
#include "medium.h"
#include "state.h"

struct options {
	char *root;
	char *medium;
	char *module; /* a way's name, or NULL: the best */
	char *agent;
	char *log;
	const char *argument; /* of the command, where it has one */
	gboolean yes, quiet, json, replace_agent, downgrade, self_test, help, version;
};

struct context {
	const struct options *options;
	struct root *root;
	struct medium *medium; /* NULL where the command needs none, or for status none is there */
	struct detection *detection;
	struct state *state; /* what an earlier install left, or NULL */
	char *stage;	     /* the directory in the root where the medium's files are copied to */
};

#endif
