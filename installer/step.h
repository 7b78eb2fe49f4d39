/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A step: one change to the guest that can be undone. Its kind is a row of a
 * table. The record made before a step begins holds all its undo needs:
 *
 *	{ "kind": ..., "object": ..., "undo": {how it was}, "now": {what we make of it} }
 *
 * An undo may find its step not begun, half done or done, or itself half done by
 * a run that was killed, and brings each of them to how it was.
 */
#ifndef SETUP_STEP_H
#define SETUP_STEP_H

#include <jansson.h>

#include "context.h"

enum step_flags {
	STEP_OPTIONAL = 1 << 0,	 /* its failure is told and does not end the run */
	STEP_TRANSIENT = 1 << 1, /* over with the run: no part of what is installed */
	STEP_QUIET = 1 << 2,	 /* book-keeping below our own directory: not told to people */
};

struct step {
	const struct step_kind *kind;
	char *object; /* a path, package, unit or kernel release */
	const struct medium_file *source;
	GPtrArray *sources; /* for staging: struct medium_file, borrowed */
};

struct step_kind {
	const char *name;
	const char *title; /* with one %s for the object, said while it is done */
	const char *untitle;
	enum step_flags flags;

	/* Is all as this step would leave it? NULL: never. */
	gboolean (*satisfied)(const struct context *c, const struct step *step);
	/* How it is: the record's "undo" and "now"; may save backups; changes nothing else. */
	gboolean (*prepare)(const struct context *c, const struct step *step, json_t *undo,
			    json_t *now, GError **err);
	/* Do it; a note for the report in *@note if there is one. */
	gboolean (*apply)(const struct context *c, const struct step *step, char **note,
			  GError **err);
	gboolean (*undo)(const struct context *c, const char *object, const json_t *undo,
			 GError **err);
	/* At uninstall, where that differs: what the user changed is kept and named in *@note. */
	gboolean (*uninstall)(const struct context *c, const char *object, const json_t *undo,
			      const json_t *now, char **note, GError **err);
};

extern const struct step_kind step_stage, step_put, step_keep, step_source, step_package, step_guard,
	step_build_module, step_build_direct, step_prebuilt, step_rebuild, step_load_module,
	step_enable, step_start, step_stop, step_mask, step_relabel, step_state;

/* step_kind_by_name() - for records; NULL when there is no such kind */
const struct step_kind *step_kind_by_name(const char *name);

struct step *step_new(const struct step_kind *kind, const char *object,
		      const struct medium_file *source);
void step_free(gpointer step);

/* step_title() - "install package x", free it */
char *step_title(const struct step_kind *kind, const char *object);
char *step_untitle(const struct step_kind *kind, const char *object);

/* step_staged() - where the copy of a medium's file is in the root; free it */
char *step_staged(const struct context *c, const struct medium_file *file);

/* step_state_record() - the record for replacing state.json: what it holds now; NULL: unreadable */
json_t *step_state_record(const struct context *c, GError **err);

/* step_prepare_file() - for step_put.undo: how the file is that will be replaced, with a copy of it */
gboolean step_prepare_file(const struct context *c, const char *path, json_t *undo, GError **err);

#endif
