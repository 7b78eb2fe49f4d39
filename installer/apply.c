// SPDX-License-Identifier: GPL-2.0-or-later
#include "apply.h"

#include <string.h>

#include "command.h"
#include "error.h"
#include "fault.h"
#include "journal.h"
#include "ui.h"

void outcome_init(struct outcome *outcome)
{
	outcome->steps = json_array();
	outcome->warnings = json_array();
}

void outcome_clear(struct outcome *outcome)
{
	json_decref(outcome->steps);
	json_decref(outcome->warnings);
}

static void warn(struct outcome *outcome, const char *text)
{
	json_array_append_new(outcome->warnings, json_string(text));
	ui_warn("%s", text);
}

/* One step is over: say it, and note it for the report. */
static void note_step(struct outcome *outcome, const char *kind, const char *object,
		      const char *title, const char *result, const char *note)
{
	double seconds = ui_step_end(result);
	json_t *step = json_pack("{s:s, s:s, s:s, s:s, s:f}", "kind", kind, "object", object,
				 "title", title, "result", result, "seconds", seconds);

	if (note) {
		json_object_set_new(step, "note", json_string(note));
		ui_say("        %s", note);
	}
	json_array_append_new(outcome->steps, step);
}

/* The record goes to disk before the step begins. */
static gboolean do_step(const struct context *c, const struct step *step, struct journal *journal,
			char **note, GError **err)
{
	json_t *undo = json_object(), *now = json_object();
	json_t *record = json_pack("{s:s, s:s, s:o, s:o}", "kind", step->kind->name, "object",
				   step->object, "undo", undo, "now", now);

	if (!step->kind->prepare(c, step, undo, now, err) || root_take_damage(c->root, err)) {
		json_decref(record);
		return FALSE;
	}
	return journal_append(journal, record, err) && step->kind->apply(c, step, note, err) &&
	       !root_take_damage(c->root, err) && fault_point("step applied", err);
}

/* FALSE: the run must be undone. */
static gboolean run_step(const struct context *c, const struct step *step, struct journal *journal,
			 struct outcome *outcome, GError **err)
{
	g_autofree char *title = step_title(step->kind, step->object);
	g_autofree char *note = NULL;
	g_autoptr(GError) problem = NULL;
	gboolean good;

	ui_step_begin(title);
	if (step->kind->flags & STEP_QUIET)
		ui_step_hide();
	good = do_step(c, step, journal, &note, &problem);
	if (good) {
		note_step(outcome, step->kind->name, step->object, title, "ok", note);
	} else {
		gboolean optional = step->kind->flags & STEP_OPTIONAL;

		note_step(outcome, step->kind->name, step->object, title,
			  optional ? "warn" : "fail", NULL);
		if (!optional) {
			g_propagate_error(err, g_steal_pointer(&problem));
			return FALSE;
		}
		warn(outcome, problem->message);
	}
	if (command_interrupted())
		return setup_fail(err, SETUP_FAILED, "cannot go on: stopped by signal %d",
				  command_interrupted());
	return TRUE;
}

static gboolean undo_record(const struct context *c, const json_t *record, GError **err)
{
	const char *object = json_string_value(json_object_get(record, "object"));
	const struct step_kind *kind =
		step_kind_by_name(json_string_value(json_object_get(record, "kind")));

	if (!kind || !object)
		return setup_fail(err, SETUP_TORN, "cannot undo a step of a kind not known here");
	return kind->undo(c, object, json_object_get(record, "undo"), err) &&
	       !root_take_damage(c->root, err);
}

/* Copies of replaced files that no record of the state needs are left over from undone runs. */
static gboolean drop_backups(const struct context *c, const struct state *state, GError **err)
{
	g_auto(GStrv) names = root_list(c->root, STATE_BACKUPS);

	for (char **name = names; *name; name++) {
		g_autofree char *path = g_build_filename(STATE_BACKUPS, *name, NULL);

		if (!(state && state_backup_used(state, path)) && !root_unlink(c->root, path, err))
			return FALSE;
	}
	return root_rmdir(c->root, STATE_BACKUPS, err);
}

