// SPDX-License-Identifier: GPL-2.0
#include "selection.h"

#include <linux/kdev_t.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "op.h"

static bool super_has_name(const struct fsfreeze_super *super, const char *name)
{
	char number[24];

	snprintf(number, sizeof(number), "%u:%u", MAJOR(super->dev), MINOR(super->dev));
	return !strcmp(name, super->id) || !strcmp(name, number);
}

static bool super_is_named(const struct fsfreeze_op *op, const struct fsfreeze_super *super)
{
	u32 i;

	for (i = 0; i < op->nr_names; i++)
		if (super_has_name(super, op->names[i].name))
			return true;
	return false;
}

static bool name_is_found(const struct fsfreeze_op *op, const char *name)
{
	const struct fsfreeze_super *super;

	list_for_each_entry(super, &op->entries, link)
		if (super_has_name(super, name))
			return true;
	return false;
}

/**
 * fsfreeze_select - leave in a freeze only what was named, if anything was
 * @op: with all the file systems there are
 *
 * Return: 0, or -ENODEV when there is none of a name, which is blamed then
 */
int fsfreeze_select(struct fsfreeze_op *op)
{
	struct fsfreeze_super *super, *next;
	u32 i;

	if (!op->nr_names)
		return 0;
	for (i = 0; i < op->nr_names; i++) {
		if (name_is_found(op, op->names[i].name))
			continue;
		fsfreeze_op_fail_named(op, -ENODEV, op->names[i].name);
		return -ENODEV;
	}
	list_for_each_entry_safe(super, next, &op->entries, link) {
		if (super_is_named(op, super))
			continue;
		fsfreeze_super_free(super);
		op->nr_entries--;
	}
	return 0;
}
