/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Used between fork and exit, too: no GLib, no heap. */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* A btrfs shows another number to stat(2) than to mountinfo(5). */
static bool is_on(int fd, const struct target *target)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) < 0 || !(S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)))
		return false;
	if (major(target->dev) != 0)
		return st.st_dev == target->dev;
	return fstatfs(fd, &fs) == 0 &&
	       (uint32_t)fs.f_type == (strcmp(target->type, "btrfs") ? 0xca451a4eU : 0x9123683eU);
}

/*
 * Whoever lives in another mount namespace may put what he likes where the mount point was:
 * see what it is before it is opened for good.
 */
int target_open(const struct target *target)
{
	int place = open(target->path, O_PATH | O_CLOEXEC), fd = -1;
	char again[32];

	if (place < 0)
		return -1;
	errno = ESTALE;
	if (is_on(place, target)) {
		snprintf(again, sizeof(again), "/proc/self/fd/%d", place);
		fd = open(again, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	}
	close(place);
	return fd;
}

int target_open_hidden(const struct target *target)
{
	static bool alone;
	int fd = -1;

	if (!alone && (unshare(CLONE_NEWNS) < 0 ||
		       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
		return -1;
	alone = true;
	while (fd < 0 && umount2(target->path, MNT_DETACH) == 0)
		fd = target_open(target);
	return fd;
}