/* After commit or undo: the copies of the medium, unneeded backups, and last the journal. */
static gboolean tidy_up(const struct context *c, struct journal *journal, GError **err)
{
	const char *stage = journal_stage(journal);
	g_autoptr(SetupState) state = NULL;
	g_autoptr(GError) unread = NULL;

	if (*stage && !root_remove_tree(c->root, stage, err))
		return FALSE;
	state = state_load(c->root, &unread);
	if (unread) {
		g_propagate_error(err, g_steal_pointer(&unread));
		return FALSE;
	}
	return drop_backups(c, state, err) && root_unlink(c->root, STATE_PATH ROOT_SUFFIX, err) &&
	       !root_take_damage(c->root, err) &&
	       fault_point("tidying up", err) && journal_remove(journal, err) &&
	       root_rmdir(c->root, STATE_DIR, err);
}

/*
 * Every record, last first. One that cannot be undone does not keep the others from it; the
 * journal then stays for the next try.
 */
static gboolean roll_back(const struct context *c, struct journal *journal, GError **err)
{
	json_t *records = journal_records(journal);
	g_autoptr(GError) first = NULL;

	for (gsize i = json_array_size(records); i-- > 0;) {
		g_autoptr(GError) problem = NULL;

		if (undo_record(c, json_array_get(records, i), &problem))
			continue;
		ui_warn("%s", problem->message);
		if (!first)
			first = g_steal_pointer(&problem);
	}
	if (!first)
		tidy_up(c, journal, &first);
	if (!first)
		return TRUE;
	return setup_fail(err, SETUP_TORN, "cannot undo everything: %s; run: setup recover",
			  first->message);
}

/* The error of a failed run, or a worse one if it could not be undone either. */
static gboolean give_up(const struct context *c, struct journal *journal, GError *cause,
			GError **err)
{
	g_autoptr(GError) worse = NULL;

	ui_step_begin("put everything back as it was");
	if (roll_back(c, journal, &worse)) {
		ui_step_end("ok");
		g_propagate_error(err, cause);
		return FALSE;
	}
	ui_step_end("fail");
	g_set_error(err, SETUP_ERROR, SETUP_TORN, "%s; then: %s", cause->message, worse->message);
	g_error_free(cause);
	return FALSE;
}

static json_t *lasting_records(const struct journal *journal)
{
	json_t *lasting = json_array(), *record;
	gsize i;

	json_array_foreach(journal_records(journal), i, record) {
		const struct step_kind *kind =
			step_kind_by_name(json_string_value(json_object_get(record, "kind")));

		if (kind && !(kind->flags & STEP_TRANSIENT))
			json_array_append(lasting, record);
	}
	return lasting;
}

/*
 * Until the state is renamed into place the old one counts. Between that and the commit a kill
 * undoes the steps, and the state's own record writes the old one back.
 */
static gboolean save_state(const struct context *c, const struct plan *plan,
			   struct journal *journal, GError **err)
{
	g_autoptr(GError) unread = NULL;
	g_autoptr(SetupState) fresh = state_load(c->root, &unread);
	json_t *lasting, *record = step_state_record(c, err);

	if (!record)
		return FALSE;
	if (unread) {
		json_decref(record);
		g_propagate_error(err, g_steal_pointer(&unread));
		return FALSE;
	}
	if (!fresh)
		fresh = state_new();
	lasting = lasting_records(journal);
	state_merge(fresh, lasting);
	json_decref(lasting);
	state_set(fresh, medium_version(c->medium), plan->agent->way, medium_keys(c->medium));
	return journal_append(journal, record, err) &&
	       state_save(fresh, c->root, err) && fault_point("state saved", err) &&
	       journal_commit(journal, err);
}

gboolean apply_install(const struct context *c, const struct plan *plan, struct outcome *outcome,
		       GError **err)
{
	struct journal *journal = journal_begin(c->root, "install", c->stage, err);
	GError *cause = NULL;
	gboolean good = TRUE;

	if (!journal)
		return FALSE;
	for (guint i = 0; good && i < plan->steps->len; i++)
		good = run_step(c, plan->steps->pdata[i], journal, outcome, &cause);
	good = good && save_state(c, plan, journal, &cause);
	if (!good) {
		give_up(c, journal, cause, err);
	} else if (!fault_point("committed", &cause) || !tidy_up(c, journal, &cause)) {
		warn(outcome, cause->message);
		g_error_free(cause);
	}
	journal_free(journal);
	return good;
}

static gboolean uninstall_record(const struct context *c, const json_t *record,
				 struct outcome *outcome, GError **err)
{
	const char *object = json_string_value(json_object_get(record, "object"));
	const struct step_kind *kind =
		step_kind_by_name(json_string_value(json_object_get(record, "kind")));
	const json_t *undo = json_object_get(record, "undo");
	g_autofree char *note = NULL;
	gboolean good;

