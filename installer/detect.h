/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there is in a root: everything later decided rests on this. Only reads,
 * and needs no privilege; what cannot be read counts as not there.
 */
#ifndef SETUP_DETECT_H
#define SETUP_DETECT_H

#include <jansson.h>

#include "agents.h"
#include "distribution.h"
#include "kernels.h"
#include "packages.h"
#include "service.h"

enum known { KNOWN_NO, KNOWN_YES, KNOWN_NOT };

struct detection {
	const struct root *root;
	struct distribution *distribution;
	const char *architecture; /* as Debian names it, or "unknown" */
	const char *libc;	  /* glibc, musl or unknown */
	const struct init_system *init;
	gboolean init_runs;
	const struct package_manager *packages;
	GPtrArray *kernels; /* struct kernel */
	char *dkms, *compiler, *make; /* their paths, or NULL */
	gboolean can_execute;	      /* programs of the root run on this machine */
	const char *container;	      /* what kind the running system is in, or NULL */
	const char *selinux;	      /* enforcing, permissive, disabled, or NULL: not configured */
	enum known secure_boot;
	gboolean read_only_usr;
	gboolean has_other_agent;
	struct other_agent other_agent;
	enum package_state agent_state;
	char *agent_version; /* of the installed package, or NULL */
	gboolean agent_installed;
};

struct detection *detect(const struct root *root);
void detection_free(struct detection *detection);
typedef struct detection SetupDetection;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SetupDetection, detection_free)

/* detect_module_loaded() - is the freeze module in the running kernel? */
gboolean detect_module_loaded(const struct root *root);

#endif
