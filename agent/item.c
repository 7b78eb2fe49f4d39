/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Used between fork and exit, and by threads there: no GLib, no heap. */
#include "item.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int64_t item_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

void item_failed(struct worker_item *item, int errnum)
{
	item->error = errnum;
	if (errnum == EBUSY)
		item->state = WORKER_HELD;
	else if (errnum == EOPNOTSUPP || errnum == ENOTTY)
		item->state = WORKER_UNSUPPORTED;
	else
		item->state = WORKER_FAILED;
}

static bool change(struct worker_item *item, uint32_t from, uint32_t to)
{
	return atomic_compare_exchange_strong(&item->state, &from, to);
}

void item_flush(struct worker_item *item)
{
	int64_t start = item_now_us();

	/* Linux 2.6.39; older ones flush all there is. */
	if (syscall(SYS_syncfs, item->fd) < 0 && errno == ENOSYS)
		sync();
	item->flush_us = item_now_us() - start;
}

void item_thaw(struct worker_item *item, uint32_t from)
{
	int64_t start = item_now_us();

	if (!change(item, from, WORKER_THAWED))
		return;
	if (ioctl(item->fd, FITHAW, 0) < 0 && from == WORKER_FROZEN) {
		item->error = errno;
		item->state = errno == EINVAL ? WORKER_LOST : WORKER_FAILED;
	}
	item->thaw_us = item_now_us() - start;
}

void item_freeze(struct worker_item *item, const _Atomic uint32_t *abort, pid_t parent)
{
	int64_t start = item_now_us();

	if (*abort || !change(item, WORKER_IDLE, WORKER_FREEZING))
		return;
	if (ioctl(item->fd, FIFREEZE, 0) < 0) {
		item_failed(item, errno);
		return;
	}
	item->freeze_us = item_now_us() - start;
	/* Given up meanwhile, by the worker or with it: then nobody else thaws this one. */
	if (!change(item, WORKER_FREEZING, WORKER_FROZEN))
		ioctl(item->fd, FITHAW, 0);
	else if (*abort || getppid() != parent)
		item_thaw(item, WORKER_FROZEN);
}
