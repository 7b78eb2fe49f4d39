/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_STREAM_H
#define HOST_STREAM_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/*
 * JSON over a unix socket, an object to a line: what QEMU's monitor and the guest's
 * agent speak. What is received is bounded in size and in time. All functions return
 * 0 or a negative errno; @end is a time of wait_now_ms().
 */
struct stream {
	int fd;
	char *bytes;
	size_t length, room;
};

int stream_connect(struct stream *stream, const char *path, int64_t end);
/* Also of one that could not connect. */
void stream_close(struct stream *stream);

int stream_send_byte(struct stream *stream, char byte, int64_t end);
/* The reference to @object is taken over; NULL is -ENOMEM. */
int stream_send(struct stream *stream, json_t *object, int64_t end);

/* -EPROTO when the next line is no object; the one after it can be asked for then. */
int stream_receive(struct stream *stream, int64_t end, json_t **object);
/* Drop all up to the next @byte, and it too. */
int stream_skip_past(struct stream *stream, char byte, int64_t end);

#endif
