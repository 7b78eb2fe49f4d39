/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether what is installed works: asked after an install, and by status. */
#ifndef SETUP_HEALTH_H
#define SETUP_HEALTH_H

#include <jansson.h>

#include "context.h"

struct health {
	const struct init_system *init; /* the table's */
	gboolean offline;	/* another root than the running system's: only what is on disk counts */
	gboolean enabled;	/* the service starts at boot or with the device */
	gboolean active;	/* the service runs */
	gboolean channel;	/* the host gives the guest the channel */
	gboolean module_loaded; /* in the running kernel */
	gboolean device;	/* /dev/fsfreeze */
};

/* health_check() - look, waiting at most @seconds for the service to be up */
void health_check(const struct context *c, int seconds, struct health *health);

/* health_is_good() - would the host reach the agent, as far as the guest can tell? */
gboolean health_is_good(const struct health *health);

/* health_hint() - what to do about a service that does not run: "see ..."; free it */
char *health_hint(const struct health *health);

json_t *health_json(const struct health *health);
void health_report(const struct health *health);

#endif
