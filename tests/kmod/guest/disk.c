// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <linux/loop.h>

static int loop_open(int number)
{
	char node[32];
	int fd;

	snprintf(node, sizeof(node), "/dev/loop%d", number);
	if (access(node, F_OK))
		mknod(node, S_IFBLK | 0600, makedev(7, number));
	fd = open(node, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail("%s: %s", node, strerror(errno));
	return fd;
}

int loop_attach(const char *file, int number)
{
	int loop = loop_open(number), fd = open(file, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("%s: %s", file, strerror(errno));
	if (ioctl(loop, LOOP_SET_FD, fd))
		fail("loop%d for %s: %s", number, file, strerror(errno));
	close(fd);
	close(loop);
	return 0;
}

void loop_detach(int number)
{
	int loop = loop_open(number);

	ioctl(loop, LOOP_CLR_FD, 0);
	close(loop);
}

static int user_call(const char *path, unsigned long call)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, call, 0))
		error = -errno;
	close(fd);
	return error;
}

int user_freeze(const char *path)
{
	return user_call(path, FIFREEZE);
}

int user_thaw(const char *path)
{
	return user_call(path, FITHAW);
}

struct dm_request {
	struct dm_ioctl header;
	struct dm_target_spec target;
	char parameters[128];
};

static void dm_call(int control, unsigned long call, const char *name, struct dm_request *request)
{
	request->header.version[0] = DM_VERSION_MAJOR;
	request->header.data_size = sizeof(*request);
	request->header.data_start = sizeof(request->header);
	snprintf(request->header.name, sizeof(request->header.name), "%s", name);
	if (ioctl(control, call, request))
		fail("device mapper, call %lu: %s", call, strerror(errno));
}

/* A device mapper disk over all of @device. Returns 0 and the node's name. */
int linear_create(const char *name, const char *device, char *node, size_t size)
{
	struct dm_request request = {}, resume = {};
	int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	int fd = open(device, O_RDONLY | O_CLOEXEC);
	unsigned long long bytes = 0;

	if (control < 0)
		skip("no device mapper in this kernel");
	CHECK(fd >= 0 && ioctl(fd, BLKGETSIZE64, &bytes) == 0);
	close(fd);
	dm_call(control, DM_DEV_CREATE, name, &request);
	snprintf(node, size, "/dev/dm-%u", minor(request.header.dev));
	memset(&request, 0, sizeof(request));
	request.header.target_count = 1;
	request.target.length = bytes / 512;
	strcpy(request.target.target_type, "linear");
	snprintf(request.parameters, sizeof(request.parameters), "%s 0", device);
	dm_call(control, DM_TABLE_LOAD, name, &request);
	dm_call(control, DM_DEV_SUSPEND, name, &resume);
	close(control);
	return 0;
}
