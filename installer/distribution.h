/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which distribution a root is: by its os-release, else by the release files
 * that distributions had before. It only refines: what can be done is probed.
 */
#ifndef SETUP_DISTRIBUTION_H
#define SETUP_DISTRIBUTION_H

#include "root.h"

struct distribution {
	char *id;      /* "debian", "rhel", ... or "unknown" */
	char *version; /* as the distribution writes it, or "" */
	char *name;    /* for people */
	char *family;  /* debian redhat suse arch alpine gentoo void slackware unknown */
	char *source;  /* the file it was read from, or "" */
	char *like;    /* ID_LIKE, or "" */
};

/* distribution_detect() - never NULL; free with distribution_free() */
struct distribution *distribution_detect(const struct root *root);
void distribution_free(struct distribution *distribution);

/* distribution_family_of() - the family of one ID, or NULL when the table has none */
const char *distribution_family_of(const char *id);

#endif
