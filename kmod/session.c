// SPDX-License-Identifier: GPL-2.0
#include "session.h"

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/utsname.h>

#include "hooks.h"
#include "statistics.h"

#define NO_FEATURE	(~0U)

#define ENTRIES_MAX	((FSFREEZE_MSG_MAX - sizeof(struct fsfreeze_msg) - \
			  sizeof(struct fsfreeze_msg_entries)) / sizeof(struct fsfreeze_msg_entry))

/**
 * struct session - one command on its way to its reply
 * @owner: of the freezes
 * @features: bits that were negotiated
 * @body: of the command, as long as its type wants it
 * @more: bytes of @body after that, a whole number of what may follow
 * @reply: room for the body of the reply, all zero
 * @length: of the reply's body, 0 unless the command's function says otherwise
 */
struct session {
	struct fsfreeze_owner *owner;
	u32 features;
	const void *body;
	u32 more;
	void *reply;
	u32 length;
};

static u16 result_of(int error)
{
	switch (error) {
	case 0:
		return FSFREEZE_RESULT_OK;
	case -EINVAL:
		return FSFREEZE_RESULT_INVALID;
	case -EOPNOTSUPP:
		return FSFREEZE_RESULT_UNSUPPORTED;
	case -EBUSY:
		return FSFREEZE_RESULT_BUSY;
	case -ENOENT:
		return FSFREEZE_RESULT_NOT_FROZEN;
	case -ESHUTDOWN:
		return FSFREEZE_RESULT_UNAVAILABLE;
	default:
		return FSFREEZE_RESULT_FAILED;
	}
}

static int session_info(struct session *session)
{
	struct fsfreeze_msg_info *to = session->reply;
	struct fsfreeze_info info;

	fsfreeze_engine_info(&info);
	to->version = cpu_to_le32(FSFREEZE_WIRE_VERSION);
	to->features = cpu_to_le32(session->features);
	to->default_timeout_ms = cpu_to_le32(info.default_timeout_ms);
	to->max_timeout_ms = cpu_to_le32(info.max_timeout_ms);
	to->holder_kernel = cpu_to_le32(info.holder_kernel);
	strscpy(to->module_version, info.module_version, sizeof(to->module_version));
	strscpy(to->kernel_release, init_uts_ns.name.release, sizeof(to->kernel_release));
	session->length = sizeof(*to);
	return 0;
}

/* Terminated, not empty, and nothing after the end that is to be ignored. */
static bool name_is_valid(const struct fsfreeze_msg_name *name)
{
	size_t length = strnlen(name->name, sizeof(name->name));

	return length && length < sizeof(name->name) &&
	       !memchr_inv(name->name + length, 0, sizeof(name->name) - length);
}

static int session_names(struct session *session, struct fsfreeze_request *request)
{
	u32 i;

	if (!(session->features & BIT(VIRTIO_FSFREEZE_F_LIST)))
		return -EOPNOTSUPP;
	request->names = session->body + sizeof(struct fsfreeze_msg_freeze);
	request->nr_names = session->more / sizeof(*request->names);
	if (!request->nr_names)
		return -EINVAL;
	for (i = 0; i < request->nr_names; i++)
		if (!name_is_valid(&request->names[i]))
			return -EINVAL;
	return 0;
}

static int session_freeze(struct session *session)
{
	const struct fsfreeze_msg_freeze *freeze = session->body;
	struct fsfreeze_request request = { .timeout_ms = le32_to_cpu(freeze->timeout_ms) };
	u32 flags = le32_to_cpu(freeze->flags);
	int error;

	if (freeze->reserved || (session->more && !(flags & FSFREEZE_FREEZE_LIST)))
		return -EINVAL;
	if (flags & ~(FSFREEZE_FREEZE_HOOKS | FSFREEZE_FREEZE_LIST))
		return -EOPNOTSUPP;
	if (flags & FSFREEZE_FREEZE_LIST) {
		error = session_names(session, &request);
		if (error)
			return error;
	}
	if (flags & FSFREEZE_FREEZE_HOOKS) {
		if (!(session->features & BIT(VIRTIO_FSFREEZE_F_HOOKS)))
			return -EOPNOTSUPP;
		request.hook_timeout_ms =
			le32_to_cpu(freeze->hook_timeout_ms) ?: FSFREEZE_HOOK_DEFAULT_MS;
	}
	return fsfreeze_engine_freeze(session->owner, &request);
}

