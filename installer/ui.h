/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What people see. Results go to stdout, problems to stderr. With --json stdout
 * carries the one JSON document and nothing else; --quiet leaves only problems.
 */
#ifndef SETUP_UI_H
#define SETUP_UI_H

#include <glib.h>

struct ui_options {
	gboolean quiet, json, yes;
};

void ui_init(const struct ui_options *options);

/* ui_log_to() - also append all that is said to this file (--log) */
gboolean ui_log_to(const char *path, GError **err);

/* ui_say() - a line for people; nothing with --quiet or --json */
void ui_say(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/* ui_warn() - a line on stderr, "setup: " before it, always */
void ui_warn(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/* ui_ask() - yes or no; TRUE with --yes; an error when there is nobody to ask */
gboolean ui_ask(const char *question, GError **err);

/*
 * A step of work: its name, then its result with the seconds. ui_step_tick() is called while it
 * runs; from two seconds on it shows that it does.
 */
void ui_step_begin(const char *name);
void ui_step_hide(void); /* this step is not told unless it takes long */
void ui_step_tick(void);
void ui_step_note(const char *note);
double ui_step_end(const char *result);

#endif
