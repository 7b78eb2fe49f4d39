/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "snapshot.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wait.h"

/* How often a wait looks whether the guest's deadline is to be moved. */
#define SLICE_MS 500
/* Between asking a command to end and ending it. */
#define TERM_GRACE_MS 5000

struct snapshot {
	const struct snapshot_request *request;
	struct qmp *qmp;
	struct disks disks;
	struct quiesce quiesce;
	char *why;
};

/* Only the first failure is the cause; what follows from it is said, too. */
static int failed(struct snapshot *snapshot, int ret, const char *why)
{
	char *before = snapshot->why;

	if (asprintf(&snapshot->why, "%s%s%s", before ? before : "", before ? "; " : "", why) < 0)
		snapshot->why = before;
	else
		free(before);
	return ret;
}

static int failed_at(struct snapshot *snapshot, int ret, const char *what, const char *why)
{
	char text[512];

	snprintf(text, sizeof(text), "cannot %s: %s", what, why);
	return failed(snapshot, ret, text);
}

/* --- QEMU's own snapshots ----------------------------------------------- */

/* It is not given up half way: whether there is a snapshot must be known. */
static int await_answer(struct snapshot *snapshot, int64_t end)
{
	json_t *value = NULL;
	int ret;

	do {
		int64_t slice = wait_now_ms() + SLICE_MS;

		json_decref(value);
		ret = qmp_receive(snapshot->qmp, slice < end ? slice : end, &value);
		quiesce_keep(&snapshot->quiesce);
	} while (ret == -ETIMEDOUT && wait_now_ms() < end);
	json_decref(value);
	return ret;
}

static int run_transaction(struct snapshot *snapshot)
{
	int64_t end = wait_now_ms() + snapshot->request->quiesce.timeout_ms;
	int ret;

	wait_shield(true);
	ret = qmp_send(snapshot->qmp, "transaction",
		       json_pack("{s:O}", "actions", snapshot->disks.actions), end);
	if (ret == 0)
		ret = await_answer(snapshot, end);
	wait_shield(false);
	if (ret == 0)
		return 0;
	if (ret == -EREMOTEIO) /* QEMU has undone it; else it may still be at it */
		disks_remove_files(&snapshot->disks);
	return failed_at(snapshot, ret, "snapshot", qmp_error(snapshot->qmp, ret));
}

/* --- a command ---------------------------------------------------------- */

static pid_t start_command(const struct snapshot *snapshot)
{
	char **argv = snapshot->request->command;
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	setpgid(0, 0);
	wait_release_signals();
	if (snapshot->request->quiet_command)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	execvp(argv[0], argv);
	fprintf(stderr, "fsfreezectl: cannot run %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* With all it has started. */
static void end_command(pid_t pid)
{
	int status;

	wait_shield(true);
	kill(-pid, SIGTERM);
	if (wait_for_child(pid, wait_now_ms() + TERM_GRACE_MS, &status) < 0) {
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	wait_shield(false);
}

static int command_result(struct snapshot *snapshot, int status)
{
	char text[64];

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status))
		snprintf(text, sizeof(text), "it failed with status %d", WEXITSTATUS(status));
	else
		snprintf(text, sizeof(text), "it was killed by signal %d", WTERMSIG(status));
	return failed_at(snapshot, -EREMOTEIO, "snapshot by the command", text);
}

static int run_command(struct snapshot *snapshot)
{
	int64_t end = wait_now_ms() + snapshot->request->quiesce.timeout_ms;
	pid_t pid = start_command(snapshot);
	int status, ret;

	if (pid < 0)
		return failed_at(snapshot, -errno, "run the command", strerror(errno));
	setpgid(pid, pid);
	do {
		int64_t slice = wait_now_ms() + SLICE_MS;

		ret = wait_for_child(pid, slice < end ? slice : end, &status);
		quiesce_keep(&snapshot->quiesce);
	} while (ret == -ETIMEDOUT && wait_now_ms() < end);
	if (ret == 0)
		return command_result(snapshot, status);
	end_command(pid);
	return failed_at(snapshot, ret, "snapshot by the command",
			 ret == -EINTR ? "interrupted" : strerror(-ret));
}

/* --- all of it ---------------------------------------------------------- */

static int prepare(struct snapshot *snapshot)
{
	const struct snapshot_request *request = snapshot->request;
	int64_t end = wait_now_ms() + request->quiesce.timeout_ms;
	int ret = qmp_connect(request->qmp, end, &snapshot->qmp);

	if (ret < 0)
		return failed_at(snapshot, ret == -EINTR ? ret : -ENOTCONN, "speak to QEMU", strerror(-ret));
	if (request->command)
		return 0;
	ret = disks_plan(&snapshot->disks, &request->disks, snapshot->qmp, end);
	return ret < 0 ? failed(snapshot, ret, snapshot->disks.why) : 0;
}

static int take(struct snapshot *snapshot)
{
	struct quiesce *quiesce = &snapshot->quiesce;
	int ret = quiesce_begin(quiesce, &snapshot->request->quiesce, snapshot->qmp);
	int ended;

	if (ret < 0)
		return failed(snapshot, ret, quiesce->why);
	ret = snapshot->request->command ? run_command(snapshot) : run_transaction(snapshot);
	ended = quiesce_end(quiesce);
	if (ended < 0)
		failed(snapshot, ended, quiesce->why);
	if (ret == 0 && ended < 0)
		ret = failed(snapshot, -ESTALE, "do not use the snapshot: it may not be consistent");
	return ret;
}

static json_t *describe(const struct snapshot *snapshot, bool consistent)
{
	const struct quiesce *quiesce = &snapshot->quiesce;
	json_t *disks = snapshot->disks.names;

	return json_pack("{s:s, s:s, s:I, s:I, s:O*}", "consistency",
			 !consistent			    ? "none" :
			 quiesce_is_frozen(quiesce) ? "filesystem" :
							      "crash",
			 "by", quiesce_name(quiesce), "filesystems", (json_int_t)quiesce->nr_frozen,
			 "quiet-ms", (json_int_t)(quiesce->ended - quiesce->began), "disks", disks);
}

int snapshot_take(const struct snapshot_request *request, json_t **result, char **why)
{
	struct snapshot snapshot = { .request = request };
	int ret;

	*result = NULL;
	wait_catch_signals();
	ret = prepare(&snapshot);
	if (ret == 0)
		ret = take(&snapshot);
	if (ret == 0 || ret == -ESTALE)
		*result = describe(&snapshot, ret == 0);
	disks_clear(&snapshot.disks);
	qmp_close(snapshot.qmp);
	*why = snapshot.why;
	return ret;
}
