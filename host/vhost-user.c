/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vhost-user.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Numbers of the protocol, from QEMU's docs/interop/vhost-user.rst. */
enum {
	GET_FEATURES = 1, SET_FEATURES = 2, SET_OWNER = 3, RESET_OWNER = 4, SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8, SET_VRING_ADDR = 9, SET_VRING_BASE = 10, GET_VRING_BASE = 11,
	SET_VRING_KICK = 12, SET_VRING_CALL = 13, SET_VRING_ERR = 14, GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16, GET_QUEUE_NUM = 17, SET_VRING_ENABLE = 18, GET_CONFIG = 24,
	SET_CONFIG = 25,
};

#define FLAG_VERSION 1u
#define FLAG_VERSION_MASK 3u
#define FLAG_REPLY 4u
#define FLAG_NEED_REPLY 8u

#define F_PROTOCOL_FEATURES (1ull << 30)
#define PROTOCOL_F_REPLY_ACK (1ull << 3)
#define PROTOCOL_F_CONFIG (1ull << 9)
#define PROTOCOL_FEATURES (PROTOCOL_F_REPLY_ACK | PROTOCOL_F_CONFIG)

/* In the number that comes with a descriptor of a ring. */
#define RING_INDEX 0xffu
#define RING_NO_FD 0x100u

struct vring_state {
	uint32_t index, num;
};

struct vring_addr {
	uint32_t index, flags;
	uint64_t desc, used, avail, log;
};

struct mem_table {
	uint32_t nr, padding;
	struct memory_region regions[MEMORY_REGIONS_MAX];
};

#define CONFIG_MAX 256u
struct config {
	uint32_t offset, size, flags;
	unsigned char region[CONFIG_MAX];
};

void vhost_init(struct vhost *vhost, uint64_t offered, const void *config, uint32_t config_size)
{
	memset(vhost, 0, sizeof(*vhost));
	vhost->offered = offered | 1ull << VIRTIO_F_VERSION_1;
	vhost->config = config;
	vhost->config_size = config_size;
	for (unsigned int i = 0; i < VHOST_RINGS; i++)
		ring_init(&vhost->rings[i]);
}

static void stop_rings(struct vhost *vhost)
{
	for (unsigned int i = 0; i < VHOST_RINGS; i++) {
		ring_stop(&vhost->rings[i]);
		ring_init(&vhost->rings[i]);
	}
}

void vhost_reset(struct vhost *vhost)
{
	stop_rings(vhost);
	memory_clear(&vhost->memory);
	vhost->features = 0;
	vhost->protocol = 0;
}

static int reply(struct vhost_message *message, const void *payload, uint32_t size)
{
	memcpy(message->payload, payload, size);
	message->header.flags = FLAG_VERSION | FLAG_REPLY;
	message->header.size = size;
	return 1;
}

static int reply_u64(struct vhost_message *message, uint64_t number)
{
	return reply(message, &number, sizeof(number));
}

static uint64_t get_u64(const struct vhost_message *message)
{
	uint64_t number;

	memcpy(&number, message->payload, sizeof(number));
	return number;
}

/* The descriptor is the caller's from now on. */
static int take_fd(struct vhost_message *message, unsigned int i)
{
	int fd = message->fds[i];

	message->fds[i] = -1;
	return fd;
}

static struct ring *ring_at(struct vhost *vhost, uint64_t index)
{
	return index < VHOST_RINGS ? &vhost->rings[index] : NULL;
}

static int get_features(struct vhost *vhost, struct vhost_message *message)
{
	return reply_u64(message, vhost->offered | F_PROTOCOL_FEATURES);
}

static int set_features(struct vhost *vhost, struct vhost_message *message)
{
	uint64_t features = get_u64(message);

	if (features & ~(vhost->offered | F_PROTOCOL_FEATURES))
		return -EINVAL;
	vhost->features = features;
	return 0;
}

static int set_owner(struct vhost *vhost, struct vhost_message *message)
{
	return 0;
}

static int reset_owner(struct vhost *vhost, struct vhost_message *message)
{
	stop_rings(vhost);
	return 0;
}

static int set_mem_table(struct vhost *vhost, struct vhost_message *message)
{
	struct mem_table table;
	int ret = 0;

	if (message->header.size > sizeof(table))
		return -EINVAL;
	memcpy(&table, message->payload, message->header.size);
	if (message->header.size < 2 * sizeof(uint32_t) || table.nr > MEMORY_REGIONS_MAX ||
	    message->header.size != 2 * sizeof(uint32_t) + table.nr * sizeof(table.regions[0]) ||
	    message->nr_fds != table.nr)
		return -EINVAL;
	memory_clear(&vhost->memory);
	for (unsigned int i = 0; i < table.nr && ret == 0; i++)
		ret = memory_add(&vhost->memory, &table.regions[i], message->fds[i]);
	return ret;
}

