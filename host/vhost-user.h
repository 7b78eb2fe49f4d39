/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_VHOST_USER_H
#define HOST_VHOST_USER_H

#include <stdint.h>

#include "memory.h"
#include "ring.h"

/*
 * The back end's side of the vhost-user protocol, as much of it as a device with
 * two split rings and a configuration space needs. QEMU is believed in no more
 * than the guest: a bad message loses the connection.
 */
#define VHOST_RINGS 2
#define VHOST_PAYLOAD_MAX 512
#define VHOST_FDS_MAX 8

struct vhost_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size;
};

struct vhost_message {
	struct vhost_header header;
	_Alignas(8) unsigned char payload[VHOST_PAYLOAD_MAX];
	int fds[VHOST_FDS_MAX]; /* closed, and -1, when taken */
	unsigned int nr_fds;
};

struct vhost {
	uint64_t offered;	/* feature bits of the device itself */
	const void *config;	/* its configuration space */
	uint32_t config_size;

	uint64_t features;	/* as the driver took them */
	uint64_t protocol;
	struct memory memory;
	struct ring rings[VHOST_RINGS];
};

void vhost_init(struct vhost *vhost, uint64_t offered, const void *config, uint32_t config_size);
/* The connection is over: nothing stays mapped, open or running. */
void vhost_reset(struct vhost *vhost);

/**
 * vhost_handle() - do what one message says.
 * @message: turned into the reply when there is one
 *
 * Return: 1 when @message is to be sent back, 0 when not, or a negative errno
 * after which the connection must be closed. Descriptors are taken or closed.
 */
int vhost_handle(struct vhost *vhost, struct vhost_message *message);

/**
 * vhost_serve() - receive one message from @fd, handle and answer it.
 *
 * Return: 0, or a negative errno: close the connection; -ECONNRESET when the
 * other side did.
 */
int vhost_serve(struct vhost *vhost, int fd);

#endif
