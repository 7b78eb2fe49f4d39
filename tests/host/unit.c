// SPDX-License-Identifier: GPL-2.0-or-later
/* One fault of a guest, of QEMU or of a stream each: "ok - ..." or "not ok - ...". */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "vhost-user.h"

#define NUM 8u
#define SIZE 65536u
#define DATA 4096u
#define GUEST 0x100000ull
#define USER 0x7f0000000000ull

static char *memory_bytes;
static struct memory memory;
static struct ring ring;
static struct vring_desc *desc;
static struct vring_avail *avail;
static struct vring_used *used;
static int failures;

static void check(const char *title, int good)
{
	printf("%s - %s\n", good ? "ok" : "not ok", title);
	failures += !good;
}

/* One chain of one descriptor of 64 readable bytes is available. */
static void fresh(void)
{
	memset(memory_bytes, 0, SIZE);
	memory = (struct memory){ .nr = 1 };
	memory.regions[0].at = (struct memory_region){ GUEST, SIZE, USER, 0 };
	memory.regions[0].mapping = memory_bytes;
	desc = (void *)memory_bytes;
	avail = (void *)(memory_bytes + 0x100);
	used = (void *)(memory_bytes + 0x200);
	desc[0] = (struct vring_desc){ htole64(GUEST + DATA), htole32(64), 0, 0 };
	avail->idx = htole16(1);
	memset(memory_bytes + DATA, 'x', 64);
	ring_init(&ring);
	ring = (struct ring){ .num = NUM, .desc = USER, .avail = USER + 0x100,
			      .used = USER + 0x200, .kick = -1, .call = -1, .err = -1,
			      .enabled = true };
	ring_start(&ring, &memory);
}

static ssize_t read_one(void)
{
	char bytes[128];

	return ring_read(&ring, &memory, bytes, sizeof(bytes));
}

static void test_ring(void)
{
	fresh();
	check("a good chain is read and used once", read_one() == 64 && read_one() == -EAGAIN &&
							 le16toh(used->idx) == 1);
	fresh();
	desc[0].flags = htole16(VRING_DESC_F_NEXT);
	check("a chain that loops", read_one() == -EIO);
	check("a broken ring stays so", read_one() == -EIO && le16toh(used->idx) == 0);
	fresh();
	desc[0].flags = htole16(VRING_DESC_F_NEXT);
	desc[0].next = htole16(NUM);
	desc[NUM] = (struct vring_desc){ htole64(GUEST + DATA), htole32(64), 0, 0 };
	check("a descriptor outside the table", read_one() == -EIO);
	fresh();
	desc[0].flags = htole16(VRING_DESC_F_INDIRECT);
	check("an indirect one, which was not negotiated", read_one() == -EIO);
	fresh();
	avail->ring[0] = htole16(NUM);
	check("a head outside the table", read_one() == -EIO);
	fresh();
	avail->idx = htole16(NUM + 1);
	check("more chains than fit", read_one() == -EIO);
	fresh();
	desc[0].len = htole32(1000);
	check("more bytes than a message may have", read_one() == -EMSGSIZE && read_one() == -EAGAIN);
	fresh();
	check("no room to write where there is only something to read",
	      ring_write(&ring, &memory, "command", 7) == -EIO);
	fresh();
	desc[0].flags = htole16(VRING_DESC_F_WRITE);
	desc[0].len = htole32(6);
	check("too little room to write", ring_write(&ring, &memory, "command", 7) == -EIO &&
						  memory_bytes[DATA] == 'x');
	fresh();
	ring.used = USER + SIZE - 8;
	check("a ring that is not all in memory", read_one() == -EIO);
}

static void test_memory(void)
{
	fresh();
	check("the last byte is in memory", memory_guest(&memory, GUEST + SIZE - 1, 1) ==
						    memory_bytes + SIZE - 1);
	check("the one after it is not", !memory_guest(&memory, GUEST + SIZE - 1, 2));
	check("nor the one before the first", !memory_guest(&memory, GUEST - 1, 1));
	check("a length that wraps around", !memory_guest(&memory, GUEST + 16, UINT64_MAX - 8));
	check("an address that wraps around", !memory_guest(&memory, UINT64_MAX - 8, 16));
	check("a region that wraps around",
	      memory_add(&memory, &(struct memory_region){ GUEST, 4096, UINT64_MAX - 1, 0 }, -1) ==
		      -EINVAL);
	check("a region without bytes",
	      memory_add(&memory, &(struct memory_region){ GUEST, 0, USER, 0 }, -1) == -EINVAL);
}

