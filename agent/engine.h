/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_ENGINE_H
#define AGENT_ENGINE_H

#include <glib.h>

/*
 * What freezes: the kernel module behind /dev/fsfreeze where it is loaded, the
 * worker process where it is not. Both do their work while the main loop goes
 * on, and tell through events what came of it.
 */

/* One file system, as of the last freeze. */
struct engine_entry {
	char *path;  /* mount point, or NULL where the engine does not know one */
	char *device;
	char *type;
	const char *state;
	int error;   /* positive errno, or 0 */
	guint64 flush_us, freeze_us, thaw_us;
};

struct engine_events {
	/* @count file systems are frozen now. */
	void (*frozen)(guint count);
	/*
	 * Everything is thawed again: @count file systems had been frozen.
	 * @error is NULL after engine->thaw() alone; otherwise it says why the
	 * freeze failed or ended by itself. The receiver owns it.
	 */
	void (*thawed)(guint count, GError *error);
};

struct engine {
	const char *name;
	/* Whether this guest has it right now. */
	gboolean (*available)(void);
	/*
	 * Start to freeze all file systems, or those mounted at @paths. On FALSE
	 * nothing was started; otherwise frozen() and thawed(), or thawed() alone,
	 * follow. @timeout_ms counts from the first file system frozen.
	 */
	gboolean (*begin)(const char *const *paths, guint timeout_ms,
			  const struct engine_events *events, GError **error);
	void (*thaw)(void);
	void (*extend)(guint timeout_ms);
	/* (element-type struct engine_entry): what became of each file system. */
	GPtrArray *(*report)(void);
};

extern const struct engine engine_kernel;
extern const struct engine engine_userland;

/** engine_choose() - the best one this guest has. @name: that one, or NULL for any. */
const struct engine *engine_choose(const char *name, GError **error);

/** engine_report_new() - an empty report, for engines to fill. */
GPtrArray *engine_report_new(void);

#endif
