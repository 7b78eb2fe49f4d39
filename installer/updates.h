/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Modules that setup itself puts below /lib/modules/RELEASE/updates, where no DKMS
 * does it, and who builds them again when a kernel comes.
 */
#ifndef SETUP_UPDATES_H
#define SETUP_UPDATES_H

#include "detect.h"
#include "medium.h"

#define UPDATES_NAME       "virtio_fsfreeze.ko"
#define UPDATES_MODULE_MAX (64 * 1024 * 1024)
#define UPDATES_BUILD      "/usr/libexec/guest-tools/build-module"
#define UPDATES_SOURCE     "/usr/share/guest-tools/module"

/* updates_path() - where the module of a kernel goes; free it */
char *updates_path(const struct root *root, const char *release);

/* updates_release() - the kernel's release in such a path; free it */
char *updates_release(const char *path);

/* updates_version() - the version of the module that is there, or NULL; free it */
char *updates_version(const struct root *root, const char *release);

/* updates_hooks() - the files that have it built for new kernels, up to a NULL; perhaps none */
const char *const *updates_hooks(const struct detection *d);

/* updates_remove() - remove it from a kernel, and the directory if that is empty then */
gboolean updates_remove(const struct root *root, const char *release, GError **err);

/* updates_depmod() - have modprobe find it; where programs of the root cannot run, only a *@note */
gboolean updates_depmod(const struct detection *d, const char *release, char **note, GError **err);

#endif
