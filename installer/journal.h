/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal: what a run is about to change, on disk before it changes it. One
 * JSON object on a line, each synced. A first line says which operation it is; a
 * record is there before its step begins; "commit" after all are done.
 *
 *	no journal     nothing is under way
 *	no commit      install: undo every record, last first; uninstall: do it again
 *	with commit    only the tidying up is left
 *
 * A last line that is not complete belongs to a step that never began.
 */
#ifndef SETUP_JOURNAL_H
#define SETUP_JOURNAL_H

#include <jansson.h>

#include "root.h"

#define STATE_DIR    "/var/lib/guest-tools"
#define JOURNAL_PATH STATE_DIR "/journal"

struct journal;

/*
 * journal_begin() - a new journal; @stage is noted in it so that it is cleared away later
 *
 * @err must be given: SETUP_TORN where it failed and could not be taken back.
 */
struct journal *journal_begin(const struct root *root, const char *operation, const char *stage,
			      GError **err);

/* journal_load() - the one that is there; NULL without an error when there is none */
struct journal *journal_load(const struct root *root, GError **err);
void journal_free(struct journal *journal);

/* journal_sweep() - where there is no journal: what one that was killed in its making left */
gboolean journal_sweep(const struct root *root, GError **err);

const char *journal_operation(const struct journal *journal);
const char *journal_stage(const struct journal *journal);
gboolean journal_committed(const struct journal *journal);

/* journal_records() - those of the steps, in order; belongs to the journal */
json_t *journal_records(const struct journal *journal);

/* journal_append() - a step's record, on disk on return; takes the reference */
gboolean journal_append(struct journal *journal, json_t *record, GError **err);
gboolean journal_commit(struct journal *journal, GError **err);

/* journal_remove() - the operation is over */
gboolean journal_remove(struct journal *journal, GError **err);

#endif
