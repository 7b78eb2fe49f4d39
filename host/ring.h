/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_RING_H
#define HOST_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "memory.h"

#define RING_NUM_MAX 1024

/*
 * One split virtqueue, used in order. The guest can write all of it at any time:
 * everything is copied before it is looked at, and every walk is bounded. A ring
 * found to be nonsense is broken until it is started anew.
 */
struct ring {
	uint32_t num;			/* a power of two, or 0 */
	uint64_t desc, avail, used;	/* addresses of QEMU's */
	uint16_t last_avail;
	uint16_t used_idx;
	int kick, call, err;		/* eventfds, or -1 */
	bool started, enabled, broken;
};

void ring_init(struct ring *ring);
/* Close what is open; the numbers stay. */
void ring_stop(struct ring *ring);
/* Return: 0, or -EINVAL when it does not lie in memory. */
int ring_start(struct ring *ring, const struct memory *memory);
bool ring_is_running(const struct ring *ring);

/**
 * ring_read() - take what the guest made available next, and give it back.
 * @to: room for @room bytes
 *
 * Return: length, at most @room; -EAGAIN when there is nothing; -EMSGSIZE when
 * there was more than @room, and is gone; -EIO when the ring is broken.
 */
ssize_t ring_read(struct ring *ring, const struct memory *memory, void *to, size_t room);

/**
 * ring_write() - put @length bytes where the guest made room next.
 *
 * Return: 0; -EAGAIN when there is no room yet; -EIO when the ring is broken.
 */
int ring_write(struct ring *ring, const struct memory *memory, const void *from, size_t length);

#endif