static int session_thaw(struct session *session)
{
	return fsfreeze_engine_thaw(session->owner, FSFREEZE_REASON_REQUEST);
}

static int session_extend(struct session *session)
{
	const struct fsfreeze_msg_extend *extend = session->body;

	return fsfreeze_engine_extend(session->owner, le32_to_cpu(extend->timeout_ms));
}

static u32 put_status(struct fsfreeze_owner *owner, struct fsfreeze_msg_status *to)
{
	struct fsfreeze_status status;

	fsfreeze_engine_status(owner, &status);
	to->state = cpu_to_le32(status.state);
	to->reason = cpu_to_le32(status.reason);
	to->error = cpu_to_le32(status.error);
	to->nr_total = cpu_to_le32(status.nr_total);
	to->nr_frozen = cpu_to_le32(status.nr_frozen);
	to->remaining_ms = cpu_to_le32(status.remaining_ms);
	to->nr_was_frozen = cpu_to_le32(status.nr_was_frozen);
	to->flush_us = cpu_to_le64(status.flush_us);
	to->freeze_us = cpu_to_le64(status.freeze_us);
	to->thaw_us = cpu_to_le64(status.thaw_us);
	strscpy(to->failed, status.failed, sizeof(to->failed));
	return sizeof(*to);
}

static int session_status(struct session *session)
{
	session->length = put_status(session->owner, session->reply);
	return 0;
}

static void put_entry(struct fsfreeze_msg_entry *to, const struct fsfreeze_entry *entry)
{
	to->dev_major = cpu_to_le32(entry->dev_major);
	to->dev_minor = cpu_to_le32(entry->dev_minor);
	to->state = cpu_to_le32(entry->state);
	to->error = cpu_to_le32(entry->error);
	to->rank = cpu_to_le32(entry->rank);
	to->flush_us = cpu_to_le64(entry->flush_us);
	to->freeze_us = cpu_to_le64(entry->freeze_us);
	to->thaw_us = cpu_to_le64(entry->thaw_us);
	strscpy(to->type, entry->type, sizeof(to->type));
	strscpy(to->id, entry->id, sizeof(to->id));
}

/*
 * The engine tells them from the first one on. There are never more than it has
 * already reserved memory for, so one more array of them is no risk.
 */
static int session_report(struct session *session)
{
	const struct fsfreeze_msg_report *report = session->body;
	struct fsfreeze_msg_entries *to = session->reply;
	struct fsfreeze_msg_entry *entry = (void *)(to + 1);
	u32 first = le32_to_cpu(report->first), total, nr, i;
	struct fsfreeze_entry *entries;

	total = fsfreeze_engine_report(session->owner, 0, NULL);
	first = min(first, total);
	nr = min3(le32_to_cpu(report->nr), total - first, (u32)ENTRIES_MAX);
	entries = kvcalloc(max(first + nr, 1U), sizeof(*entries), GFP_NOIO);
	if (!entries)
		return -ENOMEM;
	fsfreeze_engine_report(session->owner, first + nr, entries);
	for (i = 0; i < nr; i++)
		put_entry(&entry[i], &entries[first + i]);
	kvfree(entries);
	to->total = cpu_to_le32(total);
	to->nr = cpu_to_le32(nr);
	session->length = sizeof(*to) + nr * sizeof(*entry);
	return 0;
}

static int session_statistics(struct session *session)
{
	struct fsfreeze_msg_statistics *to = session->reply;
	struct fsfreeze_statistics from;
	unsigned int i;

	fsfreeze_statistics_get(&from);
	to->asker = cpu_to_le32(from.asker);
	to->thaw_reason = cpu_to_le32(from.thaw_reason);
	to->thaw_error = cpu_to_le32(from.thaw_error);
	to->nr_begun = cpu_to_le64(from.nr_begun);
	to->nr_frozen = cpu_to_le64(from.nr_frozen);
	for (i = 0; i < ARRAY_SIZE(from.nr_thawed); i++)
		to->nr_thawed[i] = cpu_to_le64(from.nr_thawed[i]);
	to->longest_flush_us = cpu_to_le64(from.longest_flush_us);
	to->longest_freeze_us = cpu_to_le64(from.longest_freeze_us);
	to->longest_thaw_us = cpu_to_le64(from.longest_thaw_us);
	strscpy(to->asked_by, from.asked_by, sizeof(to->asked_by));
	session->length = sizeof(*to);
	return 0;
}

