/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "quiesce.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "wait.h"

/* Whoever is there answers a question that costs nothing in this time. */
#define PRESENCE_MS 5000
/* The guest goes on, however long QEMU takes. */
#define CONTINUE_MS 60000

/* A way that the guest has not. */
#define ABSENT 1

/* Each returns 0, a negative errno, or begin() ABSENT; what is wrong is put into why. */
struct quiesce_way {
	const char *name;
	bool freezes;
	int (*begin)(struct quiesce *quiesce);
	void (*keep)(struct quiesce *quiesce); /* NULL: there is no deadline */
	int (*end)(struct quiesce *quiesce);
};

static int failed(struct quiesce *quiesce, int ret, const char *what, const char *why)
{
	snprintf(quiesce->why, sizeof(quiesce->why), "cannot %s: %s", what, why);
	return ret;
}

static const char *error_text(const json_t *reply)
{
	const char *text = json_string_value(
		json_object_get(json_object_get(reply, "error"), "desc"));

	return text ? text : "no reason given";
}

static bool error_is(const json_t *reply, const char *class)
{
	const char *have = json_string_value(
		json_object_get(json_object_get(reply, "error"), "class"));

	return have && !strcmp(have, class);
}

static int absent(const char *way, const char *why)
{
	fprintf(stderr, "fsfreezectl: the %s cannot freeze the guest: %s\n", way, why);
	return ABSENT;
}

/* --- the guest's kernel ------------------------------------------------- */

static struct device_request device_request(const struct quiesce *quiesce)
{
	return (struct device_request){
		.timeout_ms = quiesce->request->timeout_ms,
		.deadline_ms = quiesce->request->deadline_ms,
		.hook_timeout_ms = quiesce->request->hook_timeout_ms,
		.no_hooks = quiesce->request->no_hooks,
		.channel = quiesce->request->channel,
	};
}

/* A freeze that is not known to stand must not stand. */
static void device_undo(struct quiesce *quiesce)
{
	struct device_request request = device_request(quiesce);
	json_t *reply = NULL;

	wait_shield(true);
	device_thaw(quiesce->request->device, &request, &reply);
	wait_shield(false);
	json_decref(reply);
}

static int device_is_absent(struct quiesce *quiesce)
{
	struct device_request request = device_request(quiesce);
	json_t *reply = NULL;
	int ret;

	request.timeout_ms = PRESENCE_MS;
	ret = device_status(quiesce->request->device, &request, &reply);
	if (ret < 0 && ret != -EINTR)
		ret = absent("kernel", strerror(-ret));
	else if (ret == 0 && error_is(reply, "NoDriver"))
		ret = absent("kernel", error_text(reply));
	json_decref(reply);
	return ret;
}

static int device_begin(struct quiesce *quiesce)
{
	struct device_request request = device_request(quiesce);
	json_t *reply = NULL;
	int ret;

	if (!quiesce->request->device)
		return ABSENT;
	ret = device_is_absent(quiesce);
	if (ret != 0)
		return ret;
	ret = device_freeze(quiesce->request->device, &request, &reply);
	if (ret < 0) {
		device_undo(quiesce);
		ret = failed(quiesce, ret, "freeze by the kernel", strerror(-ret));
	} else if (json_object_get(reply, "error")) {
		ret = failed(quiesce, -EREMOTEIO, "freeze by the kernel", error_text(reply));
	}
	quiesce->nr_frozen = json_integer_value(json_object_get(reply, "return"));
	json_decref(reply);
	return ret;
}

static void device_keep(struct quiesce *quiesce)
{
	struct device_request request = device_request(quiesce);
	json_t *reply = NULL;

	request.timeout_ms = PRESENCE_MS;
	device_extend(quiesce->request->device, &request, &reply);
	json_decref(reply);
}

static int device_end(struct quiesce *quiesce)
{
	struct device_request request = device_request(quiesce);
	json_t *reply = NULL;
	int ret = device_thaw(quiesce->request->device, &request, &reply);

	if (ret < 0)
		ret = failed(quiesce, ret, "thaw by the kernel", strerror(-ret));
	else if (json_object_get(reply, "error"))
		ret = failed(quiesce, -ESTALE, "thaw by the kernel", error_text(reply));
	json_decref(reply);
	return ret;
}

/* --- the guest's agent -------------------------------------------------- */

static int call_agent(struct quiesce *quiesce, const char *command, json_t **reply)
{
	return agent_call(quiesce->agent, command, NULL, quiesce->request->timeout_ms, reply);
}

static void close_agent(struct quiesce *quiesce)
{
	agent_close(quiesce->agent);
	quiesce->agent = NULL;
}

static int agent_end(struct quiesce *quiesce)
{
	json_t *reply = NULL;
	int ret = call_agent(quiesce, "guest-fsfreeze-thaw", &reply);
	long long nr = json_integer_value(json_object_get(reply, "return"));

	if (ret < 0)
		ret = failed(quiesce, ret, "thaw by the agent", strerror(-ret));
	else if (json_object_get(reply, "error"))
		ret = failed(quiesce, -ESTALE, "thaw by the agent", error_text(reply));
	else if (nr == 0 && quiesce->nr_frozen > 0) /* all that the QEMU guest agent says of it */
		ret = failed(quiesce, -ESTALE, "thaw by the agent", "somebody else had thawed it");
	json_decref(reply);
	close_agent(quiesce);
	return ret;
}

/* What is not frozen is thawed all the same: the hooks, and the QEMU agent's state. */
static int agent_undo(struct quiesce *quiesce, int ret, const char *why)
{
	wait_shield(true);
	if (ret < 0 && ret != -EREMOTEIO)
		agent_distrust(quiesce->agent);
	agent_end(quiesce);
	wait_shield(false);
	if (ret == ABSENT)
		return absent("agent", why);
	return failed(quiesce, ret, "freeze by the agent", why);
}

