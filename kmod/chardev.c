// SPDX-License-Identifier: GPL-2.0
#include "chardev.h"

#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "engine.h"
#include "entry.h"
#include "statistics.h"

/* More file systems than this in one list are a mistake of the caller. */
#define MAX_FDS		65536U

/* Every structure must be at least what the first version of the header had. */
#define FIRST_INFO	56
#define FIRST_FREEZE	24
#define FIRST_STATUS	120
#define FIRST_REPORT	24
#define FIRST_ENTRY	104
#define FIRST_STATISTICS	200

/**
 * struct freeze_file - one open file
 * @owner: of the freezes asked for through it
 * @lock: makes the calls to the engine come one at a time
 * @wait: pollers
 * @changed: since the last STATUS
 * @files: the descriptor table of the process that asked for the freeze
 */
struct freeze_file {
	struct fsfreeze_owner owner;
	struct mutex lock;
	wait_queue_head_t wait;
	bool changed;
	fl_owner_t files;
};

static void file_changed(struct fsfreeze_owner *owner)
{
	struct freeze_file *file = container_of(owner, struct freeze_file, owner);

	WRITE_ONCE(file->changed, true);
	wake_up_interruptible(&file->wait);
}

static int chardev_open(struct inode *inode, struct file *filp)
{
	struct freeze_file *file;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	file = kzalloc(sizeof(*file), GFP_KERNEL);
	if (!file)
		return -ENOMEM;
	mutex_init(&file->lock);
	init_waitqueue_head(&file->wait);
	file->owner.changed = file_changed;
	filp->private_data = file;
	return nonseekable_open(inode, filp);
}

/*
 * A child that inherited the file keeps it open when its parent is killed. If
 * that child is stuck on what is frozen, release never comes: so the death of
 * the process that asked counts as the close. A mere close of one of several
 * descriptors, as a shell's redirection does, is not that.
 */
static int chardev_flush(struct file *filp, fl_owner_t id)
{
	struct freeze_file *file = filp->private_data;

	if (!(current->flags & PF_EXITING) || READ_ONCE(file->files) != id)
		return 0;
	mutex_lock(&file->lock);
	fsfreeze_engine_thaw(&file->owner, FSFREEZE_REASON_CLOSE);
	mutex_unlock(&file->lock);
	return 0;
}

static int chardev_release(struct inode *inode, struct file *filp)
{
	struct freeze_file *file = filp->private_data;

	fsfreeze_engine_release(&file->owner, FSFREEZE_REASON_CLOSE);
	kfree(file);
	return 0;
}

static __poll_t chardev_poll(struct file *filp, poll_table *table)
{
	struct freeze_file *file = filp->private_data;

	poll_wait(filp, &file->wait, table);
	return READ_ONCE(file->changed) ? EPOLLIN | EPOLLRDNORM : 0;
}

/* The size at the start of every structure, as far as we know the structure. */
static long known_size(void __user *arg, u32 first, u32 known)
{
	u32 size;

	if (get_user(size, (u32 __user *)arg))
		return -EFAULT;
	if (size < first)
		return -EINVAL;
	return min(size, known);
}

static long copy_out(void __user *arg, void *from, long size)
{
	*(u32 *)from = size;
	return copy_to_user(arg, from, size) ? -EFAULT : 0;
}

static long ioctl_info(struct freeze_file *file, void __user *arg)
{
	struct fsfreeze_info info;
	long size = known_size(arg, FIRST_INFO, sizeof(info));

	if (size < 0)
		return size;
	fsfreeze_engine_info(&info);
	return copy_out(arg, &info, size);
}

/* The superblock behind a descriptor, with an active reference. */
static struct super_block *super_of_fd(int fd)
{
	struct super_block *sb = ERR_PTR(-EOPNOTSUPP);
	struct file *filp = fget_raw(fd);
	struct inode *inode;

	if (!filp)
		return ERR_PTR(-EBADF);
	inode = file_inode(filp);
	if (inode->i_sb->s_type->fs_flags & FS_REQUIRES_DEV) {
		sb = inode->i_sb;
		if (!atomic_inc_not_zero(&sb->s_active))
			sb = ERR_PTR(-ENODEV);
	}
	fput(filp);
	return sb;
}

