/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The medium: the ISO's tree, wherever it is mounted or copied to. Nothing of
 * it is believed but its MANIFEST, when a trusted key signed that, and what the
 * MANIFEST lists with size and SHA-256.
 */
#ifndef SETUP_MEDIUM_H
#define SETUP_MEDIUM_H

#include <sys/types.h>
#include <glib.h>

#include "keys.h"

struct medium;

struct medium_file {
	char *path; /* relative, as in the manifest */
	char sha256[65];
	mode_t mode;
	goffset size;
};

/*
 * medium_open() - read the manifest of the tree at @path, after its signature
 *
 * Free with medium_free(). Errors are SETUP_UNSIGNED, SETUP_FORGED, and SETUP_MEDIUM: absent, too
 * large, or any line not understood.
 */
struct medium *medium_open(const char *path, const struct keys *trusted, GError **err);
void medium_free(struct medium *medium);
typedef struct medium SetupMedium;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SetupMedium, medium_free)

/* medium_find() - where the medium is: beside the running program, or mounted; free it, or NULL */
char *medium_find(void);

const char *medium_version(const struct medium *medium);
/* medium_keys() - of whoever may sign the medium that replaces this one, in hex, up to a NULL */
const char *const *medium_keys(const struct medium *medium);
const char *medium_path(const struct medium *medium);

/* medium_file() - what the manifest says of @path; NULL when it lists no such file */
const struct medium_file *medium_file(const struct medium *medium, const char *path);

/* medium_filef() - the same with a formatted path */
const struct medium_file *medium_filef(const struct medium *medium, const char *fmt, ...)
	G_GNUC_PRINTF(2, 3);

/* medium_files_below() - those whose path begins with @prefix, in order; free the array only */
GPtrArray *medium_files_below(const struct medium *medium, const char *prefix);

/* medium_verify() - read every listed file and compare; names each that is wrong */
gboolean medium_verify(const struct medium *medium, GError **err);

/* medium_read() - a file's content, verified as it is read; free it */
char *medium_read(const struct medium *medium, const struct medium_file *file, GError **err);

#endif
