// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int result(int status)
{
	return status < 0 ? -errno : status;
}

int device_open(void)
{
	int fd = open(FSFREEZE_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("open %s: %s", FSFREEZE_DEVICE, strerror(errno));
	return fd;
}

int device_freeze(int fd, uint32_t timeout_ms, const int *fds, uint32_t nr_fds)
{
	struct fsfreeze_freeze freeze = {
		.size = sizeof(freeze),
		.timeout_ms = timeout_ms,
		.nr_fds = nr_fds,
		.fds = (uintptr_t)fds,
	};

	return result(ioctl(fd, FSFREEZE_IOC_FREEZE, &freeze));
}

int device_thaw(int fd)
{
	return result(ioctl(fd, FSFREEZE_IOC_THAW));
}

int device_extend(int fd, uint32_t timeout_ms)
{
	return result(ioctl(fd, FSFREEZE_IOC_EXTEND, &timeout_ms));
}

struct fsfreeze_info device_info(int fd)
{
	struct fsfreeze_info info = { .size = sizeof(info) };

	CHECK(ioctl(fd, FSFREEZE_IOC_INFO, &info) == 0);
	return info;
}

struct fsfreeze_status device_status(int fd)
{
	struct fsfreeze_status status = { .size = sizeof(status) };

	CHECK(ioctl(fd, FSFREEZE_IOC_STATUS, &status) == 0);
	return status;
}

/* Waits by poll alone: a change that is not reported is a fault. */
struct fsfreeze_status device_wait(int fd, uint32_t state, unsigned int ms)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	uint64_t end = now_us() + ms * 1000ull * patience();
	struct fsfreeze_status status;

	for (;;) {
		status = device_status(fd);
		if (status.state == state)
			return status;
		if (now_us() >= end)
			break;
		poll(&poller, 1, (end - now_us()) / 1000 + 1);
	}
	device_report_print(fd);
	fail("state %u instead of %u after %u ms, reason %u, error %d, %s", status.state, state,
	     ms, status.reason, status.error, status.failed);
}

static struct fsfreeze_entry *report(int fd, uint32_t *nr)
{
	struct fsfreeze_entry *entries = calloc(256, sizeof(*entries));
	struct fsfreeze_report report = {
		.size = sizeof(report),
		.entry_size = sizeof(*entries),
		.nr_entries = 256,
		.entries = (uintptr_t)entries,
	};

	CHECK(entries && ioctl(fd, FSFREEZE_IOC_REPORT, &report) == 0);
	CHECK(report.nr_entries <= 256);
	*nr = report.nr_entries;
	return entries;
}

void device_report_print(int fd)
{
	uint32_t nr, i;
	struct fsfreeze_entry *entries = report(fd, &nr);

	for (i = 0; i < nr; i++)
		printf("# %-6s %-8s rank %u state %u error %d flush %llu freeze %llu thaw %llu us\n",
		       entries[i].type, entries[i].id, entries[i].rank, entries[i].state,
		       entries[i].error, (unsigned long long)entries[i].flush_us,
		       (unsigned long long)entries[i].freeze_us,
		       (unsigned long long)entries[i].thaw_us);
	free(entries);
}

/* The entry of the file system @path is on; btrfs has a device number of its own. */
bool device_entry(int fd, const char *path, struct fsfreeze_entry *entry)
{
	uint32_t nr, i;
	struct fsfreeze_entry *entries = report(fd, &nr);
	struct stat status;
	bool found = false;

	CHECK(stat(path, &status) == 0);
	for (i = 0; i < nr && !found; i++) {
		found = makedev(entries[i].dev_major, entries[i].dev_minor) == status.st_dev;
		*entry = entries[i];
	}
	free(entries);
	return found;
}

/* Everything frozen, or the scenario is over. Returns the file to thaw by. */
int device_freeze_wait(uint32_t timeout_ms)
{
	int fd = device_open(), error = device_freeze(fd, timeout_ms, NULL, 0);

	if (error)
		fail("freeze: %s", strerror(-error));
	device_wait(fd, FSFREEZE_FROZEN, 10000);
	return fd;
}

void device_thaw_wait(int fd)
{
	CHECK(device_thaw(fd) == 0);
	device_wait(fd, FSFREEZE_THAWED, 5000);
	close(fd);
}

/* Until no freeze exists, tried by starting one. */
void device_idle(unsigned int ms)
{
	uint64_t end = now_us() + ms * 1000ull;
	int fd = device_open();

	for (;;) {
		int error = device_freeze(fd, 60000, NULL, 0);

		if (!error)
			break;
		if (error != -EBUSY || now_us() > end)
			fail("still busy: %s", strerror(-error));
		pause_ms(1);
	}
	device_thaw_wait(fd);
}
