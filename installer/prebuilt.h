/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Modules that the builder of the medium made for kernels he named: on the medium in
 * modules/ARCHITECTURE/RELEASE. One goes in only where the kernel is exactly that.
 */
#ifndef SETUP_PREBUILT_H
#define SETUP_PREBUILT_H

#include "detect.h"
#include "medium.h"

/* prebuilt_file() - the medium's module for a kernel, or NULL */
const struct medium_file *prebuilt_file(const struct medium *medium, const char *architecture,
					const char *release);

/* prebuilt_releases() - "a, b": the kernels it has modules for; "" for none; free it */
char *prebuilt_releases(const struct medium *medium, const char *architecture);

/* prebuilt_problem() - why the kernel would not load this one, or NULL; free it */
char *prebuilt_problem(const struct detection *d, const struct medium *medium,
		       const struct medium_file *file, const char *release);

#endif
