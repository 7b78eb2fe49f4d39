/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_QMP_H
#define HOST_QMP_H

#include <jansson.h>
#include <stdint.h>

/*
 * QEMU's monitor, on a unix socket that QEMU listens on. One command at a time; events
 * are dropped. All functions return 0 or a negative errno; @end is a time of
 * wait_now_ms().
 */
struct qmp;

/** qmp_connect() - connect and negotiate; qmp_close() the result. */
int qmp_connect(const char *path, int64_t end, struct qmp **qmp);
void qmp_close(struct qmp *qmp);

/**
 * qmp_send() - send a command, whose answer qmp_receive() gets.
 * @arguments: its reference is taken over; may be NULL
 */
int qmp_send(struct qmp *qmp, const char *command, json_t *arguments, int64_t end);

/**
 * qmp_receive() - the answer: @value is what the command returned; json_decref() it.
 *
 * Return: -EREMOTEIO when it is an error, which qmp_error() has in QEMU's words. After
 * -ETIMEDOUT it can be called again.
 */
int qmp_receive(struct qmp *qmp, int64_t end, json_t **value);

/** qmp_call() - both. @value may be NULL. */
int qmp_call(struct qmp *qmp, const char *command, json_t *arguments, int64_t end, json_t **value);

/** qmp_take_over() - in a child: answers to what its parent asked are not taken for its own. */
void qmp_take_over(struct qmp *qmp);

/** qmp_error() - what is wrong, for people, after a function returned @ret. */
const char *qmp_error(const struct qmp *qmp, int ret);

/** qmp_is_running() - whether the virtual processors run. */
int qmp_is_running(struct qmp *qmp, int64_t end, int *running);

#endif
