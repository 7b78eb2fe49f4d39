// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Freezing and thawing over and over, while every file system is being written to:
 * files made, synced, renamed, removed. At the end everything is unmounted, so that the
 * host can look at the disks.
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between two files of a writer: fifty in a second on each file system, were there time for it. */
#define PAUSE_US	20000

/* What is stored in a file of another comes before it. */
static const char *const points[] = { "/mnt/looploop", "/mnt/loop",  "/mnt/ext4",
				      "/mnt/xfs",      "/mnt/btrfs", "/mnt/vfat" };
static const int loops[] = { 1, 0 };

static void churn(unsigned int round)
{
	static char data[6000];
	char name[32], new_name[32];
	int fd;

	snprintf(name, sizeof(name), "new.%u", round % 32);
	snprintf(new_name, sizeof(new_name), "kept.%u", round % 32);
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, data, sizeof(data)) != sizeof(data))
		_exit(1);
	if (round % 8 == 0 && fsync(fd))
		_exit(1);
	close(fd);
	if (rename(name, new_name))
		_exit(1);
	snprintf(name, sizeof(name), "kept.%u", (round + 7) % 32);
	if (unlink(name) && errno != ENOENT)
		_exit(1);
}

static pid_t churner_start(const char *point)
{
	pid_t pid = fork();
	unsigned int round;

	CHECK(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (chdir(point))
		_exit(1);
	for (round = 0;; round++) {
		churn(round);
		usleep(PAUSE_US);
	}
}

static void churner_stop(pid_t pid, const char *point)
{
	int status;

	if (waitpid(pid, &status, WNOHANG) != 0)
		fail("the writer on %s has ended by itself", point);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static uint64_t cycle(void)
{
	int fd = device_freeze_wait(60000);
	struct fsfreeze_status status = device_status(fd);
	uint64_t freeze_us = status.freeze_us;

	CHECK(status.nr_frozen == ARRAY_SIZE(points));
	CHECK(device_thaw(fd) == 0);
	status = device_wait(fd, FSFREEZE_THAWED, 10000);
	CHECK(status.reason == FSFREEZE_REASON_REQUEST && status.error == 0);
	close(fd);
	return freeze_us;
}

void cycles_run(unsigned int nr)
{
	pid_t churners[ARRAY_SIZE(points)];
	uint64_t start = now_us(), us, longest = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(points); i++)
		churners[i] = churner_start(points[i]);
	for (i = 0; i < nr; i++) {
		us = cycle();
		if (us > longest)
			longest = us;
	}
	for (i = 0; i < ARRAY_SIZE(points); i++)
		churner_stop(churners[i], points[i]);
	figure("cycles of freeze and thaw", nr);
	figure("all of them, ms", (now_us() - start) / 1000);
	figure("the longest freeze of them, us", longest);
	for (i = 0; i < ARRAY_SIZE(points); i++) {
		if (umount(points[i]))
			fail("umount %s: %s", points[i], strerror(errno));
		if (i < ARRAY_SIZE(loops))
			loop_detach(loops[i]);
	}
}
