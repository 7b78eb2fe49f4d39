/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_MESSAGE_H
#define HOST_MESSAGE_H

#include <linux/virtio_fsfreeze.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The messages between host and guest, over whatever carries them. What is read
 * here comes from a guest: it is bounded, checked, and turned into numbers of
 * this machine and into text that can be printed.
 */

/**
 * message_make() - put a message together.
 * @to: room for FSFREEZE_MSG_MAX bytes
 * @body: what follows the header, @size bytes of it
 *
 * Return: length of the message.
 */
size_t message_make(void *to, uint16_t type, uint16_t result, uint32_t sequence, const void *body,
		    size_t size);

/**
 * message_framed() - find the end of the message that @bytes begin with.
 * @have: how many bytes there are
 *
 * Return: its length; 0 when more bytes are needed to have all of it; -EBADMSG
 * when this is no message and never will be.
 */
ssize_t message_framed(const void *bytes, size_t have);

/* Of a message that message_framed() has found. */
uint16_t message_type(const void *message);
uint16_t message_result(const void *message);
uint32_t message_sequence(const void *message);
size_t message_body_size(const void *message);
const void *message_body(const void *message);
void message_set_sequence(void *message, uint32_t sequence);

/* Each returns 0, or -EBADMSG when the body is not what it should be. */
int message_get_info(const void *message, struct fsfreeze_msg_info *info);
int message_get_status(const void *message, struct fsfreeze_status *status);
int message_get_statistics(const void *message, struct fsfreeze_statistics *statistics);
int message_get_entries(const void *message, uint32_t *total, uint32_t *nr);
/* @i must be below the number that message_get_entries() found. */
void message_get_entry(const void *message, uint32_t i, struct fsfreeze_entry *entry);

/* For people; never NULL. */
const char *message_state_name(uint32_t state);
const char *message_reason_name(uint32_t reason);
const char *message_result_name(uint16_t result);
const char *message_entry_state_name(uint32_t state);
const char *message_asker_name(uint32_t asker);

#endif
