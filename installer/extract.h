/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking the packages out of a medium, for those who install them by other means. */
#ifndef SETUP_EXTRACT_H
#define SETUP_EXTRACT_H

#include <jansson.h>

#include "medium.h"

/*
 * extract_packages() - copy the medium's packages into the directory @dir, made if it is not there
 * @files: for each: {name, sha256, result: "written" or "present"}
 *
 * A file that is there is never written over: with the same content it is as good as copied, with
 * another nothing is copied at all (SETUP_REFUSED). What was copied before a failure is removed.
 */
gboolean extract_packages(const struct medium *medium, const char *dir, json_t *files, GError **err);

#endif
