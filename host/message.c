/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "message.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define HEADER sizeof(struct fsfreeze_msg)
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

size_t message_make(void *to, uint16_t type, uint16_t result, uint32_t sequence, const void *body,
		    size_t size)
{
	struct fsfreeze_msg header = {
		.magic = htole32(FSFREEZE_WIRE_MAGIC),
		.length = htole32((uint32_t)(HEADER + size)),
		.type = htole16(type),
		.result = htole16(result),
		.sequence = htole32(sequence),
	};

	memcpy(to, &header, HEADER);
	if (size > 0)
		memcpy((char *)to + HEADER, body, size);
	return HEADER + size;
}

/* Copied, as messages lie where the bytes happened to come. */
static struct fsfreeze_msg header_of(const void *message)
{
	struct fsfreeze_msg header;

	memcpy(&header, message, HEADER);
	return header;
}

ssize_t message_framed(const void *bytes, size_t have)
{
	struct fsfreeze_msg header;
	uint32_t length;

	if (have < HEADER)
		return 0;
	header = header_of(bytes);
	length = le32toh(header.length);
	if (le32toh(header.magic) != FSFREEZE_WIRE_MAGIC || length < HEADER ||
	    length > FSFREEZE_MSG_MAX)
		return -EBADMSG;
	return have < length ? 0 : (ssize_t)length;
}

uint16_t message_type(const void *message)
{
	return le16toh(header_of(message).type);
}

uint16_t message_result(const void *message)
{
	return le16toh(header_of(message).result);
}

uint32_t message_sequence(const void *message)
{
	return le32toh(header_of(message).sequence);
}

size_t message_body_size(const void *message)
{
	return le32toh(header_of(message).length) - HEADER;
}

const void *message_body(const void *message)
{
	return (const char *)message + HEADER;
}

void message_set_sequence(void *message, uint32_t sequence)
{
	struct fsfreeze_msg header = header_of(message);

	header.sequence = htole32(sequence);
	memcpy(message, &header, HEADER);
}

