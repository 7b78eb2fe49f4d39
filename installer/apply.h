/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doing a plan, and undoing one. Each of them ends in the old state or the new
 * one; where a run is killed, apply_recover() gets there:
 *
 *	          journal_begin      step done      step done      commit      journal removed
 *	install:  ------|---------------|--------------|-------------|-------------|------
 *	killed:   nothing   undo all      undo all       undo all      tidy up       done
 *
 * An uninstall that was killed is gone on with instead: what it undid stays undone.
 */
#ifndef SETUP_APPLY_H
#define SETUP_APPLY_H

#include "plan.h"

struct outcome {
	json_t *steps;	  /* [{kind, object, title, result, seconds, note}] */
	json_t *warnings; /* strings */
};

void outcome_init(struct outcome *outcome);
void outcome_clear(struct outcome *outcome);

gboolean apply_install(const struct context *c, const struct plan *plan, struct outcome *outcome,
		       GError **err);
gboolean apply_uninstall(const struct context *c, struct outcome *outcome, GError **err);

/* apply_recover() - finish or undo what a killed run left; *@found: was there anything? */
gboolean apply_recover(const struct context *c, struct outcome *outcome, gboolean *found, GError **err);

#endif