static bool super_is_listed(const struct fsfreeze_request *request, struct super_block *sb)
{
	u32 i;

	for (i = 0; i < request->nr_supers; i++)
		if (request->supers[i] == sb)
			return true;
	return false;
}

/* A read-only file system is as quiet as can be: not part of the freeze. */
static int request_add_fd(struct fsfreeze_request *request, int fd)
{
	struct super_block *sb = super_of_fd(fd);

	if (IS_ERR(sb))
		return PTR_ERR(sb);
	if (!fsfreeze_super_eligible(sb) || super_is_listed(request, sb))
		deactivate_super(sb);
	else
		request->supers[request->nr_supers++] = sb;
	return 0;
}

static void request_drop(struct fsfreeze_request *request)
{
	while (request->nr_supers)
		deactivate_super(request->supers[--request->nr_supers]);
}

static int request_add_fds(struct fsfreeze_request *request, const s32 *fds, u32 nr)
{
	u32 i;
	int error;

	request->supers = kvcalloc(nr, sizeof(*request->supers), GFP_KERNEL);
	if (!request->supers)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		error = request_add_fd(request, fds[i]);
		if (error) {
			request_drop(request);
			return error;
		}
	}
	return 0;
}

static int request_from_user(struct fsfreeze_request *request, const struct fsfreeze_freeze *freeze)
{
	size_t size = array_size(freeze->nr_fds, sizeof(s32));
	s32 *fds;
	int error;

	if (freeze->nr_fds > MAX_FDS)
		return -EINVAL;
	fds = kvmalloc(size, GFP_KERNEL);
	if (!fds)
		return -ENOMEM;
	if (copy_from_user(fds, u64_to_user_ptr(freeze->fds), size))
		error = -EFAULT;
	else
		error = request_add_fds(request, fds, freeze->nr_fds);
	kvfree(fds);
	return error;
}

static long ioctl_freeze(struct freeze_file *file, void __user *arg)
{
	struct fsfreeze_request request = {};
	struct fsfreeze_freeze freeze = {};
	long size = known_size(arg, FIRST_FREEZE, sizeof(freeze));
	long error = 0;

	if (size < 0)
		return size;
	if (copy_from_user(&freeze, arg, size))
		return -EFAULT;
	if (freeze.flags)
		return -EINVAL;
	request.timeout_ms = freeze.timeout_ms;
	request.listed = freeze.nr_fds;
	if (freeze.nr_fds)
		error = request_from_user(&request, &freeze);
	if (!error) {
		mutex_lock(&file->lock);
		error = fsfreeze_engine_freeze(&file->owner, &request);
		if (!error)
			WRITE_ONCE(file->files, current->files);
		mutex_unlock(&file->lock);
	}
	kvfree(request.supers);
	return error;
}

static long ioctl_thaw(struct freeze_file *file, void __user *arg)
{
	long error;

	mutex_lock(&file->lock);
	error = fsfreeze_engine_thaw(&file->owner, FSFREEZE_REASON_REQUEST);
	mutex_unlock(&file->lock);
	return error;
}

static long ioctl_extend(struct freeze_file *file, void __user *arg)
{
	u32 timeout_ms;
	long error;

	if (get_user(timeout_ms, (u32 __user *)arg))
		return -EFAULT;
	mutex_lock(&file->lock);
	error = fsfreeze_engine_extend(&file->owner, timeout_ms);
	mutex_unlock(&file->lock);
	return error;
}

/* A change after the flag is cleared sets it again, so none is missed. */
static long ioctl_status(struct freeze_file *file, void __user *arg)
{
	struct fsfreeze_status status;
	long size = known_size(arg, FIRST_STATUS, sizeof(status));

	if (size < 0)
		return size;
	mutex_lock(&file->lock);
	WRITE_ONCE(file->changed, false);
	smp_mb(); /* cleared before the state is read */
	fsfreeze_engine_status(&file->owner, &status);
	mutex_unlock(&file->lock);
	return copy_out(arg, &status, size);
}

