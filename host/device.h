/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_DEVICE_H
#define HOST_DEVICE_H

#include <jansson.h>
#include <stdbool.h>

/*
 * A guest's kernel, reached through the control socket of its virtio-fsfreeze
 * device's back end, vhost-user-fsfreeze(8), or through a port of the guest that its
 * kernel serves, a socket of QEMU's.
 */
struct device_request {
	int timeout_ms;	 /* for all of it */
	int deadline_ms; /* of a freeze, or to extend it to; 0 for the guest's default */
	int hook_timeout_ms; /* of all hooks of a freeze; 0 for the guest's default */
	bool no_hooks;
	bool channel; /* the socket is a port: what comes first may be of somebody before us */
	const char *const *only; /* ids or device numbers of file systems, NULL-terminated; NULL: all */
};

/**
 * device_freeze() and so on - one thing done, or asked, through @path.
 * @reply: result, an object with a member "return" or "error" as the agent's
 *	replies have; json_decref() it. The error's class is "NoDriver" when there is
 *	none in the guest.
 *
 * freeze and thaw return when it is done, not when it has begun.
 *
 * Return: 0, -ETIMEDOUT when nobody answers in time, or another negative errno.
 */
int device_freeze(const char *path, const struct device_request *request, json_t **reply);
int device_thaw(const char *path, const struct device_request *request, json_t **reply);
int device_extend(const char *path, const struct device_request *request, json_t **reply);
int device_status(const char *path, const struct device_request *request, json_t **reply);
int device_info(const char *path, const struct device_request *request, json_t **reply);

#endif