static struct ring *ring_of_state(struct vhost *vhost, struct vhost_message *message,
				  struct vring_state *state)
{
	memcpy(state, message->payload, sizeof(*state));
	return ring_at(vhost, state->index);
}

static int set_vring_num(struct vhost *vhost, struct vhost_message *message)
{
	struct vring_state state;
	struct ring *ring = ring_of_state(vhost, message, &state);

	if (!ring || ring->started || !state.num || state.num > RING_NUM_MAX ||
	    (state.num & (state.num - 1)))
		return -EINVAL;
	ring->num = state.num;
	return 0;
}

static int set_vring_addr(struct vhost *vhost, struct vhost_message *message)
{
	struct vring_addr addr;
	struct ring *ring;

	memcpy(&addr, message->payload, sizeof(addr));
	ring = ring_at(vhost, addr.index);
	if (!ring || addr.flags)
		return -EINVAL;
	ring->desc = addr.desc;
	ring->avail = addr.avail;
	ring->used = addr.used;
	return 0;
}

static int set_vring_base(struct vhost *vhost, struct vhost_message *message)
{
	struct vring_state state;
	struct ring *ring = ring_of_state(vhost, message, &state);

	if (!ring || ring->started)
		return -EINVAL;
	ring->last_avail = (uint16_t)state.num;
	return 0;
}

/* Which also stops the ring. Nothing is ever on the way: what was not used was not taken. */
static int get_vring_base(struct vhost *vhost, struct vhost_message *message)
{
	struct vring_state state;
	struct ring *ring = ring_of_state(vhost, message, &state);

	if (!ring)
		return -EINVAL;
	state.num = ring->last_avail;
	ring_stop(ring);
	return reply(message, &state, sizeof(state));
}

/* The ring of a message that brings a descriptor, or says that it brings none. */
static struct ring *ring_with_fd(struct vhost *vhost, struct vhost_message *message, int *fd)
{
	uint64_t number = get_u64(message);
	struct ring *ring = ring_at(vhost, number & RING_INDEX);

	if (!ring || message->nr_fds != !(number & RING_NO_FD))
		return NULL;
	*fd = message->nr_fds ? take_fd(message, 0) : -1;
	return ring;
}

static void replace(int *fd, int new)
{
	if (*fd >= 0)
		close(*fd);
	*fd = new;
}

static int set_vring_kick(struct vhost *vhost, struct vhost_message *message)
{
	int fd;
	struct ring *ring = ring_with_fd(vhost, message, &fd);

	if (!ring)
		return -EINVAL;
	replace(&ring->kick, fd);
	if (!(vhost->features & F_PROTOCOL_FEATURES))
		ring->enabled = true;
	return ring_start(ring, &vhost->memory);
}

static int set_vring_call(struct vhost *vhost, struct vhost_message *message)
{
	int fd;
	struct ring *ring = ring_with_fd(vhost, message, &fd);

	if (!ring)
		return -EINVAL;
	replace(&ring->call, fd);
	return 0;
}

static int set_vring_err(struct vhost *vhost, struct vhost_message *message)
{
	int fd;
	struct ring *ring = ring_with_fd(vhost, message, &fd);

	if (!ring)
		return -EINVAL;
	replace(&ring->err, fd);
	return 0;
}

static int get_protocol_features(struct vhost *vhost, struct vhost_message *message)
{
	return reply_u64(message, PROTOCOL_FEATURES);
}

static int set_protocol_features(struct vhost *vhost, struct vhost_message *message)
{
	uint64_t features = get_u64(message);

	if (features & ~PROTOCOL_FEATURES)
		return -EINVAL;
	vhost->protocol = features;
	return 0;
}

static int get_queue_num(struct vhost *vhost, struct vhost_message *message)
{
	return reply_u64(message, VHOST_RINGS);
}

static int set_vring_enable(struct vhost *vhost, struct vhost_message *message)
{
	struct vring_state state;
	struct ring *ring = ring_of_state(vhost, message, &state);

	if (!ring || state.num > 1)
		return -EINVAL;
	ring->enabled = state.num;
	return 0;
}

/* What lies beyond the end of the space reads as zero. */
static int get_config(struct vhost *vhost, struct vhost_message *message)
{
	uint32_t head = offsetof(struct config, region);
	struct config config = { 0 };

	if (message->header.size < head || message->header.size > sizeof(config))
		return -EINVAL;
	memcpy(&config, message->payload, head);
	if (config.size != message->header.size - head || config.offset > CONFIG_MAX - config.size)
		return -EINVAL;
	for (uint32_t i = 0; i < config.size && config.offset + i < vhost->config_size; i++)
		config.region[i] = ((const unsigned char *)vhost->config)[config.offset + i];
	return reply(message, &config, message->header.size);
}

/* There is nothing for the driver to write. */
static int set_config(struct vhost *vhost, struct vhost_message *message)
{
	return 0;
}

