// SPDX-License-Identifier: GPL-2.0-or-later
#include "frame.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static uint32_t frame_sum(const struct frame_head *head, const char *payload)
{
	const unsigned char *byte = (const unsigned char *)head;
	uint32_t sum = 2166136261u; /* FNV-1a */

	for (size_t i = offsetof(struct frame_head, session); i < sizeof(*head); i++)
		sum = (sum ^ byte[i]) * 16777619u;
	for (size_t i = 0; i < head->len; i++)
		sum = (sum ^ (unsigned char)payload[i]) * 16777619u;
	return sum;
}

size_t frame_seal(struct frame *frame, uint64_t session, enum frame_type type, unsigned int flags,
		  size_t len)
{
	frame->head = (struct frame_head){ .magic = FRAME_MAGIC,
					   .session = session,
					   .type = type,
					   .flags = flags,
					   .len = len };
	frame->head.sum = frame_sum(&frame->head, frame->payload);
	return sizeof(frame->head) + len;
}

ssize_t frame_fill(struct frame_reader *reader, int fd)
{
	size_t room = sizeof(reader->data) - reader->len;
	ssize_t n;

	do {
		n = read(fd, reader->data + reader->len, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	reader->len += n;
	return n;
}

static void drop(struct frame_reader *reader, size_t n)
{
	reader->len -= n;
	memmove(reader->data, reader->data + n, reader->len);
}

/* Throw away all before the next place where a frame may begin. */
static void seek_magic(struct frame_reader *reader)
{
	const uint32_t magic = FRAME_MAGIC;
	size_t at = 0;

	while (at + sizeof(magic) <= reader->len && memcmp(reader->data + at, &magic, sizeof(magic)))
		at++;
	if (at)
		drop(reader, at);
}

int frame_next(struct frame_reader *reader, struct frame *frame)
{
	for (;;) {
		seek_magic(reader);
		if (reader->len < sizeof(frame->head))
			return 0;
		memcpy(&frame->head, reader->data, sizeof(frame->head));
		if (frame->head.len <= FRAME_PAYLOAD) {
			size_t whole = sizeof(frame->head) + frame->head.len;

			if (reader->len < whole)
				return 0;
			memcpy(frame->payload, reader->data + sizeof(frame->head), frame->head.len);
			if (frame->head.sum == frame_sum(&frame->head, frame->payload)) {
				drop(reader, whole);
				return 1;
			}
		}
		drop(reader, 1); /* not a frame: the next may begin anywhere behind it */
	}
}
