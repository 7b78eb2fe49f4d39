// SPDX-License-Identifier: GPL-2.0-or-later
#include "ram.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 1U
#endif

/* Says where the medium is once the program is no more beside it. */
#define MARK "GUEST_TOOLS_SETUP_SELF"

static int copy_of_self(void)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int copy = syscall(SYS_memfd_create, "guest-tools-setup", MFD_CLOEXEC);
	struct stat st;
	off_t done = 0;

	if (self >= 0 && copy >= 0 && fstat(self, &st) == 0)
		while (done < st.st_size && sendfile(copy, self, &done, st.st_size - done) > 0)
			;
	else
		st.st_size = -1;
	if (self >= 0)
		close(self);
	if (copy >= 0 && done == st.st_size)
		return copy;
	if (copy >= 0)
		close(copy);
	return -1;
}

void ram_enter(char **argv)
{
	char self[4096], path[32];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int copy;

	if (getenv(MARK) || len < 0)
		return;
	self[len] = '\0';
	copy = copy_of_self();
	if (copy >= 0) {
		setenv(MARK, self, 1);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", copy);
		execv(path, argv);
		unsetenv(MARK);
		close(copy);
	}
	mlockall(MCL_CURRENT);
}
