// SPDX-License-Identifier: GPL-2.0
/*
 * Every writable superblock of every block-backed file system type, whether or
 * not it is mounted where anybody could name it.
 */
#include "enumeration.h"

#include <linux/module.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "devices.h"
#include "op.h"

#ifndef FSFREEZE_COMPAT_NEXT_TYPE
static struct file_system_type *next_type(struct file_system_type *type)
{
	return hlist_entry_safe(rcu_dereference(hlist_next_rcu(&type->list)),
				struct file_system_type, list);
}
#endif

struct type_list {
	unsigned int nr;
	unsigned int room;
	struct file_system_type **types;
};

static bool type_is_listed(const struct type_list *list, struct file_system_type *type)
{
	unsigned int i;

	for (i = 0; i < list->nr; i++)
		if (list->types[i] == type)
			return true;
	return false;
}

/* What does not fit is only counted. Each one listed has its module held. */
static void type_list_add(struct type_list *list, struct file_system_type *type,
			  unsigned int *wanted)
{
	if (!(type->fs_flags & FS_REQUIRES_DEV) || type_is_listed(list, type))
		return;
	(*wanted)++;
	if (list->nr < list->room && try_module_get(type->owner))
		list->types[list->nr++] = type;
}

/*
 * Types are only ever added behind those the kernel itself has, and taken out
 * with a grace period before their module goes. Asking for one by name that
 * may not exist would run modprobe, so ask for one that is always there, and
 * first: the one that the root of all mounts is made after.
 */
static unsigned int type_list_registered(struct type_list *list)
{
	struct file_system_type *first = get_fs_type("sysfs"), *type;
	unsigned int wanted = 0;

	if (!first)
		return 0;
	rcu_read_lock();
	for (type = first; type; type = next_type(type))
		type_list_add(list, type, &wanted);
	rcu_read_unlock();
	module_put(first->owner);
	return wanted;
}

/*
 * Linux 4.16 to 6.7 register one type for btrfs and mount another, which no list
 * has. It is what the devices beneath are claimed with.
 */
static unsigned int type_list_private(struct type_list *list,
				      const struct fsfreeze_devices *devices)
{
	unsigned int wanted = 0, registered = list->nr, i, j;

	for (i = 0; i < devices->nr; i++)
		for (j = 0; j < registered; j++) {
			struct file_system_type *type;

			type = fsfreeze_device_claiming_type(&devices->devices[i], list->types[j]);
			if (type)
				type_list_add(list, type, &wanted);
		}
	return wanted;
}

static void type_list_drop(struct type_list *list)
{
	while (list->nr)
		module_put(list->types[--list->nr]->owner);
	kfree(list->types);
	list->types = NULL;
	list->room = 0;
}

/*
 * Being unregistered while we walk ends the walk early, so the count is taken
 * until it is the same twice.
 */
static int type_list_make(struct type_list *list, const struct fsfreeze_devices *devices)
{
	unsigned int wanted = 16, again;

	for (;;) {
		list->room = 2 * wanted;
		list->types = kcalloc(list->room, sizeof(*list->types), GFP_KERNEL);
		if (!list->types)
			return -ENOMEM;
		wanted = type_list_registered(list);
		again = list->nr;
		wanted += type_list_private(list, devices);
		if (wanted <= list->room && type_list_registered(list) == 0 && list->nr >= again)
			return 0;
		type_list_drop(list);
	}
}

struct collection {
	struct fsfreeze_op *op;
	int error;
};

/* Called with s_umount held, which freezing takes: only get hold of it here. */
static void collect(struct super_block *sb, void *arg)
{
	struct collection *collection = arg;

	if (collection->error || !fsfreeze_super_eligible(sb))
		return;
	if (!atomic_inc_not_zero(&sb->s_active))
		return;
	collection->error = fsfreeze_super_add(collection->op, sb);
	if (collection->error)
		atomic_dec(&sb->s_active);
}

/**
 * fsfreeze_enumerate - find all there is to freeze
 * @op: gets an entry, with an active reference, for each
 *
 * May wait for a mount or an umount that is stuck, so the caller must hold
 * nothing that a thaw or a status needs.
 *
 * Return: 0 or a negative errno
 */
int fsfreeze_enumerate(struct fsfreeze_op *op)
{
	struct collection collection = { .op = op };
	struct fsfreeze_devices devices;
	struct type_list list = {};
	unsigned int i;
	int error;

	error = fsfreeze_devices_get(&devices);
	if (error)
		return error;
	error = type_list_make(&list, &devices);
	fsfreeze_devices_put(&devices);
	if (error)
		return error;
	for (i = 0; i < list.nr && !collection.error; i++)
		iterate_supers_type(list.types[i], collect, &collection);
	type_list_drop(&list);
	return collection.error;
}
