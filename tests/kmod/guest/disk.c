// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <linux/raid/md_u.h>
/* Bits of the states above; after it. */
#include <linux/raid/md_p.h>

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

static int mirror_open(int number)
{
	char name[16];
	int fd;

	/* Newer kernels make no md device when its node is opened. */
	snprintf(name, sizeof(name), "md%d", number);
	fd = open("/sys/module/md_mod/parameters/new_array", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		skip("this kernel has no md");
	if (write(fd, name, strlen(name)) < 0 && errno != EEXIST)
		fail("a new md device: %s", strerror(errno));
	close(fd);
	snprintf(name, sizeof(name), "/dev/md%d", number);
	if (access(name, F_OK))
		mknod(name, S_IFBLK | 0600, makedev(MD_MAJOR, number));
	fd = open(name, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		fail("%s: %s", name, strerror(errno));
	return fd;
}

/* md*number* of two loop devices with the same content, without a superblock of its own. */
void mirror_create(int number, int first_loop, int second_loop)
{
	const mdu_array_info_t array = { .level = 1, .nr_disks = 2, .raid_disks = 2,
		.md_minor = number, .not_persistent = 1, .state = 1 << MD_SB_CLEAN,
		.active_disks = 2, .working_disks = 2 };
	int md = mirror_open(number), i;

	if (ioctl(md, SET_ARRAY_INFO, &array))
		fail("md%d: %s", number, strerror(errno));
	for (i = 0; i < 2; i++) {
		const mdu_disk_info_t disk = { .number = i, .raid_disk = i, .major = LOOP_MAJOR,
			.minor = i ? second_loop : first_loop,
			.state = 1 << MD_DISK_ACTIVE | 1 << MD_DISK_SYNC };

		if (ioctl(md, ADD_NEW_DISK, &disk))
			fail("md%d with loop%d: %s", number, disk.minor, strerror(errno));
	}
	if (ioctl(md, RUN_ARRAY, NULL))
		fail("run md%d: %s", number, strerror(errno));
	close(md);
}

void mirror_stop(int number)
{
	int md = mirror_open(number);

	if (ioctl(md, STOP_ARRAY, NULL))
		fail("stop md%d: %s", number, strerror(errno));
	close(md);
}

void copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	ssize_t n;

	CHECK(in >= 0 && out >= 0);
	while ((n = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	CHECK(n == 0);
	close(in);
	close(out);
}
