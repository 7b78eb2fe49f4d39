/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sockets.h"
#include "wait.h"

/* More than any answer to the commands used here. */
#define LINE_MAX_BYTES (4 * 1024 * 1024)
#define CHUNK          4096

int stream_connect(struct stream *stream, const char *path, int64_t end)
{
	int64_t left = end - wait_now_ms();

	*stream = (struct stream){ .fd = socket_connect_within(path, left > 0 ? left : 1) };
	return stream->fd < 0 ? stream->fd : 0;
}

void stream_close(struct stream *stream)
{
	if (stream->fd >= 0)
		close(stream->fd);
	free(stream->bytes);
	*stream = (struct stream){ .fd = -1 };
}

static int send_all(struct stream *stream, const char *bytes, size_t length, int64_t end)
{
	int ret;

	while (length > 0) {
		ssize_t n = send(stream->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			ret = wait_for_fd(stream->fd, POLLOUT, end);
			if (ret < 0)
				return ret;
			continue;
		}
		if (n < 0)
			return -errno;
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}

int stream_send_byte(struct stream *stream, char byte, int64_t end)
{
	return send_all(stream, &byte, 1, end);
}

/* The line in one piece: whoever is killed has sent all of it, or nothing. */
int stream_send(struct stream *stream, json_t *object, int64_t end)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) : 0;
	int ret = -ENOMEM;

	if (text) {
		text[length] = '\n'; /* the room of its zero */
		ret = send_all(stream, text, length + 1, end);
	}
	free(text);
	json_decref(object);
	return ret;
}

static int make_room(struct stream *stream)
{
	char *bigger;

	if (stream->length < stream->room)
		return 0;
	if (stream->room >= LINE_MAX_BYTES)
		return -EMSGSIZE;
	bigger = realloc(stream->bytes, stream->room + CHUNK);
	if (!bigger)
		return -ENOMEM;
	stream->bytes = bigger;
	stream->room += CHUNK;
	return 0;
}

static int receive_some(struct stream *stream, int64_t end)
{
	ssize_t n;
	int ret = make_room(stream);

	if (ret == 0)
		ret = wait_for_fd(stream->fd, POLLIN, end);
	if (ret < 0)
		return ret;
	n = recv(stream->fd, stream->bytes + stream->length, stream->room - stream->length,
		 MSG_DONTWAIT);
	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	stream->length += (size_t)n;
	return 0;
}

static char *find(const struct stream *stream, char byte)
{
	return stream->length ? memchr(stream->bytes, byte, stream->length) : NULL;
}

static void drop_through(struct stream *stream, const char *byte)
{
	size_t length = (size_t)(byte - stream->bytes) + 1;

	memmove(stream->bytes, stream->bytes + length, stream->length - length);
	stream->length -= length;
}

int stream_receive(struct stream *stream, int64_t end, json_t **object)
{
	char *newline;
	int ret;

	*object = NULL;
	while (!(newline = find(stream, '\n'))) {
		ret = receive_some(stream, end);
		if (ret < 0)
			return ret;
	}
	*object = json_loadb(stream->bytes, (size_t)(newline - stream->bytes), 0, NULL);
	drop_through(stream, newline);
	if (json_is_object(*object))
		return 0;
	json_decref(*object);
	*object = NULL;
	return -EPROTO;
}

int stream_skip_past(struct stream *stream, char byte, int64_t end)
{
	char *found;
	int ret;

	while (!(found = find(stream, byte))) {
		stream->length = 0;
		ret = receive_some(stream, end);
		if (ret < 0)
			return ret;
	}
	drop_through(stream, found);
	return 0;
}
