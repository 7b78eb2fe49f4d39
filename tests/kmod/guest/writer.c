// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Keeps being written over, so that it fills no disk. */
static void write_for_ever(int directory, volatile unsigned long *count)
{
	char block[512];
	int fd = openat(directory, "writer", O_CREAT | O_RDWR | O_TRUNC, 0600);

	if (fd < 0)
		_exit(1);
	for (;; (*count)++) {
		memset(block, *count, sizeof(block));
		if (pwrite(fd, block, sizeof(block), *count % 8 * sizeof(block)) < 0)
			_exit(1);
		usleep(2000);
	}
}

/* @directory is opened by the caller's process: it may be hidden by now. */
struct writer writer_start(const char *directory)
{
	struct writer writer = {};
	int fd = open(directory, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		fail("%s: %s", directory, strerror(errno));
	writer.count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(writer.count != MAP_FAILED);
	writer.pid = fork();
	CHECK(writer.pid >= 0);
	if (!writer.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		write_for_ever(fd, writer.count);
	}
	close(fd);
	if (!writer_moves(&writer, 5000))
		fail("the writer on %s does not write", directory);
	return writer;
}

/* Whether it writes within that time. */
bool writer_moves(const struct writer *writer, unsigned int ms)
{
	unsigned long before = *writer->count;
	uint64_t end = now_us() + ms * 1000ull;

	while (now_us() < end) {
		if (*writer->count > before + 1)
			return true;
		usleep(200);
	}
	return false;
}

void writer_stop(struct writer *writer)
{
	kill(writer->pid, SIGKILL);
	waitpid(writer->pid, NULL, 0);
	munmap((void *)writer->count, 4096);
}
