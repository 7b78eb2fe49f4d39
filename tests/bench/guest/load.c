// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRITERS		3
#define DIRTY_MIB	64

static struct {
	pid_t pid;
	volatile uint64_t *longest_us;
} writers[WRITERS];

/* Nothing dirty, nothing on its way. */
void load_settle(void)
{
	sync();
	pause_ms(300);
}

/* To the disk that has the room for it. */
void load_dirty(void)
{
	static char mib[1 << 20];
	char file[64];
	int fd, i;

	snprintf(file, sizeof(file), "%s/dirty", disks_point(disks_nr() - 1));
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		fail("%s: %s", file, strerror(errno));
	memset(mib, now_us(), sizeof(mib));
	for (i = 0; i < DIRTY_MIB; i++)
		CHECK(write(fd, mib, sizeof(mib)) == sizeof(mib));
	close(fd);
}

static void write_for_ever(const char *directory, volatile uint64_t *longest_us)
{
	static char block[4096];
	char file[64];
	unsigned int i;
	int fd;

	snprintf(file, sizeof(file), "%s/writer", directory);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		_exit(1);
	for (i = 0;; i++) {
		uint64_t start = now_us(), us;

		memset(block, i, sizeof(block));
		if (pwrite(fd, block, sizeof(block), i % 64 * sizeof(block)) < 0)
			_exit(1);
		us = now_us() - start;
		if (us > *longest_us)
			*longest_us = us;
		usleep(2000);
	}
}

/* On the first that is frozen, on the last image's and on the last that is frozen. */
void load_writers_start(void)
{
	const unsigned int at[WRITERS] = { 0, disks_nr() > 3 ? disks_nr() - 3 : 0, disks_nr() - 1 };
	unsigned int i;

	for (i = 0; i < WRITERS; i++) {
		writers[i].longest_us = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		CHECK(writers[i].longest_us != MAP_FAILED);
		writers[i].pid = fork();
		CHECK(writers[i].pid >= 0);
		if (!writers[i].pid)
			write_for_ever(disks_point(at[i]), writers[i].longest_us);
	}
	pause_ms(200);
	for (i = 0; i < WRITERS; i++)
		*writers[i].longest_us = 0;
}

/* How long the longest write of any of them took. */
uint64_t load_writers_stop(void)
{
	uint64_t longest = 0;
	unsigned int i;

	/* A write that is still blocked counts when it is over. */
	pause_ms(100);
	for (i = 0; i < WRITERS; i++) {
		kill(writers[i].pid, SIGKILL);
		waitpid(writers[i].pid, NULL, 0);
		if (*writers[i].longest_us > longest)
			longest = *writers[i].longest_us;
		munmap((void *)writers[i].longest_us, 4096);
	}
	return longest;
}