/* size: of the payload, ANY when the function itself looks. fds: at most so many. */
#define ANY UINT32_MAX
static const struct request {
	uint32_t size;
	unsigned int fds;
	int (*function)(struct vhost *vhost, struct vhost_message *message);
} requests[] = {
	[GET_FEATURES] = { 0, 0, get_features },
	[SET_FEATURES] = { 8, 0, set_features },
	[SET_OWNER] = { 0, 0, set_owner },
	[RESET_OWNER] = { 0, 0, reset_owner },
	[SET_MEM_TABLE] = { ANY, MEMORY_REGIONS_MAX, set_mem_table },
	[SET_VRING_NUM] = { sizeof(struct vring_state), 0, set_vring_num },
	[SET_VRING_ADDR] = { sizeof(struct vring_addr), 0, set_vring_addr },
	[SET_VRING_BASE] = { sizeof(struct vring_state), 0, set_vring_base },
	[GET_VRING_BASE] = { sizeof(struct vring_state), 0, get_vring_base },
	[SET_VRING_KICK] = { 8, 1, set_vring_kick },
	[SET_VRING_CALL] = { 8, 1, set_vring_call },
	[SET_VRING_ERR] = { 8, 1, set_vring_err },
	[GET_PROTOCOL_FEATURES] = { 0, 0, get_protocol_features },
	[SET_PROTOCOL_FEATURES] = { 8, 0, set_protocol_features },
	[GET_QUEUE_NUM] = { 0, 0, get_queue_num },
	[SET_VRING_ENABLE] = { sizeof(struct vring_state), 0, set_vring_enable },
	[GET_CONFIG] = { ANY, 0, get_config },
	[SET_CONFIG] = { ANY, 0, set_config },
};

static void close_fds(struct vhost_message *message)
{
	for (unsigned int i = 0; i < message->nr_fds; i++) {
		if (message->fds[i] >= 0)
			close(message->fds[i]);
		message->fds[i] = -1;
	}
}

static int dispatch(struct vhost *vhost, struct vhost_message *message)
{
	const struct vhost_header *header = &message->header;
	const struct request *request;

	if ((header->flags & (FLAG_VERSION_MASK | FLAG_REPLY)) != FLAG_VERSION ||
	    header->size > VHOST_PAYLOAD_MAX ||
	    header->request >= sizeof(requests) / sizeof(requests[0]))
		return -EINVAL;
	request = &requests[header->request];
	if (!request->function || message->nr_fds > request->fds ||
	    (request->size != ANY && request->size != header->size))
		return -EINVAL;
	return request->function(vhost, message);
}

int vhost_handle(struct vhost *vhost, struct vhost_message *message)
{
	bool acknowledge = message->header.flags & FLAG_NEED_REPLY &&
			   vhost->protocol & PROTOCOL_F_REPLY_ACK;
	int ret = dispatch(vhost, message);

	close_fds(message);
	return ret == 0 && acknowledge ? reply_u64(message, 0) : ret;
}

static void receive_fds(struct msghdr *msg, struct vhost_message *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t size = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		message->nr_fds = (unsigned int)(size / sizeof(int));
		memcpy(message->fds, CMSG_DATA(c), message->nr_fds * sizeof(int));
	}
}

/* The socket has a time limit, so half a message does not hold us for ever. */
static int receive_all(int fd, void *to, size_t length)
{
	while (length > 0) {
		ssize_t n = recv(fd, to, length, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ECONNRESET;
		to = (char *)to + n;
		length -= (size_t)n;
	}
	return 0;
}

static int receive(int fd, struct vhost_message *message)
{
	union {
		char bytes[CMSG_SPACE(VHOST_FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { &message->header, sizeof(message->header) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	int ret;

	if (n <= 0)
		return n < 0 ? -errno : -ECONNRESET;
	receive_fds(&msg, message);
	ret = receive_all(fd, (char *)&message->header + n, sizeof(message->header) - (size_t)n);
	if (ret == 0 && message->header.size > VHOST_PAYLOAD_MAX)
		ret = -EMSGSIZE;
	if (ret == 0)
		ret = receive_all(fd, message->payload, message->header.size);
	return ret;
}

static int transmit(int fd, const struct vhost_message *message)
{
	struct iovec iov[] = { { (void *)&message->header, sizeof(message->header) },
			       { (void *)message->payload, message->header.size } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n = sendmsg(fd, &msg, MSG_NOSIGNAL);

	if (n < 0)
		return -errno;
	return (size_t)n == iov[0].iov_len + iov[1].iov_len ? 0 : -EIO;
}

int vhost_serve(struct vhost *vhost, int fd)
{
	struct vhost_message message = { .nr_fds = 0 };
	int ret = receive(fd, &message);

	if (ret < 0) {
		close_fds(&message);
		return ret;
	}
	ret = vhost_handle(vhost, &message);
	return ret == 1 ? transmit(fd, &message) : ret;
}
