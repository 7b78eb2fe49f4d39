/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways to install the module and the agent, best first, each with a probe.
 * The first that can be gone is chosen; each probe's answer is a sentence.
 */
#ifndef SETUP_WAYS_H
#define SETUP_WAYS_H

#include "detect.h"
#include "medium.h"

#define MODULE_PACKAGE "virtio-fsfreeze-dkms"
/* For building without DKMS. */
#define MEDIUM_MODULE "module/"
#define MEDIUM_SOURCE MEDIUM_MODULE "source/"
#define MEDIUM_BUILD  MEDIUM_MODULE "build-module"

struct way_input {
	const struct detection *detection;
	const struct medium *medium; /* NULL: not at hand, taken to carry everything usual */
	const struct kernel *kernel; /* for the module; NULL for the agent */
};

struct way_answer {
	const char *way;
	char *reason;
};

struct choice {
	const char *way; /* NULL when none can be gone */
	char *reason;
	GPtrArray *rejected; /* struct way_answer, in the order asked */
};

/*
 * ways_choose_module(), ways_choose_agent() - choose, or try what @wanted names
 * @wanted: a way's name, or NULL for the best
 *
 * Return: free with choice_free().
 */
struct choice *ways_choose_module(const struct way_input *input, const char *wanted);
struct choice *ways_choose_agent(const struct way_input *input, const char *wanted);
void choice_free(struct choice *choice);

/* ways_module_names(), ways_agent_names() - "dkms, none" for usage messages; free it */
char *ways_module_names(void);
char *ways_agent_names(void);
gboolean ways_is_module(const char *name);
gboolean ways_is_agent(const char *name);

#endif
