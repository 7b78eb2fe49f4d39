/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "device.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message.h"
#include "sockets.h"
#include "wait.h"

/* So many file systems at most are asked about; a guest with more is not believed. */
#define ENTRIES_MAX 100000
#define ENTRIES_AT_ONCE 1024

/* A port's guest drops half of a message of somebody before us after 1 s; then it hears us. */
#define ASK_AGAIN_MS 1500

struct device {
	int fd;
	bool channel;
	int64_t end;	/* ms, monotonic: no answer counts after that */
	uint32_t sequence;
	size_t have, used;	/* bytes received, and of these, those of the last message */
	unsigned char bytes[FSFREEZE_MSG_MAX];
};

static void device_close(struct device *device)
{
	if (device->fd >= 0)
		close(device->fd);
}

static int receive_some(struct device *device)
{
	int ret = wait_for_fd(device->fd, POLLIN, device->end);
	ssize_t n;

	if (ret < 0)
		return ret;
	n = recv(device->fd, device->bytes + device->have, sizeof(device->bytes) - device->have,
		 MSG_DONTWAIT);
	if (n == 0)
		return -ECONNRESET;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	device->have += (size_t)n;
	return 0;
}

/* The next message, at the start of bytes; it stays there until the next call. */
static int receive(struct device *device)
{
	ssize_t length;
	int ret;

	device->have -= device->used;
	memmove(device->bytes, device->bytes + device->used, device->have);
	device->used = 0;
	while ((length = message_framed(device->bytes, device->have)) <= 0) {
		if (length < 0 && !device->channel)
			return (int)length;
		if (length < 0) /* not our place in the stream */
			memmove(device->bytes, device->bytes + 1, --device->have);
		ret = length < 0 ? 0 : receive_some(device);
		if (ret < 0)
			return ret;
	}
	device->used = (size_t)length;
	return 0;
}

/* Returns when the reply is there: the result in it, or a negative errno. */
static int ask(struct device *device, uint16_t type, const void *body, size_t size)
{
	unsigned char message[FSFREEZE_MSG_MAX];
	size_t length = message_make(message, type, 0, ++device->sequence, body, size);
	int ret;

	if (send(device->fd, message, length, MSG_NOSIGNAL) != (ssize_t)length)
		return -errno;
	do {
		ret = receive(device);
		if (ret < 0)
			return ret;
	} while (message_type(device->bytes) != (type | FSFREEZE_MSG_REPLY) ||
		 message_sequence(device->bytes) != device->sequence);
	return message_result(device->bytes);
}

/* Until the guest answers us, and nobody who was there before. */
static int find_place(struct device *device)
{
	int64_t end = device->end;
	int ret;

	device->sequence = (uint32_t)wait_now_ms() * 2654435761u ^ (uint32_t)getpid();
	do {
		device->end = wait_now_ms() + ASK_AGAIN_MS < end ? wait_now_ms() + ASK_AGAIN_MS : end;
		ret = ask(device, FSFREEZE_MSG_INFO, NULL, 0);
	} while (ret == -ETIMEDOUT && wait_now_ms() < end);
	device->end = end;
	return ret;
}

static int device_open(struct device *device, const char *path, const struct device_request *request)
{
	memset(device, 0, sizeof(*device));
	device->channel = request->channel;
	device->end = wait_now_ms() + request->timeout_ms;
	device->fd = socket_connect_within(path, request->timeout_ms);
	if (device->fd < 0)
		return device->fd;
	return device->channel ? find_place(device) : 0;
}

static int ask_status(struct device *device, struct fsfreeze_status *status)
{
	int ret = ask(device, FSFREEZE_MSG_STATUS, NULL, 0);

	return ret == 0 ? message_get_status(device->bytes, status) : ret;
}

/* Until the guest says that it changed. */
static int await_event(struct device *device, struct fsfreeze_status *status)
{
	int ret;

	do {
		ret = receive(device);
		if (ret < 0)
			return ret;
	} while (message_type(device->bytes) != FSFREEZE_MSG_EVENT);
	return message_get_status(device->bytes, status);
}

/* Until the guest is in none of the states in which it is busy. */
static int await_end(struct device *device, uint32_t busy, struct fsfreeze_status *status)
{
	int ret = ask_status(device, status);

	while (ret == 0 && (busy & 1u << status->state))
		ret = await_event(device, status);
	return ret;
}

static json_t *error_reply(const char *class, const char *text)
{
	return json_pack("{s:{s:s, s:s}}", "error", "class", class, "desc", text);
}

static json_t *count_reply(uint32_t nr)
{
	return json_pack("{s:I}", "return", (json_int_t)nr);
}

/* Why a freeze is over that should not be. */
static json_t *reason_reply(const struct fsfreeze_status *status)
{
	char text[256];

	if (status->error)
		snprintf(text, sizeof(text), "%s: %s%s%s", message_reason_name(status->reason),
			 status->failed, status->failed[0] ? ": " : "", strerror(-status->error));
	else
		snprintf(text, sizeof(text), "%s", message_reason_name(status->reason));
	return error_reply("GenericError", text);
}