/* Ends within its room, and holds nothing a terminal would act upon. */
static void get_text(char *to, const char *from, size_t room)
{
	size_t i;

	for (i = 0; i < room - 1 && from[i]; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	memset(to + i, 0, room - i);
}

int message_get_info(const void *message, struct fsfreeze_msg_info *info)
{
	struct fsfreeze_msg_info from;

	if (message_body_size(message) != sizeof(from))
		return -EBADMSG;
	memcpy(&from, message_body(message), sizeof(from));
	*info = (struct fsfreeze_msg_info){
		.version = le32toh(from.version),
		.features = le32toh(from.features),
		.default_timeout_ms = le32toh(from.default_timeout_ms),
		.max_timeout_ms = le32toh(from.max_timeout_ms),
		.holder_kernel = le32toh(from.holder_kernel),
	};
	get_text(info->module_version, from.module_version, sizeof(info->module_version));
	get_text(info->kernel_release, from.kernel_release, sizeof(info->kernel_release));
	return 0;
}

int message_get_status(const void *message, struct fsfreeze_status *status)
{
	struct fsfreeze_msg_status from;

	if (message_body_size(message) != sizeof(from))
		return -EBADMSG;
	memcpy(&from, message_body(message), sizeof(from));
	*status = (struct fsfreeze_status){
		.size = sizeof(*status),
		.state = le32toh(from.state),
		.reason = le32toh(from.reason),
		.error = (int32_t)le32toh(from.error),
		.nr_total = le32toh(from.nr_total),
		.nr_frozen = le32toh(from.nr_frozen),
		.remaining_ms = le32toh(from.remaining_ms),
		.nr_was_frozen = le32toh(from.nr_was_frozen),
		.flush_us = le64toh(from.flush_us),
		.freeze_us = le64toh(from.freeze_us),
		.thaw_us = le64toh(from.thaw_us),
	};
	get_text(status->failed, from.failed, sizeof(status->failed));
	if (status->state > FSFREEZE_THAWING || status->error > 0 || status->error < -4095)
		return -EBADMSG;
	return 0;
}

int message_get_statistics(const void *message, struct fsfreeze_statistics *statistics)
{
	struct fsfreeze_msg_statistics from;

	if (message_body_size(message) != sizeof(from))
		return -EBADMSG;
	memcpy(&from, message_body(message), sizeof(from));
	*statistics = (struct fsfreeze_statistics){
		.size = sizeof(*statistics),
		.asker = le32toh(from.asker),
		.thaw_reason = le32toh(from.thaw_reason),
		.thaw_error = (int32_t)le32toh(from.thaw_error),
		.nr_begun = le64toh(from.nr_begun),
		.nr_frozen = le64toh(from.nr_frozen),
		.longest_flush_us = le64toh(from.longest_flush_us),
		.longest_freeze_us = le64toh(from.longest_freeze_us),
		.longest_thaw_us = le64toh(from.longest_thaw_us),
	};
	for (size_t i = 0; i < LENGTH(from.nr_thawed); i++)
		statistics->nr_thawed[i] = le64toh(from.nr_thawed[i]);
	get_text(statistics->asked_by, from.asked_by, sizeof(statistics->asked_by));
	return 0;
}

int message_get_entries(const void *message, uint32_t *total, uint32_t *nr)
{
	struct fsfreeze_msg_entries from;
	size_t size = message_body_size(message);

	if (size < sizeof(from))
		return -EBADMSG;
	memcpy(&from, message_body(message), sizeof(from));
	*total = le32toh(from.total);
	*nr = le32toh(from.nr);
	/* The length of a message is bounded, and so is @nr once it fits. */
	if (*nr > size || *nr * sizeof(struct fsfreeze_msg_entry) != size - sizeof(from))
		return -EBADMSG;
	return 0;
}

void message_get_entry(const void *message, uint32_t i, struct fsfreeze_entry *entry)
{
	struct fsfreeze_msg_entry from;
	const char *body = message_body(message);

	memcpy(&from, body + sizeof(struct fsfreeze_msg_entries) + i * sizeof(from), sizeof(from));
	*entry = (struct fsfreeze_entry){
		.dev_major = le32toh(from.dev_major),
		.dev_minor = le32toh(from.dev_minor),
		.state = le32toh(from.state),
		.error = (int32_t)le32toh(from.error),
		.rank = le32toh(from.rank),
		.flush_us = le64toh(from.flush_us),
		.freeze_us = le64toh(from.freeze_us),
		.thaw_us = le64toh(from.thaw_us),
	};
	get_text(entry->type, from.type, sizeof(entry->type));
	get_text(entry->id, from.id, sizeof(entry->id));
}

static const char *name_of(const char *const *names, size_t nr, uint32_t i)
{
	return i < nr && names[i] ? names[i] : "unknown";
}

const char *message_state_name(uint32_t state)
{
	static const char *const names[] = {
		[FSFREEZE_THAWED] = "thawed",
		[FSFREEZE_FREEZING] = "freezing",
		[FSFREEZE_FROZEN] = "frozen",
		[FSFREEZE_THAWING] = "thawing",
	};

	return name_of(names, LENGTH(names), state);
}

const char *message_reason_name(uint32_t reason)
{
	static const char *const names[] = {
		[FSFREEZE_REASON_NONE] = "none",
		[FSFREEZE_REASON_REQUEST] = "on request",
		[FSFREEZE_REASON_CLOSE] = "the owner in the guest went away",
		[FSFREEZE_REASON_DEADLINE] = "the deadline passed",
		[FSFREEZE_REASON_ERROR] = "it failed",
		[FSFREEZE_REASON_SUSPEND] = "the guest went to sleep",
		[FSFREEZE_REASON_REBOOT] = "the guest went down",
		[FSFREEZE_REASON_HOST] = "the device was reset",
		[FSFREEZE_REASON_LOST] = "somebody in the guest thawed",
	};

	return name_of(names, LENGTH(names), reason);
}

const char *message_result_name(uint16_t result)
{
	static const char *const names[] = {
		[FSFREEZE_RESULT_OK] = "done",
		[FSFREEZE_RESULT_INVALID] = "the guest finds the command wrong",
		[FSFREEZE_RESULT_UNSUPPORTED] = "the guest does not know how to",
		[FSFREEZE_RESULT_BUSY] = "the guest is already frozen or just freezing",
		[FSFREEZE_RESULT_NOT_FROZEN] = "the guest is not frozen",
		[FSFREEZE_RESULT_UNAVAILABLE] = "the guest is going to sleep or down",
		[FSFREEZE_RESULT_FAILED] = "the guest could not",
		[FSFREEZE_RESULT_NO_DRIVER] = "no driver runs in the guest",
	};

	return name_of(names, LENGTH(names), result);
}

const char *message_asker_name(uint32_t asker)
{
	static const char *const names[] = {
		[FSFREEZE_ASKER_NONE] = "nobody",
		[FSFREEZE_ASKER_HOST] = "host",
		[FSFREEZE_ASKER_FILE] = "guest",
	};

	return name_of(names, LENGTH(names), asker);
}

const char *message_entry_state_name(uint32_t state)
{
	static const char *const names[] = {
		[FSFREEZE_ENTRY_IDLE] = "idle",	    [FSFREEZE_ENTRY_FROZEN] = "frozen",
		[FSFREEZE_ENTRY_THAWED] = "thawed", [FSFREEZE_ENTRY_FAILED] = "failed",
		[FSFREEZE_ENTRY_HELD] = "held",
	};

	return name_of(names, LENGTH(names), state);
}
