/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "qmp.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream.h"

struct qmp {
	struct stream stream;
	json_int_t sequence; /* the id of the last command */
	char error[256];
};

static int greet(struct qmp *qmp, int64_t end)
{
	json_t *greeting = NULL;
	int ret = stream_receive(&qmp->stream, end, &greeting);

	if (ret == 0 && !json_is_object(json_object_get(greeting, "QMP")))
		ret = -EPROTO;
	json_decref(greeting);
	return ret == 0 ? qmp_call(qmp, "qmp_capabilities", NULL, end, NULL) : ret;
}

int qmp_connect(const char *path, int64_t end, struct qmp **result)
{
	struct qmp *qmp = calloc(1, sizeof(*qmp));
	int ret;

	if (!qmp)
		return -ENOMEM;
	ret = stream_connect(&qmp->stream, path, end);
	if (ret == 0)
		ret = greet(qmp, end);
	if (ret < 0)
		qmp_close(qmp);
	else
		*result = qmp;
	return ret;
}

void qmp_close(struct qmp *qmp)
{
	if (!qmp)
		return;
	stream_close(&qmp->stream);
	free(qmp);
}

int qmp_send(struct qmp *qmp, const char *command, json_t *arguments, int64_t end)
{
	json_t *object = json_pack("{s:s, s:o*, s:I}", "execute", command, "arguments", arguments,
				   "id", ++qmp->sequence);

	return stream_send(&qmp->stream, object, end);
}

/* The answer to the last command; those before it were given up. */
static bool is_answer(const struct qmp *qmp, const json_t *object)
{
	return json_integer_value(json_object_get(object, "id")) == qmp->sequence;
}

int qmp_receive(struct qmp *qmp, int64_t end, json_t **value)
{
	const char *text;
	json_t *object;
	int ret;

	*value = NULL;
	do {
		object = NULL;
		ret = stream_receive(&qmp->stream, end, &object);
		if (ret == 0 && is_answer(qmp, object))
			break;
		json_decref(object);
	} while (ret == 0);
	if (ret < 0)
		return ret;
	*value = json_incref(json_object_get(object, "return"));
	text = json_string_value(json_object_get(json_object_get(object, "error"), "desc"));
	if (!*value)
		ret = text ? -EREMOTEIO : -EPROTO;
	snprintf(qmp->error, sizeof(qmp->error), "%s", text ? text : "");
	json_decref(object);
	return ret;
}

int qmp_call(struct qmp *qmp, const char *command, json_t *arguments, int64_t end, json_t **value)
{
	json_t *unused = NULL;
	int ret = qmp_send(qmp, command, arguments, end);

	if (ret == 0)
		ret = qmp_receive(qmp, end, value ? value : &unused);
	json_decref(unused);
	return ret;
}

void qmp_take_over(struct qmp *qmp)
{
	qmp->sequence += 1 << 20;
}

const char *qmp_error(const struct qmp *qmp, int ret)
{
	return ret == -EREMOTEIO && qmp ? qmp->error : strerror(-ret);
}

int qmp_is_running(struct qmp *qmp, int64_t end, int *running)
{
	json_t *status = NULL;
	int ret = qmp_call(qmp, "query-status", NULL, end, &status);

	if (ret == 0 && json_unpack(status, "{s:b}", "running", running) < 0)
		ret = -EPROTO;
	json_decref(status);
	return ret;
}
