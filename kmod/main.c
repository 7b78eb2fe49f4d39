// SPDX-License-Identifier: GPL-2.0
/* The module: its front doors, and what of the rest of the system ends a freeze. */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/suspend.h>

#include "channel.h"
#include "chardev.h"
#include "engine.h"
#include "virtio.h"

/* How long going to sleep or down waits for the thaw. */
#define THAW_WAIT_MS	10000

static int main_suspend(struct notifier_block *block, unsigned long event, void *data)
{
	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		if (fsfreeze_engine_block(FSFREEZE_REASON_SUSPEND, THAW_WAIT_MS))
			return NOTIFY_OK;
		fsfreeze_engine_unblock();
		return notifier_from_errno(-EBUSY);
	default:
		fsfreeze_engine_unblock();
		return NOTIFY_DONE;
	}
}

static int main_reboot(struct notifier_block *block, unsigned long event, void *data)
{
	if (!fsfreeze_engine_block(FSFREEZE_REASON_REBOOT, THAW_WAIT_MS))
		pr_err("going down with file systems frozen\n");
	return NOTIFY_DONE;
}

static struct notifier_block suspend_block = { .notifier_call = main_suspend };
/* Before the drivers beneath the file systems shut down. */
static struct notifier_block reboot_block = { .notifier_call = main_reboot, .priority = 255 };

static int __init main_init(void)
{
	int error;

	error = register_pm_notifier(&suspend_block);
	if (error)
		return error;
	error = register_reboot_notifier(&reboot_block);
	if (error)
		goto unregister_suspend;
	error = fsfreeze_chardev_register();
	if (error)
		goto unregister_reboot;
	error = fsfreeze_virtio_register();
	if (error)
		goto unregister_chardev;
	error = fsfreeze_channel_register();
	if (error)
		goto unregister_virtio;
	return 0;

unregister_virtio:
	fsfreeze_virtio_unregister();
unregister_chardev:
	fsfreeze_chardev_unregister();
unregister_reboot:
	unregister_reboot_notifier(&reboot_block);
unregister_suspend:
	unregister_pm_notifier(&suspend_block);
	return error;
}

/* Every open file and every thread of a freeze holds the module: none is left. */
static void __exit main_exit(void)
{
	fsfreeze_channel_unregister();
	fsfreeze_virtio_unregister();
	fsfreeze_chardev_unregister();
	unregister_reboot_notifier(&reboot_block);
	unregister_pm_notifier(&suspend_block);
}

module_init(main_init);
module_exit(main_exit);

MODULE_DESCRIPTION("Freeze all file systems, and thaw them whatever happens");
MODULE_AUTHOR("The guest-tools project");
MODULE_LICENSE("GPL");
MODULE_VERSION(FSFREEZE_VERSION);