/* A result of the guest's, or a negative errno, as what this file's functions return. */
static int conclude(struct device *device, int ret, json_t **reply)
{
	device_close(device);
	if (ret > 0) {
		*reply = error_reply(ret == FSFREEZE_RESULT_NO_DRIVER ? "NoDriver" : "GenericError",
				     message_result_name((uint16_t)ret));
		ret = 0;
	}
	if (ret == 0 && !*reply)
		ret = -ENOMEM;
	return ret;
}

static int get_info(struct device *device, struct fsfreeze_msg_info *info)
{
	int ret = ask(device, FSFREEZE_MSG_INFO, NULL, 0);

	return ret == 0 ? message_get_info(device->bytes, info) : ret;
}

/* The names one after another, as many as there is room for; those longer than ids are too many. */
static ssize_t put_names(unsigned char *to, size_t room, const char *const *names)
{
	struct fsfreeze_msg_name name;
	size_t size = 0;

	for (; names && *names; names++) {
		if (strlen(*names) >= sizeof(name.name) || size + sizeof(name) > room)
			return -E2BIG;
		memset(&name, 0, sizeof(name));
		memcpy(name.name, *names, strlen(*names));
		memcpy(to + size, &name, sizeof(name));
		size += sizeof(name);
	}
	return (ssize_t)size;
}

static int ask_freeze(struct device *device, const struct device_request *request)
{
	struct fsfreeze_msg_freeze freeze = {
		.timeout_ms = htole32((uint32_t)request->deadline_ms),
		.hook_timeout_ms = htole32((uint32_t)request->hook_timeout_ms),
	};
	unsigned char body[FSFREEZE_MSG_MAX - sizeof(struct fsfreeze_msg)];
	ssize_t names = put_names(body + sizeof(freeze), sizeof(body) - sizeof(freeze), request->only);
	struct fsfreeze_msg_info info;
	uint32_t flags = 0;
	int ret;

	if (names < 0)
		return (int)names;
	ret = get_info(device, &info);
	if (ret != 0)
		return ret;
	if (info.features & 1u << VIRTIO_FSFREEZE_F_HOOKS && !request->no_hooks)
		flags |= FSFREEZE_FREEZE_HOOKS;
	if (names > 0)
		flags |= FSFREEZE_FREEZE_LIST;
	freeze.flags = htole32(flags);
	memcpy(body, &freeze, sizeof(freeze));
	return ask(device, FSFREEZE_MSG_FREEZE, body, sizeof(freeze) + (size_t)names);
}

int device_freeze(const char *path, const struct device_request *request, json_t **reply)
{
	struct fsfreeze_status status;
	struct device device;
	int ret = device_open(&device, path, request);

	*reply = NULL;
	if (ret == 0)
		ret = ask_freeze(&device, request);
	if (ret == 0)
		ret = await_end(&device, 1u << FSFREEZE_FREEZING | 1u << FSFREEZE_THAWING, &status);
	if (ret == 0)
		*reply = status.state == FSFREEZE_FROZEN ? count_reply(status.nr_frozen) :
							   reason_reply(&status);
	return conclude(&device, ret, reply);
}

/* What is copied of a guest that had thawed by itself is worth nothing. */
static int thaw(struct device *device, json_t **reply)
{
	struct fsfreeze_status status;
	int asked = ask(device, FSFREEZE_MSG_THAW, NULL, 0);
	int ret = asked;

	if (ret == 0 || ret == FSFREEZE_RESULT_NOT_FROZEN)
		ret = await_end(device, ~(1u << FSFREEZE_THAWED), &status);
	if (ret != 0)
		return ret;
	if (asked == 0 && status.reason == FSFREEZE_REASON_REQUEST && !status.error)
		*reply = count_reply(status.nr_was_frozen);
	else if (status.reason == FSFREEZE_REASON_NONE || status.reason == FSFREEZE_REASON_REQUEST)
		return FSFREEZE_RESULT_NOT_FROZEN;
	else
		*reply = reason_reply(&status);
	return 0;
}

int device_thaw(const char *path, const struct device_request *request, json_t **reply)
{
	struct device device;
	int ret = device_open(&device, path, request);

	*reply = NULL;
	if (ret == 0)
		ret = thaw(&device, reply);
	return conclude(&device, ret, reply);
}

int device_extend(const char *path, const struct device_request *request, json_t **reply)
{
	struct fsfreeze_msg_extend extend = { .timeout_ms = htole32((uint32_t)request->deadline_ms) };
	struct device device;
	int ret = device_open(&device, path, request);

	*reply = NULL;
	if (ret == 0)
		ret = ask(&device, FSFREEZE_MSG_EXTEND, &extend, sizeof(extend));
	if (ret == 0)
		*reply = json_pack("{s:{}}", "return");
	return conclude(&device, ret, reply);
}

int device_status(const char *path, const struct device_request *request, json_t **reply)
{
	struct fsfreeze_status status;
	struct device device;
	int ret = device_open(&device, path, request);

	*reply = NULL;
	if (ret == 0)
		ret = ask_status(&device, &status);
	if (ret == 0)
		*reply = json_pack("{s:s}", "return", message_state_name(status.state));
	return conclude(&device, ret, reply);
}

