/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before everything else. Gives older kernels what the driver, which
 * is written for the current one, uses; what there is was found out by trying
 * (probes.c), not by version number.
 */
#ifndef FSFREEZE_COMPAT_H
#define FSFREEZE_COMPAT_H

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "compat-config.h"

#ifndef FSFREEZE_MISSING

#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/virtio_config.h>

/* freeze_super() has learned to count holders, and then who they are. */
#if !defined(HAVE_FREEZE_OWNER)
#define FSFREEZE_COMPAT_SUPER
#if !defined(HAVE_FREEZE_HOLDER)
#define FSFREEZE_HELD_AS_KERNEL	0
#define COMPAT_HOLDER
#elif defined(HAVE_FREEZE_MAY_NEST)
#define COMPAT_HOLDER	, FREEZE_HOLDER_KERNEL | FREEZE_MAY_NEST
#else
#define COMPAT_HOLDER	, FREEZE_HOLDER_KERNEL
#endif

static inline int super_freeze(struct super_block *sb)
{
	if (sb->s_op->freeze_super)
		return sb->s_op->freeze_super(sb COMPAT_HOLDER);
	return freeze_super(sb COMPAT_HOLDER);
}

/* How often it is held as kernel. */
static inline int compat_holds(struct super_block *sb)
{
#if defined(HAVE_FREEZE_KCOUNT)
	return READ_ONCE(sb->s_writers.freeze_kcount);
#elif defined(HAVE_FREEZE_HOLDERS)
	return READ_ONCE(sb->s_writers.freeze_holders) & FREEZE_HOLDER_KERNEL;
#else
	return 0;
#endif
}

/* With another holder left, our hold is gone and yet the answer was EINVAL. */
static inline int super_thaw(struct super_block *sb)
{
	int holds = compat_holds(sb), error;

	if (sb->s_op->thaw_super)
		error = sb->s_op->thaw_super(sb COMPAT_HOLDER);
	else
		error = thaw_super(sb COMPAT_HOLDER);
	return error == -EINVAL && compat_holds(sb) < holds ? 0 : error;
}
#endif

/* The list of file system types was a plain one. */
#if !defined(HAVE_TYPE_HLIST)
#define FSFREEZE_COMPAT_NEXT_TYPE
static inline struct file_system_type *next_type(struct file_system_type *type)
{
	return READ_ONCE(type->next);
}
#endif

#ifndef HAVE_SB_RDONLY
static inline bool sb_rdonly(const struct super_block *sb)
{
	return sb->s_flags & MS_RDONLY;
}
#endif

#ifndef HAVE_KERNEL_NOFAULT
#define get_kernel_nofault(to, from) probe_kernel_read(&(to), (from), sizeof(to))
#endif

#ifndef HAVE_MODULE_PUT_AND_KTHREAD_EXIT
#define module_put_and_kthread_exit(code) module_put_and_exit(code)
#endif

/* Exported, but no header for modules declares them. */
#if defined(HAVE_RCU_EXPEDITE_GP) && !defined(CONFIG_TINY_RCU)
void rcu_expedite_gp(void);
void rcu_unexpedite_gp(void);
#else
static inline void rcu_expedite_gp(void)
{
}
static inline void rcu_unexpedite_gp(void)
{
}
#endif

#ifndef HAVE_POLL_T
typedef unsigned int __poll_t;
#ifndef EPOLLIN
#define EPOLLIN		POLLIN
#define EPOLLRDNORM	POLLRDNORM
#endif
#endif

/* Numbers and structures are the same for both, so nothing is converted. */
#ifndef HAVE_COMPAT_PTR_IOCTL
#define compat_ptr_ioctl NULL
#endif

#ifndef HAVE_KVCALLOC
#define kvcalloc(nr, size, flags) kcalloc(nr, size, flags)
#define kvmalloc(size, flags) kmalloc(size, flags)
#endif

#ifndef HAVE_STRSCPY
#define strscpy strlcpy
#endif

#ifndef HAVE_U64_TO_USER_PTR
#define u64_to_user_ptr(from) ((void __user *)(uintptr_t)(from))
#endif

#ifndef IS_REACHABLE
#define IS_REACHABLE(option) IS_ENABLED(option)
#endif

/* What a queue is called and calls came in arrays of their own. */
#ifndef HAVE_VIRTQUEUE_INFO
#define COMPAT_QUEUES_MAX	4
struct virtqueue_info {
	const char *name;
	vq_callback_t *callback;
};

static inline int compat_find_vqs(struct virtio_device *device, unsigned int nr,
				  struct virtqueue *vqs[], struct virtqueue_info infos[])
{
	vq_callback_t *callbacks[COMPAT_QUEUES_MAX];
	const char *names[COMPAT_QUEUES_MAX];
	unsigned int i;

	for (i = 0; i < nr && i < COMPAT_QUEUES_MAX; i++) {
		callbacks[i] = infos[i].callback;
		names[i] = infos[i].name;
	}
#ifdef HAVE_VIRTIO_FIND_VQS
	return virtio_find_vqs(device, nr, vqs, callbacks, names, NULL);
#else
	return device->config->find_vqs(device, nr, vqs, callbacks, names);
#endif
}
#define virtio_find_vqs(device, nr, vqs, infos, affinity) compat_find_vqs(device, nr, vqs, infos)
#endif

#ifndef HAVE_VIRTIO_RESET_DEVICE
#define virtio_reset_device(device) ((device)->config->reset(device))
#endif

/* Opening a tty in the kernel was called otherwise, and is missing before 4.15. */
#if defined(HAVE_TTY_KOPEN_EXCLUSIVE)
#define HAVE_TTY_KOPEN
#elif defined(HAVE_TTY_KOPEN_ANY)
#define HAVE_TTY_KOPEN
#define tty_kopen_exclusive(dev) tty_kopen(dev)
#endif

/* A line discipline's number, and the types of what it gets. */
#ifndef N_DEVELOPMENT
#define N_DEVELOPMENT	29
#endif
#ifdef HAVE_LDISC_NUM
#define compat_register_ldisc(ops)	tty_register_ldisc(ops)
#define compat_unregister_ldisc(ops)	tty_unregister_ldisc(ops)
#else
#define compat_register_ldisc(ops)	tty_register_ldisc(N_DEVELOPMENT, ops)
#define compat_unregister_ldisc(ops)	tty_unregister_ldisc(N_DEVELOPMENT)
#endif
#define COMPAT_LDISC_BYTE	unsigned char
#if defined(HAVE_LDISC_U8)
#define COMPAT_LDISC_FLAGS	const u8
#define COMPAT_LDISC_COUNT	size_t
#elif defined(HAVE_LDISC_CONST)
#define COMPAT_LDISC_FLAGS	const char
#define COMPAT_LDISC_COUNT	int
#else
#define COMPAT_LDISC_FLAGS	char
#define COMPAT_LDISC_COUNT	int
#endif

#endif /* FSFREEZE_MISSING */
#endif
