// SPDX-License-Identifier: GPL-2.0
/*
 * A file system stored in a file of another one, through loop devices and
 * whatever is stacked on them, has a lower rank than that one: it is frozen
 * earlier, because freezing writes, and thawed later, because thawing does.
 */
#include "order.h"

#include <linux/slab.h>

#include "devices.h"
#include "op.h"

struct edge {
	struct fsfreeze_super *upper;
	struct fsfreeze_super *lower;
};

struct order {
	struct fsfreeze_walk walk;
	struct fsfreeze_op *op;
	struct fsfreeze_super *upper;	/* NULL: whoever uses that device */
	struct edge *edges;
	unsigned int nr;
	unsigned int room;
	bool unknown;
};

static struct order *order_of(struct fsfreeze_walk *walk)
{
	return container_of(walk, struct order, walk);
}

static int order_add(struct order *order, struct fsfreeze_super *lower)
{
	if (order->nr == order->room) {
		unsigned int room = order->room ? 2 * order->room : 32;
		struct edge *edges = krealloc(order->edges, room * sizeof(*edges), GFP_KERNEL);

		if (!edges)
			return -ENOMEM;
		order->edges = edges;
		order->room = room;
	}
	order->edges[order->nr].upper = order->upper;
	order->edges[order->nr].lower = lower;
	order->nr++;
	return 0;
}

static int order_found(struct fsfreeze_walk *walk, struct super_block *sb)
{
	struct order *order = order_of(walk);
	struct fsfreeze_super *super;

	list_for_each_entry(super, &order->op->entries, link) {
		if (super->sb != sb)
			continue;
		if (!order->upper) {
			super->below_unknown = true;
			return 1;
		}
		order->upper->above_loop = true;
		return order_add(order, super) ?: 1;
	}
	return 0;
}

static void order_unknown(struct fsfreeze_walk *walk)
{
	struct order *order = order_of(walk);

	order->unknown = true;
	if (order->upper)
		order->upper->above_loop = true;
}

static int order_walk(struct order *order)
{
	struct fsfreeze_super *super;
	int error;

	list_for_each_entry(super, &order->op->entries, link) {
		order->upper = super;
		error = fsfreeze_devices_walk(&order->walk, super->sb);
		if (error)
			return error;
	}
	order->upper = NULL;
	return fsfreeze_devices_walk_unreached(&order->walk);
}

/*
 * One step along every edge. The longest chain has no more links than there are
 * file systems, so one that goes on is a circle.
 */
static bool order_sink(struct order *order)
{
	bool changed = false;
	unsigned int i;

	for (i = 0; i < order->nr; i++) {
		struct edge *edge = &order->edges[i];

		if (edge->lower->rank <= edge->upper->rank) {
			edge->lower->rank = edge->upper->rank + 1;
			changed = true;
		}
		if (edge->upper->below_unknown && !edge->lower->below_unknown) {
			edge->lower->below_unknown = true;
			changed = true;
		}
	}
	return changed;
}

/*
 * A device whose user is not known (btrfs tells the kernel of none or of one of
 * its devices; a journal may be elsewhere) may belong to any file system: what
 * it is stored in comes after all that is not itself stored above it. Where it
 * is not even known what a loop device is stored in, everything that is not on
 * a loop device comes later.
 */
static void order_unclaimed(struct order *order)
{
	struct fsfreeze_super *super;
	u32 behind = 0;

	list_for_each_entry(super, &order->op->entries, link) {
		if (order->unknown && !super->above_loop && super->sb->s_bdev)
			super->below_unknown = true;
		if (!super->below_unknown)
			behind = max(behind, super->rank + 1);
	}
	list_for_each_entry(super, &order->op->entries, link)
		if (super->below_unknown)
			super->rank += behind;
}

static int order_rank(struct order *order)
{
	struct fsfreeze_super *super;
	unsigned int steps = 0;

	while (order_sink(order))
		if (steps++ > 2 * order->op->nr_entries)
			return -ELOOP;
	order_unclaimed(order);
	order->op->nr_ranks = 0;
	list_for_each_entry(super, &order->op->entries, link)
		order->op->nr_ranks = max(order->op->nr_ranks, super->rank + 1);
	return 0;
}

/**
 * fsfreeze_order - give every file system of a freeze its rank
 * @op: with all its entries
 *
 * Return: 0 or a negative errno; -ELOOP for a circle, which cannot be frozen
 */
int fsfreeze_order(struct fsfreeze_op *op)
{
	struct fsfreeze_devices devices;
	struct order order = {
		.walk = { &devices, order_found, order_unknown },
		.op = op,
	};
	int error;

	error = fsfreeze_devices_get(&devices);
	if (error)
		return error;
	error = order_walk(&order);
	fsfreeze_devices_put(&devices);
	if (!error)
		error = order_rank(&order);
	kfree(order.edges);
	return error;
}
