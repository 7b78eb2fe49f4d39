// SPDX-License-Identifier: GPL-2.0-or-later
/* Asks for the module's line discipline on a tty that is not the host's; prints the error. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

/* N_DEVELOPMENT in newer headers. */
#define NUMBER	29

int main(int argc, char **argv)
{
	int number = NUMBER, fd = open(argc > 1 ? argv[1] : "", O_RDWR | O_NOCTTY | O_NONBLOCK);

	if (fd < 0) {
		perror("open");
		return 2;
	}
	if (ioctl(fd, TIOCSETD, &number)) {
		puts(strerror(errno));
		return 1;
	}
	puts("done");
	return 0;
}
