/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Init systems, and services under them: enabled as links, in any root; started,
 * stopped and asked only where the init system runs. A row of the table knows how.
 */
#ifndef SETUP_SERVICE_H
#define SETUP_SERVICE_H

#include "root.h"

struct init_system {
	const char *name;
	const char *suffix; /* of a service's name; NULL: setup has nothing to drive it with */
	const char *file;   /* where a service's start file goes, with %s for its name */
	const char *source; /* what it is made of, below /usr/share/guest-tools/init; NULL: it is
			       among the files of the agent anyway */
	const char *log;    /* where to read why a service does not run, with %s for its name */
	gboolean by_device; /* it starts the service when the channel comes, and not before */

	/* Is it the one that runs this system? */
	gboolean (*runs)(const struct root *root);
	/* The links that enable a service whose start file is @file; NULL: the file does. */
	void (*add_links)(const struct root *root, const char *file, const char *service,
			  GPtrArray *links);
	/* Lists beside the links that a service must be in as well; NULL: there are none. */
	gboolean (*is_listed)(const struct root *root, const char *service);
	gboolean (*list)(const struct root *root, const char *service, gboolean enabled,
			 GError **err);
	/* Where it runs, to tell it, or those who order its links, that a service came or goes; NULL: none need. */
	gboolean (*changed)(const struct root *root, const char *service, gboolean enabled,
			    GError **err);
	const char *program;	   /* called with a verb and a service; NULL: the file, with a verb */
	const char *query, *running; /* the verb that asks, and what it prints; NULL: status 0 says it */
};

/* A link as it is to be made. One of runlevels may be there with another number. */
struct service_link {
	char *path;
	char *target;
};

/* service_init() - the row called so; the last, which is not driven, for any other name */
const struct init_system *service_init(const char *name);

/* service_init_runs() - does @init run this system? Never in a chroot. */
gboolean service_init_runs(const struct root *root, const struct init_system *init);

/* service_agent() - what the agent's service is called under @init; free it */
char *service_agent(const struct init_system *init);

/* service_file() - where a service's start file is or goes; NULL where @init is not driven */
char *service_file(const struct root *root, const struct init_system *init, const char *service);

/* service_links() - struct service_link: what enabling makes, by the start file; unref it */
GPtrArray *service_links(const struct root *root, const struct init_system *init,
			 const char *service);

/* service_link_there() - the path of such a link, whatever its number; NULL: not there; free it */
char *service_link_there(const struct root *root, const char *path);

gboolean service_is_enabled(const struct root *root, const struct init_system *init,
			    const char *service);

/* service_is_active() - only ever TRUE where @init runs */
gboolean service_is_active(const struct root *root, const struct init_system *init,
			   const char *service);

/* service_start(), service_stop() - nothing where @init does not run; a running one is started anew */
gboolean service_start(const struct root *root, const struct init_system *init, const char *service,
		       GError **err);
gboolean service_stop(const struct root *root, const struct init_system *init, const char *service,
		      GError **err);

/* service_changed() - after links or a start file came, or before the file goes */
gboolean service_changed(const struct root *root, const struct init_system *init,
			 const char *service, gboolean enabled, GError **err);

#endif
