/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control channel's frames, as both sides of the virtio serial port speak them.
 *
 * The port is one stream for ever, while the clients on the host come and go, in the middle of a
 * frame too.  So each client chooses a random session number, every frame carries it, a checksum
 * covers head and payload, and a reader that loses step looks for the next valid frame.  A client
 * first sends as many zeros as the longest frame has, which ends whatever its predecessor began.
 */
#ifndef FRAME_H
#define FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FRAME_MAGIC   0x4c544347u
#define FRAME_PAYLOAD 8192

enum frame_type {
	FRAME_HELLO = 1, /* client: the time of day, uint64_t in ns, 0 to leave the guest's clock */
	FRAME_READY,     /* server: the boot's ID, 36 characters */
	FRAME_EXEC,      /* client: the command for sh -c; the last one of a command has FRAME_LAST */
	FRAME_STDIN,     /* client: input for the command; empty at its end */
	FRAME_SIZE,      /* client: struct frame_size, the terminal's size */
	FRAME_STDOUT,    /* server */
	FRAME_STDERR,    /* server */
	FRAME_EXIT,      /* server: int32_t, exit status or 128 and the signal; ends the session */
};

enum frame_flag {
	FRAME_LAST = 1, /* of FRAME_EXEC: the command is complete */
	FRAME_PTY = 2,  /* of FRAME_EXEC: run it on a terminal */
};

struct frame_head {
	uint32_t magic;
	uint32_t sum; /* of what follows in the head, and of the payload */
	uint64_t session;
	uint16_t type;
	uint16_t flags;
	uint32_t len;
};

struct frame_size {
	uint16_t rows;
	uint16_t columns;
};

#define FRAME_MAX (sizeof(struct frame_head) + FRAME_PAYLOAD)

struct frame {
	struct frame_head head;
	char payload[FRAME_PAYLOAD];
};

/* What has been read and not been understood yet. */
struct frame_reader {
	char data[4 * FRAME_MAX];
	size_t len;
};

/**
 * frame_seal() - make a frame ready to be written
 * @len: bytes of payload, already in place, at most FRAME_PAYLOAD
 *
 * Return: the bytes to write, from the beginning of @frame.
 */
size_t frame_seal(struct frame *frame, uint64_t session, enum frame_type type, unsigned int flags,
		  size_t len);

/**
 * frame_fill() - read once from @fd
 *
 * Return: bytes read, 0 at the end, or a negative errno; -EAGAIN when there is nothing yet.
 */
ssize_t frame_fill(struct frame_reader *reader, int fd);

/**
 * frame_next() - take the next valid frame, throwing away what is none
 *
 * Return: 1 with a frame in @frame, 0 when more has to be read first.
 */
int frame_next(struct frame_reader *reader, struct frame *frame);

#endif
