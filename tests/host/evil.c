// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A back end that means harm: serves QEMU as the real one does, and then tells the
 * guest's driver nonsense, one kind after the other, in the guest's own memory.
 *
 *	evil SOCKET		writes "said N" to standard output when all is said
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../../host/ring.c"

#include "message.h"
#include "sockets.h"
#include "vhost-user.h"

#include <poll.h>

#define COMMANDS 0
#define MESSAGES 1

static struct vhost vhost;
static unsigned char bytes[FSFREEZE_MSG_MAX];
static unsigned int said;
static int qemu;

/* QEMU waits for the answer to each of its messages. */
static void serve_for(int ms)
{
	struct pollfd fd = { .fd = qemu, .events = POLLIN };

	if (poll(&fd, 1, ms) > 0 && vhost_serve(&vhost, qemu) < 0)
		exit(1);
}

/* What the guest says is read, so that it always has something to answer with. */
static void listen_to_guest(void)
{
	unsigned char message[FSFREEZE_MSG_MAX];

	while (ring_read(&vhost.rings[MESSAGES], &vhost.memory, message, sizeof(message)) >= 0)
		;
}

static void wait_for_room(void)
{
	struct view view;
	uint16_t head;

	for (int tries = 0; tries < 10000; tries++) {
		listen_to_guest();
		if (ring_next(&vhost.rings[COMMANDS], &vhost.memory, &view, &head) == 0)
			return;
		serve_for(1);
	}
	fprintf(stderr, "the guest makes no room any more, after %u\n", said);
	exit(1);
}

/* Say @length bytes, but claim that they are @claim. */
static void say(size_t length, uint32_t claim)
{
	struct walk walk = { .writes = true, .copy = (char *)bytes, .room = length };
	struct view view;
	uint16_t head;

	wait_for_room();
	ring_next(&vhost.rings[COMMANDS], &vhost.memory, &view, &head);
	walk_chain(&vhost.rings[COMMANDS], &view, &vhost.memory, head, &walk);
	ring_use(&vhost.rings[COMMANDS], &view, head, claim);
	said++;
}

static void say_lengths(void)
{
	static const uint32_t claims[] = { 0, 1, 15, 16, 17, 4095, 4096, 4097, 65536, UINT32_MAX };

	message_make(bytes, FSFREEZE_MSG_STATUS, 0, 1, NULL, 0);
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
		say(sizeof(bytes), claims[i]);
}

static void say_headers(void)
{
	static const uint16_t types[] = { 0, 7, 0x3fff, 0x4000, 0x8001, 0xffff };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		for (uint16_t result = 0; result < 2; result++)
			say(16, (uint32_t)message_make(bytes, types[i], result, 1, NULL, 0));
	for (uint16_t type = 1; type <= 6; type++)
		for (size_t body = 0; body <= 20; body++) {
			unsigned char rubbish[20];

			memset(rubbish, 0xff, sizeof(rubbish));
			say(64, (uint32_t)message_make(bytes, type, 0, 1, rubbish, body));
		}
	memset(bytes, 0xff, sizeof(bytes));
	say(sizeof(bytes), sizeof(bytes));
}

static void say_noise(void)
{
	srandom(1);
	for (int i = 0; i < 400; i++) {
		size_t length = (size_t)random() % sizeof(bytes);

		for (size_t k = 0; k < length; k++)
			bytes[k] = (unsigned char)random();
		if (i % 2)
			message_make(bytes, (uint16_t)(random() % 8), 0, 1, NULL, 0);
		say(length, (uint32_t)length);
	}
}

/* Last, as the guest's ring is of no use after that: a buffer it never gave us. */
static void use_what_was_not_given(void)
{
	struct view view;
	uint16_t head;

	wait_for_room();
	ring_next(&vhost.rings[COMMANDS], &vhost.memory, &view, &head);
	ring_use(&vhost.rings[COMMANDS], &view, 63, 16);
	ring_use(&vhost.rings[COMMANDS], &view, 40000, 16);
	ring_use(&vhost.rings[MESSAGES], &view, 40000, 16);
}

static void serve_until_running(void)
{
	while (!ring_is_running(&vhost.rings[COMMANDS]) || !ring_is_running(&vhost.rings[MESSAGES]))
		if (vhost_serve(&vhost, qemu) < 0)
			exit(1);
}

int main(int argc, char **argv)
{
	struct virtio_fsfreeze_config config = { htole32(FSFREEZE_WIRE_MAGIC),
						 htole32(FSFREEZE_WIRE_VERSION) };
	int fd = argc == 2 ? socket_listen(argv[1]) : -1;

	if (fd < 0)
		return 2;
	qemu = accept(fd, NULL, NULL);
	vhost_init(&vhost, 7, &config, sizeof(config));
	serve_until_running();
	say_lengths();
	say_headers();
	say_noise();
	use_what_was_not_given();
	printf("said %u\n", said);
	fflush(stdout);
	while (vhost_serve(&vhost, qemu) == 0)
		;
	return 0;
}
