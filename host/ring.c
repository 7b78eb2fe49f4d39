/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ring.h"

#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <unistd.h>

/* The three parts, as pointers into the guest's memory. */
struct view {
	const struct vring_desc *desc;
	const struct vring_avail *avail;
	struct vring_used *used;
};

/* One walk along a chain: bytes are copied one way or only counted. */
struct walk {
	bool writes;	/* which descriptors count: those for us to write */
	char *copy;	/* NULL to count */
	size_t room;
	size_t length;	/* result: bytes there are, also beyond @room */
};

void ring_init(struct ring *ring)
{
	*ring = (struct ring){ .kick = -1, .call = -1, .err = -1 };
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void ring_stop(struct ring *ring)
{
	close_fd(&ring->kick);
	close_fd(&ring->call);
	close_fd(&ring->err);
	ring->started = false;
	ring->broken = false;
}

bool ring_is_running(const struct ring *ring)
{
	return ring->started && ring->enabled && !ring->broken;
}

static int ring_view(const struct ring *ring, const struct memory *memory, struct view *view)
{
	if (!ring->num || ring->desc % 16 || ring->avail % 2 || ring->used % 4)
		return -EINVAL;
	view->desc = memory_user(memory, ring->desc, ring->num * sizeof(struct vring_desc));
	view->avail = memory_user(memory, ring->avail,
				  sizeof(struct vring_avail) + ring->num * sizeof(uint16_t));
	view->used = memory_user(memory, ring->used,
				 sizeof(struct vring_used) +
					 ring->num * sizeof(struct vring_used_elem));
	return view->desc && view->avail && view->used ? 0 : -EINVAL;
}

int ring_start(struct ring *ring, const struct memory *memory)
{
	struct view view;

	if (ring_view(ring, memory, &view) < 0)
		return -EINVAL;
	ring->used_idx = le16toh(__atomic_load_n(&view.used->idx, __ATOMIC_RELAXED));
	ring->started = true;
	ring->broken = false;
	return 0;
}

static void signal_fd(int fd)
{
	static const uint64_t one = 1;

	/* When it is full, it has been signalled. */
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return;
}

static int ring_break(struct ring *ring)
{
	ring->broken = true;
	signal_fd(ring->err);
	return -EIO;
}

static int walk_step(const struct memory *memory, struct walk *walk, const struct vring_desc *desc)
{
	uint32_t length = le32toh(desc->len);
	size_t part = 0;
	void *bytes = memory_guest(memory, le64toh(desc->addr), length);

	if (!bytes || length > UINT32_MAX - walk->length)
		return -EINVAL;
	if (walk->copy && walk->length < walk->room)
		part = length < walk->room - walk->length ? length : walk->room - walk->length;
	if (part > 0 && walk->writes)
		memcpy(bytes, walk->copy + walk->length, part);
	else if (part > 0)
		memcpy(walk->copy + walk->length, bytes, part);
	walk->length += length;
	return 0;
}

static int walk_chain(const struct ring *ring, const struct view *view, const struct memory *memory,
		      uint16_t at, struct walk *walk)
{
	for (uint32_t steps = 0; steps < ring->num && at < ring->num; steps++) {
		struct vring_desc desc;
		uint16_t flags;

		memcpy(&desc, (const char *)view->desc + at * sizeof(desc), sizeof(desc));
		flags = le16toh(desc.flags);
		if (flags & ~(VRING_DESC_F_NEXT | VRING_DESC_F_WRITE))
			return -EINVAL;
		if (!!(flags & VRING_DESC_F_WRITE) == walk->writes &&
		    walk_step(memory, walk, &desc) < 0)
			return -EINVAL;
		if (!(flags & VRING_DESC_F_NEXT))
			return 0;
		at = le16toh(desc.next);
	}
	return -EINVAL;
}

/* The head of the chain that is next, which is not taken by that. */
static int ring_next(struct ring *ring, const struct memory *memory, struct view *view,
		     uint16_t *head)
{
	uint16_t idx;

	if (!ring_is_running(ring))
		return ring->broken ? -EIO : -EAGAIN;
	if (ring_view(ring, memory, view) < 0)
		return ring_break(ring);
	idx = le16toh(__atomic_load_n(&view->avail->idx, __ATOMIC_ACQUIRE));
	if (idx == ring->last_avail)
		return -EAGAIN;
	if ((uint16_t)(idx - ring->last_avail) > ring->num)
		return ring_break(ring);
	*head = le16toh(__atomic_load_n(&view->avail->ring[ring->last_avail & (ring->num - 1)],
					__ATOMIC_RELAXED));
	return *head < ring->num ? 0 : ring_break(ring);
}

static void ring_use(struct ring *ring, const struct view *view, uint16_t head, uint32_t length)
{
	struct vring_used_elem elem = { .id = htole32(head), .len = htole32(length) };
	uint16_t flags;

	memcpy(&view->used->ring[ring->used_idx & (ring->num - 1)], &elem, sizeof(elem));
	ring->last_avail++;
	ring->used_idx++;
	__atomic_store_n(&view->used->idx, htole16(ring->used_idx), __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	flags = le16toh(__atomic_load_n(&view->avail->flags, __ATOMIC_RELAXED));
	if (!(flags & VRING_AVAIL_F_NO_INTERRUPT))
		signal_fd(ring->call);
}

ssize_t ring_read(struct ring *ring, const struct memory *memory, void *to, size_t room)
{
	struct walk walk = { .writes = false, .copy = to, .room = room };
	struct view view;
	uint16_t head;
	int ret;

	ret = ring_next(ring, memory, &view, &head);
	if (ret < 0)
		return ret;
	if (walk_chain(ring, &view, memory, head, &walk) < 0)
		return ring_break(ring);
	ring_use(ring, &view, head, 0);
	return walk.length <= room ? (ssize_t)walk.length : -EMSGSIZE;
}

int ring_write(struct ring *ring, const struct memory *memory, const void *from, size_t length)
{
	struct walk count = { .writes = true };
	struct walk walk = { .writes = true, .copy = (char *)from, .room = length };
	struct view view;
	uint16_t head;
	int ret;

	ret = ring_next(ring, memory, &view, &head);
	if (ret < 0)
		return ret;
	if (walk_chain(ring, &view, memory, head, &count) < 0 || count.length < length ||
	    walk_chain(ring, &view, memory, head, &walk) < 0)
		return ring_break(ring);
	ring_use(ring, &view, head, (uint32_t)length);
	return 0;
}