static json_t *entry_object(const struct fsfreeze_entry *entry)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "device", entry->id, "type",
				   entry->type, "state", message_entry_state_name(entry->state),
				   "flush-us", (json_int_t)entry->flush_us, "freeze-us",
				   (json_int_t)entry->freeze_us, "thaw-us",
				   (json_int_t)entry->thaw_us);

	if (entry->error < 0 && entry->error >= -4095)
		json_object_set_new(object, "error", json_string(strerror(-entry->error)));
	return object;
}

static int add_entries(struct device *device, json_t *list)
{
	struct fsfreeze_msg_report report = { .nr = htole32(ENTRIES_AT_ONCE) };
	uint32_t total, nr;
	int ret;

	do {
		report.first = htole32((uint32_t)json_array_size(list));
		ret = ask(device, FSFREEZE_MSG_REPORT, &report, sizeof(report));
		if (ret == 0)
			ret = message_get_entries(device->bytes, &total, &nr);
		if (ret != 0)
			return ret;
		for (uint32_t i = 0; i < nr; i++) {
			struct fsfreeze_entry entry;

			message_get_entry(device->bytes, i, &entry);
			json_array_append_new(list, entry_object(&entry));
		}
	} while (nr > 0 && json_array_size(list) < total && total <= ENTRIES_MAX);
	return 0;
}

static json_t *thaws_object(const struct fsfreeze_statistics *statistics)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < sizeof(statistics->nr_thawed) / sizeof(statistics->nr_thawed[0]); i++)
		if (statistics->nr_thawed[i] > 0)
			json_object_set_new(object, message_reason_name(i),
					    json_integer((json_int_t)statistics->nr_thawed[i]));
	return object;
}

static json_t *statistics_object(const struct fsfreeze_statistics *statistics)
{
	return json_pack("{s:I, s:I, s:o, s:s, s:s, s:s, s:I, s:I, s:I}", "freezes",
			 (json_int_t)statistics->nr_begun, "frozen",
			 (json_int_t)statistics->nr_frozen, "thaws", thaws_object(statistics),
			 "asked-from", message_asker_name(statistics->asker), "asked-by",
			 statistics->asked_by, "last-thaw",
			 message_reason_name(statistics->thaw_reason), "longest-flush-us",
			 (json_int_t)statistics->longest_flush_us, "longest-freeze-us",
			 (json_int_t)statistics->longest_freeze_us, "longest-thaw-us",
			 (json_int_t)statistics->longest_thaw_us);
}

static int add_statistics(struct device *device, json_t *reply)
{
	struct fsfreeze_statistics statistics;
	int ret = ask(device, FSFREEZE_MSG_STATISTICS, NULL, 0);

	if (ret == 0)
		ret = message_get_statistics(device->bytes, &statistics);
	if (ret == 0)
		json_object_set_new(json_object_get(reply, "return"), "statistics",
				    statistics_object(&statistics));
	return ret;
}

/* Everything: what the guest's kernel can do, and how its last freeze went. */
static int collect_info(struct device *device, json_t *list, json_t **reply)
{
	struct fsfreeze_msg_info info;
	struct fsfreeze_status status;
	int ret = get_info(device, &info);

	if (ret == 0)
		ret = ask_status(device, &status);
	if (ret == 0 && info.features & 1u << VIRTIO_FSFREEZE_F_REPORT)
		ret = add_entries(device, list);
	if (ret == 0)
		*reply = json_pack(
			"{s:{s:s, s:s, s:s, s:I, s:I, s:b, s:b, s:s, s:I, s:s, s:s, s:I, s:I, s:I, s:O}}",
			"return", "engine", "kernel", "module-version", info.module_version,
			"kernel-release", info.kernel_release, "default-timeout-ms",
			(json_int_t)info.default_timeout_ms, "max-timeout-ms",
			(json_int_t)info.max_timeout_ms, "hooks",
			!!(info.features & 1u << VIRTIO_FSFREEZE_F_HOOKS), "held-by-kernel",
			info.holder_kernel != 0, "state", message_state_name(status.state),
			"remaining-ms", (json_int_t)status.remaining_ms, "last-thaw",
			message_reason_name(status.reason), "failed", status.failed, "flush-us",
			(json_int_t)status.flush_us, "freeze-us", (json_int_t)status.freeze_us,
			"thaw-us", (json_int_t)status.thaw_us, "filesystems", list);
	if (ret == 0 && info.features & 1u << VIRTIO_FSFREEZE_F_STATISTICS)
		ret = add_statistics(device, *reply);
	if (ret != 0) {
		json_decref(*reply);
		*reply = NULL;
	}
	return ret;
}

int device_info(const char *path, const struct device_request *request, json_t **reply)
{
	json_t *list = json_array();
	struct device device;
	int ret = device_open(&device, path, request);

	*reply = NULL;
	if (ret == 0)
		ret = collect_info(&device, list, reply);
	json_decref(list);
	return conclude(&device, ret, reply);
}
