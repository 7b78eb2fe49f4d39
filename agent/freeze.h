/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_FREEZE_H
#define AGENT_FREEZE_H

#include <glib.h>

/*
 * The one freeze this agent can hold: hooks, engine, and back.
 *
 *            freeze            hooks ran          engine: frozen
 *   THAWED ---------> HOOKS_FREEZE ----> FREEZING -------------> FROZEN
 *     ^                    | hooks failed,   | failed, cancelled    | thaw, deadline,
 *     |                    | cancelled       v                      v lost
 *     |                    |             (engine thaws) <------- THAWING
 *     |   hooks ran        v                 |
 *     +--------------- HOOKS_THAW <----------+
 */
enum freeze_state {
	FREEZE_THAWED,
	FREEZE_HOOKS_FREEZE,
	FREEZE_FREEZING,
	FREEZE_FROZEN,
	FREEZE_THAWING,
	FREEZE_HOOKS_THAW,
};

/*
 * Longest deadline: the kernel calls a task hung that waits for 120 s, and may
 * panic over it. The module's limit is the same.
 */
#define FREEZE_TIMEOUT_MAX_S 110

/* Result of a freeze or a thaw; the receiver owns @error, NULL on success. */
typedef void (*freeze_done)(guint count, GError *error, gpointer data);

/**
 * freeze_init() - defaults, again or for the first time. Only when THAWED.
 * @engine: name of the engine to use, or NULL for the best one
 * @timeout_ms: deadline of a freeze
 */
void freeze_init(const char *engine, guint timeout_ms);

enum freeze_state freeze_state(void);
const char *freeze_state_name(void);

/** freeze_is_active() - anything but THAWED. */
gboolean freeze_is_active(void);

/** freeze_engine_name() - the engine of the freeze, or which one the next would use. */
const char *freeze_engine_name(void);

/** freeze_remaining_ms() - time to the deadline, 0 when not FROZEN. */
guint freeze_remaining_ms(void);

/**
 * freeze_check() - whether the last freeze held until it was thawed on request.
 *
 * Return: FALSE and an error since a freeze ended by itself, until a thaw was
 * asked for or the next freeze begins.
 */
gboolean freeze_check(GError **error);

/** freeze_begin() - freeze all, or what is mounted at @paths. Only when THAWED. */
void freeze_begin(const char *const *paths, freeze_done done, gpointer data);

/** freeze_thaw() - thaw, or cancel a freeze that is under way. Always possible. */
void freeze_thaw(freeze_done done, gpointer data);

/** freeze_when_thawed() - call @thawed when nothing is frozen, now or after the thaw. */
void freeze_when_thawed(void (*thawed)(void));

/** freeze_extend() - move the deadline to @timeout_ms from now. */
gboolean freeze_extend(guint timeout_ms, GError **error);

/** freeze_report() - (struct engine_entry): each file system of the last freeze. */
GPtrArray *freeze_report(void);

#endif
