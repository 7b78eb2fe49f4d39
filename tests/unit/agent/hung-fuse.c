// SPDX-License-Identifier: GPL-2.0-or-later
/* hung-fuse DIRECTORY: a FUSE file system whose server answers nothing, not even the first request. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char options[64];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (fd < 0 || argc != 2 || mount("hung", argv[1], "fuse", 0, options)) {
		perror("hung-fuse");
		return 1;
	}
	for (;;)
		pause();
}