static int agent_begin(struct quiesce *quiesce)
{
	json_t *reply = NULL;
	int ret;

	if (!quiesce->request->agent)
		return ABSENT;
	ret = agent_connect(quiesce->request->agent, PRESENCE_MS, &quiesce->agent);
	if (ret == -EINTR)
		return ret;
	if (ret < 0)
		return absent("agent", strerror(-ret));
	ret = call_agent(quiesce, "guest-fsfreeze-freeze", &reply);
	quiesce->nr_frozen = json_integer_value(json_object_get(reply, "return"));
	if (ret < 0)
		ret = agent_undo(quiesce, ret, strerror(-ret));
	else if (error_is(reply, "CommandNotFound"))
		ret = agent_undo(quiesce, ABSENT, error_text(reply));
	else if (json_object_get(reply, "error"))
		ret = agent_undo(quiesce, -EREMOTEIO, error_text(reply));
	else if (quiesce->nr_frozen == 0)
		ret = agent_undo(quiesce, ABSENT, "no file system can be frozen");
	json_decref(reply);
	return ret;
}

/* The QEMU guest agent has no such command, and no deadline to move. */
static void agent_keep(struct quiesce *quiesce)
{
	json_t *reply = NULL;

	agent_call(quiesce->agent, "guest-tools-fsfreeze-extend",
		   json_pack("{s:i}", "timeout", quiesce->request->deadline_ms / 1000), PRESENCE_MS,
		   &reply);
	json_decref(reply);
}

/* --- the virtual processors --------------------------------------------- */

static int stop_begin(struct quiesce *quiesce)
{
	int64_t end = wait_now_ms() + quiesce->request->timeout_ms;
	int ret = qmp_is_running(quiesce->qmp, end, &quiesce->was_running);

	/* One that somebody has paused is quiet, and stays paused. */
	if (ret == 0 && !quiesce->was_running)
		return 0;
	if (ret == 0)
		ret = guard_start(&quiesce->guard, quiesce->qmp);
	if (ret < 0)
		return failed(quiesce, ret, "stop the guest", qmp_error(quiesce->qmp, ret));
	ret = qmp_call(quiesce->qmp, "stop", NULL, end, NULL);
	if (ret == 0)
		return 0;
	failed(quiesce, ret, "stop the guest", qmp_error(quiesce->qmp, ret));
	wait_shield(true);
	qmp_call(quiesce->qmp, "cont", NULL, wait_now_ms() + CONTINUE_MS, NULL);
	wait_shield(false);
	guard_end(&quiesce->guard);
	return ret;
}

static int stop_end(struct quiesce *quiesce)
{
	int ret;

	if (!quiesce->was_running)
		return 0;
	ret = qmp_call(quiesce->qmp, "cont", NULL, wait_now_ms() + CONTINUE_MS, NULL);
	if (ret == 0)
		guard_end(&quiesce->guard); /* else it has one try more */
	return ret < 0 ? failed(quiesce, ret, "let the guest go on", qmp_error(quiesce->qmp, ret)) : 0;
}

/* --- all of them -------------------------------------------------------- */

/* The best one first. */
static const struct quiesce_way ways[] = {
	{ "kernel", true, device_begin, device_keep, device_end },
	{ "agent", true, agent_begin, agent_keep, agent_end },
	{ "stop", false, stop_begin, NULL, stop_end },
};

#define N_WAYS  (sizeof(ways) / sizeof(ways[0]))
#define FROZEN  "frozen"

static bool is_allowed(const struct quiesce_way *way, const char *require)
{
	return !require || !strcmp(require, way->name) || (way->freezes && !strcmp(require, FROZEN));
}

bool quiesce_is_level(const char *name)
{
	for (size_t i = 0; i < N_WAYS; i++)
		if (is_allowed(&ways[i], name))
			return true;
	return false;
}

const char *quiesce_name(const struct quiesce *quiesce)
{
	return quiesce->way->freezes || quiesce->was_running ? quiesce->way->name : "paused";
}

bool quiesce_is_frozen(const struct quiesce *quiesce)
{
	return quiesce->way->freezes;
}

static void plan_keep(struct quiesce *quiesce)
{
	quiesce->next_keep = wait_now_ms() + quiesce->request->deadline_ms / 3;
}

int quiesce_begin(struct quiesce *quiesce, const struct quiesce_request *request, struct qmp *qmp)
{
	int ret = ABSENT;

	*quiesce = (struct quiesce){ .request = request, .qmp = qmp };
	for (size_t i = 0; i < N_WAYS && ret == ABSENT; i++) {
		if (!is_allowed(&ways[i], request->require))
			continue;
		quiesce->way = &ways[i];
		ret = ways[i].begin(quiesce);
	}
	if (ret == ABSENT)
		ret = failed(quiesce, -EOPNOTSUPP, "make the guest quiet as required",
			     "it has no such way");
	if (ret == -EINTR)
		failed(quiesce, ret, "make the guest quiet", "interrupted");
	quiesce->began = wait_now_ms();
	plan_keep(quiesce);
	return ret;
}

void quiesce_keep(struct quiesce *quiesce)
{
	if (!quiesce->way->keep || wait_now_ms() < quiesce->next_keep)
		return;
	quiesce->way->keep(quiesce);
	plan_keep(quiesce);
}

int quiesce_end(struct quiesce *quiesce)
{
	int ret;

	quiesce->ended = wait_now_ms();
	wait_shield(true);
	ret = quiesce->way->end(quiesce);
	wait_shield(false);
	return ret;
}
