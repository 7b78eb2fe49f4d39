/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The plan of an install: the ways chosen and the steps still to do. It is
 * computed by reading only, shown, and then done exactly so.
 */
#ifndef SETUP_PLAN_H
#define SETUP_PLAN_H

#include "context.h"
#include "step.h"
#include "ways.h"

struct module_choice {
	const struct kernel *kernel; /* belongs to the detection */
	struct choice *choice;
};

struct plan {
	struct choice *agent;
	GPtrArray *modules; /* struct module_choice */
	GPtrArray *steps;   /* struct step; none: already current */
};

/* plan_make() - for the root and medium of @c; NULL and why when there is no way to install */
struct plan *plan_make(const struct context *c, GError **err);
void plan_free(struct plan *plan);
typedef struct plan SetupPlan;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SetupPlan, plan_free)

/* plan_size() - bytes the plan copies from the medium */
goffset plan_size(const struct plan *plan);

#endif