	if (!kind || !object)
		return setup_fail(err, SETUP_TORN, "cannot undo a step of a kind not known here");
	g_autofree char *title = step_untitle(kind, object);

	ui_step_begin(title);
	if (kind->flags & STEP_QUIET)
		ui_step_hide();
	if (kind->uninstall)
		good = kind->uninstall(c, object, undo, json_object_get(record, "now"), &note, err);
	else
		good = kind->undo(c, object, undo, err);
	good = good && !root_take_damage(c->root, err);
	note_step(outcome, kind->name, object, title, good ? "ok" : "fail", note);
	return good;
}

/* What is left below our directory is the user's: name it. */
static void name_kept(const struct context *c, const char *dir, struct outcome *outcome)
{
	g_auto(GStrv) names = root_list(c->root, dir);

	for (char **name = names; *name; name++) {
		g_autofree char *path = g_build_filename(dir, *name, NULL);
		g_autofree char *text = g_strdup_printf("kept %s: it is not ours", path);

		if (root_is_dir(c->root, path))
			name_kept(c, path, outcome);
		else
			warn(outcome, text);
	}
}

static gboolean drop_config_dirs(const struct context *c, GError **err)
{
	static const char *const dirs[] = { "/etc/guest-tools/fsfreeze-hook.d",
					    "/etc/guest-tools/hooks", "/etc/guest-tools" };

	for (gsize i = 0; i < G_N_ELEMENTS(dirs); i++)
		if (!root_rmdir(c->root, dirs[i], err))
			return FALSE;
	return TRUE;
}

/* Undo the state's records, last first; begun anew by each run until the journal says commit. */
static gboolean uninstall_from(const struct context *c, struct journal *journal, struct outcome *outcome,
			       GError **err)
{
	json_t *records = c->state ? state_records(c->state) : NULL;

	for (gsize i = json_array_size(records); !journal_committed(journal) && i-- > 0;)
		if (!uninstall_record(c, json_array_get(records, i), outcome, err) ||
		    !fault_point("step undone", err))
			return FALSE;
	if (!journal_committed(journal) && !journal_commit(journal, err))
		return FALSE;
	if (!fault_point("committed", err) || !root_unlink(c->root, STATE_PATH, err) ||
	    !drop_config_dirs(c, err))
		return FALSE;
	name_kept(c, "/etc/guest-tools", outcome);
	return tidy_up(c, journal, err);
}

/* Where it cannot go on, the next run can: that is neither the old state nor the new one yet. */
static gboolean uninstall(const struct context *c, struct journal *journal, struct outcome *outcome,
			  GError **err)
{
	g_autoptr(GError) problem = NULL;

	if (uninstall_from(c, journal, outcome, &problem))
		return TRUE;
	return setup_fail(err, SETUP_TORN, "uninstall is half done, run it again: %s",
			  problem->message);
}

gboolean apply_uninstall(const struct context *c, struct outcome *outcome, GError **err)
{
	struct journal *journal = journal_begin(c->root, "uninstall", "", err);
	gboolean good = journal && uninstall(c, journal, outcome, err);

	journal_free(journal);
	return good;
}

static gboolean recover_from(const struct context *c, struct journal *journal, struct outcome *outcome,
			     GError **err)
{
	if (strcmp(journal_operation(journal), "uninstall") == 0)
		return uninstall(c, journal, outcome, err);
	if (journal_committed(journal))
		return tidy_up(c, journal, err);
	return roll_back(c, journal, err);
}

gboolean apply_recover(const struct context *c, struct outcome *outcome, gboolean *found, GError **err)
{
	g_autoptr(GError) problem = NULL;
	struct journal *journal = journal_load(c->root, &problem);
	gboolean good;

	*found = journal || problem;
	if (problem) {
		g_propagate_error(err, g_steal_pointer(&problem));
		return FALSE;
	}
	if (!journal) {
		return journal_sweep(c->root, err);
	}
	ui_say("An earlier %s did not come to its end: %s", journal_operation(journal),
	       journal_committed(journal)			   ? "tidying up" :
	       strcmp(journal_operation(journal), "install") == 0 ? "undoing it" :
								    "going on with it");
	good = recover_from(c, journal, outcome, err);
	journal_free(journal);
	return good;
}