/* @item: what may follow the body, over and over; nothing when 0 */
static const struct {
	u16 type;
	u16 size;
	u16 item;
	u32 feature;
	int (*function)(struct session *session);
} commands[] = {
	{ FSFREEZE_MSG_INFO, 0, 0, NO_FEATURE, session_info },
	{ FSFREEZE_MSG_FREEZE, sizeof(struct fsfreeze_msg_freeze),
	  sizeof(struct fsfreeze_msg_name), NO_FEATURE, session_freeze },
	{ FSFREEZE_MSG_THAW, 0, 0, NO_FEATURE, session_thaw },
	{ FSFREEZE_MSG_EXTEND, sizeof(struct fsfreeze_msg_extend), 0, VIRTIO_FSFREEZE_F_EXTEND,
	  session_extend },
	{ FSFREEZE_MSG_STATUS, 0, 0, NO_FEATURE, session_status },
	{ FSFREEZE_MSG_REPORT, sizeof(struct fsfreeze_msg_report), 0, VIRTIO_FSFREEZE_F_REPORT,
	  session_report },
	{ FSFREEZE_MSG_STATISTICS, 0, 0, VIRTIO_FSFREEZE_F_STATISTICS, session_statistics },
};

static bool size_is_right(unsigned int i, u32 size)
{
	if (size <= commands[i].size || !commands[i].item)
		return size == commands[i].size;
	return (size - commands[i].size) % commands[i].item == 0;
}

static int session_run(struct session *session, u16 type, u32 size)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (commands[i].type != type)
			continue;
		if (commands[i].feature != NO_FEATURE &&
		    !(session->features & BIT(commands[i].feature)))
			return -EOPNOTSUPP;
		if (!size_is_right(i, size))
			return -EINVAL;
		session->more = size - commands[i].size;
		return commands[i].function(session);
	}
	return -EOPNOTSUPP;
}

static u32 put_header(void *message, u16 type, u16 result, __le32 sequence, u32 body)
{
	struct fsfreeze_msg *header = message;

	header->magic = cpu_to_le32(FSFREEZE_WIRE_MAGIC);
	header->length = cpu_to_le32(sizeof(*header) + body);
	header->type = cpu_to_le16(type);
	header->result = cpu_to_le16(result);
	header->sequence = sequence;
	return sizeof(*header) + body;
}

/**
 * fsfreeze_session_answer - do what the host says
 * @owner: of the freezes; calls for one must come one at a time
 * @features: bits that were negotiated
 * @bytes: a message, in memory that nobody else writes
 * @length: of what came, which the message must say too
 * @reply: room for FSFREEZE_MSG_MAX bytes
 *
 * Return: length of the reply; 0 when what came is no command, and has no answer
 */
u32 fsfreeze_session_answer(struct fsfreeze_owner *owner, u32 features, const void *bytes,
			    u32 length, void *reply)
{
	const struct fsfreeze_msg *header = bytes;
	struct session session = { .owner = owner, .features = features, .body = header + 1 };
	u16 type;
	int error;

	if (length < sizeof(*header) || length > FSFREEZE_MSG_MAX ||
	    header->magic != cpu_to_le32(FSFREEZE_WIRE_MAGIC) ||
	    le32_to_cpu(header->length) != length)
		return 0;
	type = le16_to_cpu(header->type);
	if (header->result || type >= FSFREEZE_MSG_EVENT)
		return 0;
	memset(reply, 0, FSFREEZE_MSG_MAX);
	session.reply = reply + sizeof(*header);
	error = session_run(&session, type, length - sizeof(*header));
	return put_header(reply, type | FSFREEZE_MSG_REPLY, result_of(error), header->sequence,
			  session.length);
}

/**
 * fsfreeze_session_event - say how things are, unasked
 * @owner: of the freeze
 * @event: room for FSFREEZE_MSG_MAX bytes
 *
 * Return: length of the message
 */
u32 fsfreeze_session_event(struct fsfreeze_owner *owner, void *event)
{
	u32 length;

	memset(event, 0, FSFREEZE_MSG_MAX);
	length = put_status(owner, event + sizeof(struct fsfreeze_msg));
	return put_header(event, FSFREEZE_MSG_EVENT, FSFREEZE_RESULT_OK, 0, length);
}
