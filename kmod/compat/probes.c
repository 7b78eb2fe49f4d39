// SPDX-License-Identifier: GPL-2.0
/*
 * What a kernel has, asked of its compiler: all in one go, without producing
 * anything. Each probe is a piece of source named by a line directive, and what
 * the compiler objects to in it is absent. Read by probe.sh, see there.
 */
#include <linux/blkdev.h>
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/kernfs.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tty.h>
#include <linux/tty_ldisc.h>
#include <linux/uaccess.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

# 1 "HAVE_FREEZE_ONE_ARGUMENT"
int probe_one(struct super_block *sb);
int probe_one(struct super_block *sb) { return freeze_super(sb) | thaw_super(sb); }
# 1 "HAVE_FREEZE_HOLDER"
int probe_holder(struct super_block *sb);
int probe_holder(struct super_block *sb)
{ return freeze_super(sb, FREEZE_HOLDER_KERNEL) | thaw_super(sb, FREEZE_HOLDER_KERNEL); }
# 1 "HAVE_FREEZE_OWNER"
int probe_owner(struct super_block *sb);
int probe_owner(struct super_block *sb)
{ return freeze_super(sb, FREEZE_HOLDER_KERNEL, sb) | thaw_super(sb, FREEZE_HOLDER_KERNEL, sb); }
# 1 "HAVE_FREEZE_MAY_NEST"
int probe_nest(void);
int probe_nest(void) { return FREEZE_MAY_NEST; }
# 1 "HAVE_FREEZE_KCOUNT"
int probe_kcount(struct super_block *sb);
int probe_kcount(struct super_block *sb) { return sb->s_writers.freeze_kcount; }
# 1 "HAVE_FREEZE_HOLDERS"
int probe_holders(struct super_block *sb);
int probe_holders(struct super_block *sb) { return sb->s_writers.freeze_holders; }
# 1 "HAVE_FREEZE_OPERATION"
bool probe_operation(struct super_block *sb);
bool probe_operation(struct super_block *sb)
{ return sb->s_op->freeze_super && sb->s_op->thaw_super; }
# 1 "HAVE_FREEZE_COMPLETE"
bool probe_complete(struct super_block *sb);
bool probe_complete(struct super_block *sb) { return sb->s_writers.frozen == SB_FREEZE_COMPLETE; }
# 1 "HAVE_ITERATE_SUPERS_TYPE"
void probe_iterate(struct file_system_type *t, void (*f)(struct super_block *, void *));
void probe_iterate(struct file_system_type *t, void (*f)(struct super_block *, void *))
{ iterate_supers_type(t, f, NULL); }
# 1 "HAVE_TYPE_HLIST"
struct hlist_node *probe_hlist(struct file_system_type *type);
struct hlist_node *probe_hlist(struct file_system_type *type) { return type->list.next; }
# 1 "HAVE_TYPE_NEXT"
struct file_system_type *probe_next(struct file_system_type *type);
struct file_system_type *probe_next(struct file_system_type *type) { return type->next; }
# 1 "HAVE_INODE_LIST_LOCK"
struct list_head *probe_inodes(struct super_block *sb);
struct list_head *probe_inodes(struct super_block *sb)
{ spin_lock(&sb->s_inode_list_lock); return &sb->s_inodes; }
# 1 "HAVE_SLAVE_DIR"
struct kernfs_node *probe_slaves(struct gendisk *disk);
struct kernfs_node *probe_slaves(struct gendisk *disk)
{
	return RB_EMPTY_ROOT(&disk->slave_dir->sd->dir.children) ? NULL :
		kernfs_find_and_get(disk->slave_dir->sd, "");
}
# 1 "HAVE_SB_RDONLY"
bool probe_rdonly(struct super_block *sb);
bool probe_rdonly(struct super_block *sb) { return sb_rdonly(sb); }
# 1 "HAVE_KERNEL_NOFAULT"
int probe_nofault(int *from);
int probe_nofault(int *from) { int to; return get_kernel_nofault(to, from) ? 0 : to; }
# 1 "HAVE_PROBE_KERNEL_READ"
long probe_read(int *to, int *from);
long probe_read(int *to, int *from) { return probe_kernel_read(to, from, sizeof(*to)); }
# 1 "HAVE_MODULE_PUT_AND_KTHREAD_EXIT"
void probe_kthread_exit(void);
void probe_kthread_exit(void) { module_put_and_kthread_exit(0); }
# 1 "HAVE_MODULE_PUT_AND_EXIT"
void probe_exit(void);
void probe_exit(void) { module_put_and_exit(0); }
# 1 "HAVE_POLL_T"
__poll_t probe_poll(void);
__poll_t probe_poll(void) { return EPOLLIN | EPOLLRDNORM; }
# 1 "HAVE_COMPAT_PTR_IOCTL"
long (*probe_ptr_ioctl(void))(struct file *, unsigned int, unsigned long);
long (*probe_ptr_ioctl(void))(struct file *, unsigned int, unsigned long)
{ return compat_ptr_ioctl; }
# 1 "HAVE_KVCALLOC"
void *probe_kvcalloc(void);
void *probe_kvcalloc(void) { return kvcalloc(1, 1, GFP_KERNEL); }
# 1 "HAVE_STRSCPY"
long probe_strscpy(char *to, const char *from);
long probe_strscpy(char *to, const char *from) { return strscpy(to, from, 2); }
# 1 "HAVE_VIRTQUEUE_INFO"
int probe_infos(struct virtio_device *device, struct virtqueue *vq, struct virtqueue_info *info);
int probe_infos(struct virtio_device *device, struct virtqueue *vq, struct virtqueue_info *info)
{ return virtio_find_vqs(device, 1, &vq, info, NULL); }
# 1 "HAVE_VIRTIO_FIND_VQS"
int probe_vqs(struct virtio_device *device, struct virtqueue *vq);
int probe_vqs(struct virtio_device *device, struct virtqueue *vq)
{
	vq_callback_t *callback = NULL;
	const char *name = "";

	return virtio_find_vqs(device, 1, &vq, &callback, &name, NULL);
}
# 1 "HAVE_VIRTIO_RESET_DEVICE"
void probe_reset(struct virtio_device *device);
void probe_reset(struct virtio_device *device) { virtio_reset_device(device); }
# 1 "HAVE_U64_TO_USER_PTR"
void __user *probe_user_ptr(u64 from);
void __user *probe_user_ptr(u64 from) { return u64_to_user_ptr(from); }
# 1 "HAVE_TTY_KOPEN_EXCLUSIVE"
struct tty_struct *probe_kopen_exclusive(dev_t dev);
struct tty_struct *probe_kopen_exclusive(dev_t dev)
{ tty_kclose(NULL); return tty_kopen_exclusive(dev); }
# 1 "HAVE_TTY_KOPEN_ANY"
struct tty_struct *probe_kopen(dev_t dev);
struct tty_struct *probe_kopen(dev_t dev) { tty_kclose(NULL); return tty_kopen(dev); }
# 1 "HAVE_LDISC_NUM"
int probe_ldisc_num(struct tty_ldisc_ops *ops);
int probe_ldisc_num(struct tty_ldisc_ops *ops) { return ops->num + tty_register_ldisc(ops); }
# 1 "HAVE_LDISC_U8"
void probe_ldisc_u8(struct tty_ldisc_ops *ops,
		    void (*f)(struct tty_struct *, const u8 *, const u8 *, size_t));
void probe_ldisc_u8(struct tty_ldisc_ops *ops,
		    void (*f)(struct tty_struct *, const u8 *, const u8 *, size_t))
{ ops->receive_buf = f; }
# 1 "HAVE_LDISC_CONST"
void probe_ldisc_const(struct tty_ldisc_ops *ops,
		       void (*f)(struct tty_struct *, const unsigned char *, const char *, int));
void probe_ldisc_const(struct tty_ldisc_ops *ops,
		       void (*f)(struct tty_struct *, const unsigned char *, const char *, int))
{ ops->receive_buf = f; }
