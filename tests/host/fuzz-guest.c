// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest can write into its memory: rings, descriptors and messages. Starts
 * from a guest that does everything right; the input says what is changed, in
 * steps of {where, which, value}: a field of a descriptor or of the rings' heads,
 * or a part of a message.
 */
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "log.h"

#define NUM 8u
#define DATA 0x400u
#define SIZE (DATA + NUM * FSFREEZE_MSG_MAX)
#define GUEST 0x100000u
#define USER 0x7f0000000000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void log_line(const char *format, ...)
{
}

/* What a client would do with it. */
static void deliver(struct backend *backend, uint32_t client, const void *message, size_t length)
{
	struct fsfreeze_status status;
	struct fsfreeze_msg_info info;
	struct fsfreeze_entry entry;
	uint32_t total, nr;

	assert(message_framed(message, length) == (ssize_t)length);
	if (message_get_info(message, &info) == 0)
		assert(strlen(info.kernel_release) < sizeof(info.kernel_release));
	if (message_get_status(message, &status) == 0)
		assert(strlen(status.failed) < sizeof(status.failed));
	if (message_get_entries(message, &total, &nr) == 0)
		for (uint32_t i = 0; i < nr; i++)
			message_get_entry(message, i, &entry);
}

/* Ring @i at 0x200 * i: descriptors, avail, used; its buffers beyond DATA. */
static void lay_out(char *memory, unsigned int i)
{
	struct vring_desc *desc = (void *)(memory + 0x200 * i);
	struct vring_avail *avail = (void *)(memory + 0x200 * i + 0x80);
	unsigned char *bytes = (void *)(memory + DATA);
	unsigned char body[sizeof(struct fsfreeze_msg_status)] = { 2 };

	for (unsigned int k = 0; k < NUM; k++) {
		desc[k] = (struct vring_desc){ htole64(GUEST + DATA + k * FSFREEZE_MSG_MAX),
					       htole32(i ? 136 : FSFREEZE_MSG_MAX),
					       htole16(i ? 0 : VRING_DESC_F_WRITE), 0 };
		avail->ring[k] = htole16((uint16_t)k);
		message_make(bytes + k * FSFREEZE_MSG_MAX,
			     k % 2 ? FSFREEZE_MSG_EVENT : FSFREEZE_MSG_STATUS | FSFREEZE_MSG_REPLY, 0,
			     1 + k / 2, body, sizeof(body));
	}
	avail->idx = htole16(4);
}

static void set_up(struct backend *backend, char *memory)
{
	struct vhost *vhost = &backend->vhost;

	backend_init(backend, deliver);
	vhost->memory.nr = 1;
	vhost->memory.regions[0].at = (struct memory_region){ GUEST, SIZE, USER, 0 };
	vhost->memory.regions[0].mapping = memory;
	for (unsigned int i = 0; i < VHOST_RINGS; i++) {
		lay_out(memory, i);
		vhost->rings[i].num = NUM;
		vhost->rings[i].desc = USER + 0x200 * i;
		vhost->rings[i].avail = USER + 0x200 * i + 0x80;
		vhost->rings[i].used = USER + 0x200 * i + 0x100;
		vhost->rings[i].enabled = true;
		assert(ring_start(&vhost->rings[i], &vhost->memory) == 0);
	}
}

static void run(struct backend *backend)
{
	unsigned char command[FSFREEZE_MSG_MAX];

	backend_command(backend, 1, command,
			message_make(command, FSFREEZE_MSG_STATUS, 0, 7, NULL, 0));
	backend_run(backend);
}

struct step {
	uint8_t where, which;
	uint16_t value;
};

static size_t offset_of(const struct step *step)
{
	size_t ring = step->where & 1 ? 0x200 : 0;

	switch (step->where >> 1 & 3) {
	case 0:
		return ring + step->which % (NUM * sizeof(struct vring_desc) / 2) * 2;
	case 1: /* flags, idx and heads of avail */
		return ring + 0x80 + step->which % (NUM + 2) * 2;
	case 2: /* flags and idx of used */
		return ring + 0x100 + step->which % 2 * 2;
	default: /* the header and the first fields of a message's body */
		return DATA + step->which % NUM * FSFREEZE_MSG_MAX + (step->which / NUM) % 16 * 2;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct backend backend;
	char *memory = calloc(1, SIZE);
	struct step step;

	set_up(&backend, memory);
	for (; size >= sizeof(step); data += sizeof(step), size -= sizeof(step)) {
		memcpy(&step, data, sizeof(step));
		if (step.where & 16) /* as flags and indexes are */
			step.value %= 16;
		memcpy(memory + offset_of(&step), &step.value, sizeof(step.value));
		if (step.where & 8)
			run(&backend);
	}
	run(&backend);
	run(&backend);
	free(memory);
	return 0;
}