static long report_out(const struct fsfreeze_report *report, const struct fsfreeze_entry *entries,
		       u32 nr)
{
	char __user *to = u64_to_user_ptr(report->entries);
	size_t size = min_t(size_t, report->entry_size, sizeof(*entries));
	u32 i;

	for (i = 0; i < nr; i++)
		if (copy_to_user(to + (size_t)i * report->entry_size, &entries[i], size))
			return -EFAULT;
	return 0;
}

static long report_entries(struct freeze_file *file, struct fsfreeze_report *report)
{
	struct fsfreeze_entry *entries;
	u32 total, nr;
	long error;

	mutex_lock(&file->lock);
	total = fsfreeze_engine_report(&file->owner, 0, NULL);
	mutex_unlock(&file->lock);
	nr = min(total, report->nr_entries);
	entries = kvcalloc(max(nr, 1U), sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;
	mutex_lock(&file->lock);
	total = fsfreeze_engine_report(&file->owner, nr, entries);
	mutex_unlock(&file->lock);
	error = report_out(report, entries, min(nr, total));
	report->nr_entries = total;
	kvfree(entries);
	return error;
}

static long ioctl_report(struct freeze_file *file, void __user *arg)
{
	struct fsfreeze_report report = {};
	long size = known_size(arg, FIRST_REPORT, sizeof(report));
	long error;

	if (size < 0)
		return size;
	if (copy_from_user(&report, arg, size))
		return -EFAULT;
	if (report.entry_size < FIRST_ENTRY || report.entry_size > PAGE_SIZE)
		return -EINVAL;
	error = report_entries(file, &report);
	return error ?: copy_out(arg, &report, size);
}

static long ioctl_statistics(struct freeze_file *file, void __user *arg)
{
	struct fsfreeze_statistics statistics;
	long size = known_size(arg, FIRST_STATISTICS, sizeof(statistics));

	if (size < 0)
		return size;
	fsfreeze_statistics_get(&statistics);
	return copy_out(arg, &statistics, size);
}

static const struct {
	unsigned int command;
	long (*function)(struct freeze_file *file, void __user *arg);
} calls[] = {
	{ FSFREEZE_IOC_INFO, ioctl_info },	{ FSFREEZE_IOC_FREEZE, ioctl_freeze },
	{ FSFREEZE_IOC_THAW, ioctl_thaw },	{ FSFREEZE_IOC_EXTEND, ioctl_extend },
	{ FSFREEZE_IOC_STATUS, ioctl_status },	{ FSFREEZE_IOC_REPORT, ioctl_report },
	{ FSFREEZE_IOC_STATISTICS, ioctl_statistics },
};

/* Told apart by number alone, so that structures can grow. */
static long chardev_ioctl(struct file *filp, unsigned int command, unsigned long arg)
{
	unsigned int i;

	if (_IOC_TYPE(command) != FSFREEZE_IOC_MAGIC)
		return -ENOTTY;
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (_IOC_NR(calls[i].command) == _IOC_NR(command))
			return calls[i].function(filp->private_data, (void __user *)arg);
	return -ENOTTY;
}

static const struct file_operations chardev_operations = {
	.owner = THIS_MODULE,
	.open = chardev_open,
	.flush = chardev_flush,
	.release = chardev_release,
	.poll = chardev_poll,
	.unlocked_ioctl = chardev_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice chardev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "fsfreeze",
	.mode = 0600,
	.fops = &chardev_operations,
};

int fsfreeze_chardev_register(void)
{
	BUILD_BUG_ON(sizeof(struct fsfreeze_info) < FIRST_INFO);
	BUILD_BUG_ON(sizeof(struct fsfreeze_freeze) < FIRST_FREEZE);
	BUILD_BUG_ON(sizeof(struct fsfreeze_status) < FIRST_STATUS);
	BUILD_BUG_ON(sizeof(struct fsfreeze_report) < FIRST_REPORT);
	BUILD_BUG_ON(sizeof(struct fsfreeze_entry) < FIRST_ENTRY);
	BUILD_BUG_ON(sizeof(struct fsfreeze_statistics) < FIRST_STATISTICS);
	return misc_register(&chardev);
}

void fsfreeze_chardev_unregister(void)
{
	misc_deregister(&chardev);
}
