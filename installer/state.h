/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is installed, in /var/lib/guest-tools/state.json: the version, the ways
 * chosen, and the record of every step, which is what uninstall undoes.
 */
#ifndef SETUP_STATE_H
#define SETUP_STATE_H

#include <jansson.h>

#include "root.h"

#define STATE_PATH    "/var/lib/guest-tools/state.json"
#define STATE_FORMAT  1
#define STATE_BACKUPS "/var/lib/guest-tools/backup"
#define STATE_KEPT    "/var/lib/guest-tools/packages"

struct state;

/* state_load() - NULL without an error when nothing is installed */
struct state *state_load(const struct root *root, GError **err);
struct state *state_new(void);
void state_free(struct state *state);
typedef struct state SetupState;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SetupState, state_free)

const char *state_version(const struct state *state);
const char *state_agent_way(const struct state *state);
/* state_keys() - of whoever may sign what is to replace this, in hex; maybe none; g_strfreev() */
char **state_keys(const struct state *state);
void state_set(struct state *state, const char *version, const char *agent_way,
	       const char *const *keys);

/* state_records() - of the steps, in the order they were done; belongs to the state */
json_t *state_records(const struct state *state);

/* state_record() - the record of one step's kind and object, or NULL */
json_t *state_record(const struct state *state, const char *kind, const char *object);

/*
 * state_merge() - take over the records of a run that is done
 *
 * What is known of an object from an earlier run tells how it was before any of ours: its undo
 * stays, only what we put there is taken from the new record.
 */
void state_merge(struct state *state, const json_t *records);

gboolean state_save(const struct state *state, const struct root *root, GError **err);

/* state_backup_used() - does any record need this file below STATE_BACKUPS? */
gboolean state_backup_used(const struct state *state, const char *path);

#endif
