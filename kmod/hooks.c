// SPDX-License-Identifier: GPL-2.0
#include "hooks.h"

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kref.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/kmod.h>

static char *hook_runner = "/usr/libexec/guest-tools/fsfreeze-hook";
module_param(hook_runner, charp, 0444);
MODULE_PARM_DESC(hook_runner, "program that runs the applications' hooks, \"\" for none");

/**
 * struct hook_run - one call of the runner
 * @ref: of the one who waits, and of the thread that calls
 * @done: the runner has ended
 * @verb: freeze or thaw
 * @timeout: the runner's option
 * @status: as call_usermodehelper() returns it
 */
struct hook_run {
	struct kref ref;
	struct completion done;
	const char *verb;
	char timeout[24];
	int status;
};

static void hook_free(struct kref *ref)
{
	kfree(container_of(ref, struct hook_run, ref));
}

static int hook_thread(void *arg)
{
	static char *environment[] = { "HOME=/", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	struct hook_run *run = arg;
	char *arguments[] = { hook_runner, run->timeout, (char *)run->verb, NULL };

	run->status = call_usermodehelper(hook_runner, arguments, environment, UMH_WAIT_PROC);
	complete(&run->done);
	kref_put(&run->ref, hook_free);
	module_put_and_kthread_exit(0);
	return 0;
}

static struct hook_run *hook_start(const char *verb, u32 timeout_ms)
{
	struct hook_run *run = kzalloc(sizeof(*run), GFP_KERNEL);
	struct task_struct *task;

	if (!run)
		return ERR_PTR(-ENOMEM);
	kref_init(&run->ref);
	kref_get(&run->ref);
	init_completion(&run->done);
	run->verb = verb;
	snprintf(run->timeout, sizeof(run->timeout), "--timeout=%u",
		 DIV_ROUND_UP(timeout_ms, 1000));
	__module_get(THIS_MODULE);
	task = kthread_run(hook_thread, run, "fsfreeze/hook");
	if (IS_ERR(task)) {
		module_put(THIS_MODULE);
		kfree(run);
		return ERR_CAST(task);
	}
	return run;
}

/* An exit status of the runner is no errno; which hook it was, it says itself. */
static int hook_error(const struct hook_run *run)
{
	return run->status > 0 ? -ECANCELED : run->status;
}

/**
 * fsfreeze_hooks_run - have the hooks run, and wait
 * @verb: "freeze", before the first file system is, or "thaw", after the last one
 * @timeout_ms: for all of them together; the runner keeps it. One that does not
 *	is left behind when FSFREEZE_HOOK_GRACE_MS more are over.
 *
 * Return: 0, -ENOENT when there is no runner, -ECANCELED when a hook failed,
 * -ETIMEDOUT, or another negative errno of starting the runner
 */
int fsfreeze_hooks_run(const char *verb, u32 timeout_ms)
{
	unsigned long patience = msecs_to_jiffies(timeout_ms + FSFREEZE_HOOK_GRACE_MS / 2);
	struct hook_run *run;
	int error = -ETIMEDOUT;

	if (!hook_runner[0])
		return -ENOENT;
	run = hook_start(verb, timeout_ms);
	if (IS_ERR(run))
		return PTR_ERR(run);
	if (wait_for_completion_timeout(&run->done, patience))
		error = hook_error(run);
	kref_put(&run->ref, hook_free);
	if (error && error != -ENOENT)
		pr_notice("%s %s: error %d\n", hook_runner, verb, error);
	return error;
}
