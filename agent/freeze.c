/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "freeze.h"

#include "engine.h"
#include "error.h"
#include "hooks.h"
#include "log.h"

struct waiter {
	freeze_done done;
	gpointer data;
};

static struct {
	char *engine_name;
	guint timeout_ms;
	enum freeze_state state;
	const struct engine *engine;
	char **paths;
	struct waiter freezer;  /* who waits for the freeze */
	GSList *thawers;        /* who wait for the thaw (struct waiter) */
	GError *error;          /* why the freeze failed */
	GError *lost;           /* why a freeze that stood ended by itself */
	gint64 lost_at;         /* monotonic, us */
	gint64 deadline;        /* monotonic, us */
	guint count;            /* file systems the freeze held */
	void (*when_thawed)(void);
} freeze = { .timeout_ms = 60000 };

void freeze_init(const char *engine, guint timeout_ms)
{
	g_free(freeze.engine_name);
	freeze.engine_name = g_strdup(engine);
	freeze.timeout_ms = timeout_ms;
}

enum freeze_state freeze_state(void)
{
	return freeze.state;
}

const char *freeze_state_name(void)
{
	static const char *const names[] = {
		[FREEZE_THAWED] = "thawed",     [FREEZE_HOOKS_FREEZE] = "freeze-hooks",
		[FREEZE_FREEZING] = "freezing", [FREEZE_FROZEN] = "frozen",
		[FREEZE_THAWING] = "thawing",   [FREEZE_HOOKS_THAW] = "thaw-hooks",
	};

	return names[freeze.state];
}

gboolean freeze_is_active(void)
{
	return freeze.state != FREEZE_THAWED;
}

const char *freeze_engine_name(void)
{
	const struct engine *engine =
		freeze_is_active() ? freeze.engine : engine_choose(freeze.engine_name, NULL);

	return engine ? engine->name : "none";
}

guint freeze_remaining_ms(void)
{
	gint64 left = freeze.deadline - g_get_monotonic_time();

	return freeze.state == FREEZE_FROZEN && left > 0 ? (guint)(left / 1000) : 0;
}

gboolean freeze_check(GError **error)
{
	if (!freeze.lost)
		return TRUE;
	g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
		    "%s, %" G_GINT64_FORMAT " s ago: what was copied since is not consistent",
		    freeze.lost->message,
		    (g_get_monotonic_time() - freeze.lost_at) / G_USEC_PER_SEC);
	return FALSE;
}

static void answer_freezer(guint count, GError *error)
{
	struct waiter waiter = freeze.freezer;

	freeze.freezer.done = NULL;
	if (waiter.done)
		waiter.done(count, error, waiter.data);
	else
		g_clear_error(&error);
}

static void answer_thawers(void)
{
	GSList *thawers = g_steal_pointer(&freeze.thawers);

	for (GSList *link = thawers; link; link = link->next) {
		struct waiter *waiter = link->data;
		GError *error = NULL;

		freeze_check(&error);
		waiter->done(freeze.count, error, waiter->data);
	}
	if (thawers)
		g_clear_error(&freeze.lost);
	g_slist_free_full(thawers, g_free);
}

void freeze_when_thawed(void (*thawed)(void))
{
	freeze.when_thawed = NULL;
	if (freeze_is_active())
		freeze.when_thawed = thawed;
	else
		thawed();
}

/* The last step of every way out. */
static void thaw_hooks_ran(GError *error)
{
	if (error)
		g_warning("%s", error->message);
	g_clear_error(&error);
	g_clear_pointer(&freeze.paths, g_strfreev);
	freeze.state = FREEZE_THAWED;
	g_message("%u file systems thawed", freeze.count);
	answer_freezer(0, g_steal_pointer(&freeze.error));
	answer_thawers();
	if (freeze.when_thawed)
		freeze_when_thawed(freeze.when_thawed);
}

static void run_thaw_hooks(void)
{
	freeze.state = FREEZE_HOOKS_THAW;
	log_release();
	hooks_run("thaw", thaw_hooks_ran);
}

static void engine_frozen(guint count)
{
	freeze.count = count;
	/* Nobody thaws what counts nothing, and hooks must not wait for it. */
	if (count == 0 || freeze.state == FREEZE_THAWING) {
		freeze.state = FREEZE_THAWING;
		freeze.engine->thaw();
		return;
	}
	freeze.state = FREEZE_FROZEN;
	freeze.deadline = g_get_monotonic_time() + freeze.timeout_ms * G_GINT64_CONSTANT(1000);
	g_message("%u file systems frozen by the %s engine", count, freeze.engine->name);
	answer_freezer(count, NULL);
}

static GError *cancelled(void)
{
	return g_error_new_literal(AGENT_ERROR, AGENT_ERROR_GENERIC,
				   "cannot freeze: cancelled by a thaw");
}

static void engine_thawed(guint count, GError *error)
{
	gboolean stood = !freeze.freezer.done;

	freeze.count = count;
	if (error)
		g_warning("%s", error->message);
	if (stood && error) {
		g_clear_error(&freeze.lost);
		freeze.lost = error;
		freeze.lost_at = g_get_monotonic_time();
	} else if (error) {
		freeze.error = error;
	} else if (!stood && freeze.thawers) {
		freeze.error = cancelled();
	}
	run_thaw_hooks();
}

static const struct engine_events events = { engine_frozen, engine_thawed };

static void freeze_hooks_ran(GError *error)
{
	if (!error && freeze.thawers)
		error = cancelled();
	freeze.count = 0;
	if (error) {
		freeze.error = error;
		run_thaw_hooks();
		return;
	}
	freeze.state = FREEZE_FREEZING;
	log_hold();
	if (!freeze.engine->begin((const char *const *)freeze.paths, freeze.timeout_ms, &events,
				  &freeze.error))
		run_thaw_hooks();
}

void freeze_begin(const char *const *paths, freeze_done done, gpointer data)
{
	GError *error = NULL;

	g_clear_error(&freeze.lost);
	freeze.engine = engine_choose(freeze.engine_name, &error);
	if (!freeze.engine) {
		done(0, error, data);
		return;
	}
	freeze.paths = g_strdupv((char **)paths);
	freeze.freezer.done = done;
	freeze.freezer.data = data;
	freeze.state = FREEZE_HOOKS_FREEZE;
	hooks_run("freeze", freeze_hooks_ran);
}

void freeze_thaw(freeze_done done, gpointer data)
{
	struct waiter *waiter = g_new0(struct waiter, 1);

	waiter->done = done;
	waiter->data = data;
	freeze.thawers = g_slist_append(freeze.thawers, waiter);
	switch (freeze.state) {
	case FREEZE_THAWED:
		freeze.count = 0;
		answer_thawers();
		break;
	case FREEZE_HOOKS_FREEZE:
		hooks_cancel();
		break;
	case FREEZE_FREEZING:
	case FREEZE_FROZEN:
		freeze.state = FREEZE_THAWING;
		freeze.engine->thaw();
		break;
	case FREEZE_THAWING:
	case FREEZE_HOOKS_THAW:
		break;
	}
}

gboolean freeze_extend(guint timeout_ms, GError **error)
{
	if (freeze.state != FREEZE_FROZEN) {
		if (freeze_check(error))
			g_set_error_literal(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
					    "cannot extend the freeze: nothing is frozen");
		return FALSE;
	}
	freeze.engine->extend(timeout_ms);
	freeze.deadline = g_get_monotonic_time() + timeout_ms * G_GINT64_CONSTANT(1000);
	return TRUE;
}

GPtrArray *freeze_report(void)
{
	return freeze.engine ? freeze.engine->report() : engine_report_new();
}