static void test_message(void)
{
	unsigned char bytes[FSFREEZE_MSG_MAX], body[1024];
	struct fsfreeze_status status;
	uint32_t total, nr;
	size_t length = message_make(bytes, FSFREEZE_MSG_STATUS, 0, 1, NULL, 0);

	check("a message that is not there yet", message_framed(bytes, length - 1) == 0);
	check("one that is", message_framed(bytes, length + 5) == (ssize_t)length);
	bytes[4] = 15;
	check("one shorter than its header", message_framed(bytes, length) == -EBADMSG);
	memset(bytes + 4, 0xff, 4);
	check("one longer than any", message_framed(bytes, length) == -EBADMSG);
	bytes[0] = 'f';
	check("one with another magic", message_framed(bytes, length) == -EBADMSG);

	memset(body, 0, sizeof(body));
	memset(body + offsetof(struct fsfreeze_msg_status, failed), '\033', 64);
	message_make(bytes, FSFREEZE_MSG_EVENT, 0, 0, body, sizeof(struct fsfreeze_msg_status));
	check("text without an end, and not to be printed",
	      message_get_status(bytes, &status) == 0 && strlen(status.failed) == 63 &&
		      !strchr(status.failed, '\033'));
	body[0] = 4;
	message_make(bytes, FSFREEZE_MSG_EVENT, 0, 0, body, sizeof(struct fsfreeze_msg_status));
	check("a state there is none of", message_get_status(bytes, &status) == -EBADMSG);

	memset(body, 0, sizeof(body));
	body[4] = 2;
	message_make(bytes, FSFREEZE_MSG_REPORT, 0, 0, body,
		     sizeof(struct fsfreeze_msg_entries) + sizeof(struct fsfreeze_msg_entry));
	check("more entries than there are",
	      message_get_entries(bytes, &total, &nr) == -EBADMSG);
}

/* As QEMU would send it, without descriptors. */
static int request(struct vhost *vhost, uint32_t number, const void *payload, uint32_t size)
{
	struct vhost_message message = { .header = { number, 1, size } };

	if (size <= sizeof(message.payload))
		memcpy(message.payload, payload, size);
	return vhost_handle(vhost, &message);
}

static void test_vhost(void)
{
	static const uint32_t third_ring[2] = { 2, 8 }, odd[2] = { 0, 7 };
	static const uint32_t beyond[4] = { 0xfffffff0, 4, 0, 0 };
	static const uint64_t all_features = UINT64_MAX;
	static const uint32_t table[2] = { 9, 0 };
	static struct vhost vhost;
	static char zero[VHOST_PAYLOAD_MAX];

	vhost_init(&vhost, 7, zero, 8);
	check("a request there is none of", request(&vhost, 1000, zero, 0) == -EINVAL);
	check("a request without a function", request(&vhost, 7, zero, 8) == -EINVAL);
	check("a payload longer than any", request(&vhost, 2, zero, 100000) == -EINVAL);
	check("a payload of another size", request(&vhost, 2, zero, 4) == -EINVAL);
	check("features that were not offered",
	      request(&vhost, 2, &all_features, 8) == -EINVAL);
	check("a ring there is none of", request(&vhost, 8, third_ring, 8) == -EINVAL);
	check("a ring whose size is not a power of two", request(&vhost, 8, odd, 8) == -EINVAL);
	check("configuration from beyond its end", request(&vhost, 24, beyond, 16) == -EINVAL);
	check("a memory table longer than itself", request(&vhost, 5, table, 8) == -EINVAL);
	check("a ring that starts without memory", request(&vhost, 12, zero, 8) == -EINVAL);
}

int main(void)
{
	memory_bytes = malloc(SIZE);
	test_ring();
	test_memory();
	test_message();
	test_vhost();
	return failures || fflush(stdout) ? 1 : 0;
}
