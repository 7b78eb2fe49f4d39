// SPDX-License-Identifier: GPL-2.0
#include "statistics.h"

#include <linux/spinlock.h>
#include <linux/string.h>

#include "op.h"

static DEFINE_SPINLOCK(statistics_lock);	/* the innermost of all */
static struct fsfreeze_statistics statistics;

void fsfreeze_statistics_begun(const struct fsfreeze_op *op)
{
	spin_lock(&statistics_lock);
	statistics.nr_begun++;
	statistics.asker = op->asker;
	strscpy(statistics.asked_by, op->asked_by, sizeof(statistics.asked_by));
	spin_unlock(&statistics_lock);
}

void fsfreeze_statistics_frozen(void)
{
	spin_lock(&statistics_lock);
	statistics.nr_frozen++;
	spin_unlock(&statistics_lock);
}

/* When nothing of @op changes any more. */
void fsfreeze_statistics_over(const struct fsfreeze_op *op)
{
	struct fsfreeze_statistics *all = &statistics;

	spin_lock(&statistics_lock);
	all->thaw_reason = op->reason;
	all->thaw_error = op->error;
	if (op->reason < ARRAY_SIZE(all->nr_thawed))
		all->nr_thawed[op->reason]++;
	all->longest_flush_us = max(all->longest_flush_us, op->flush_us);
	all->longest_freeze_us = max(all->longest_freeze_us, op->freeze_us);
	all->longest_thaw_us = max(all->longest_thaw_us, op->thaw_us);
	spin_unlock(&statistics_lock);
}

/**
 * fsfreeze_statistics_get - since the module was loaded
 * @to: filled but for its size
 */
void fsfreeze_statistics_get(struct fsfreeze_statistics *to)
{
	spin_lock(&statistics_lock);
	*to = statistics;
	spin_unlock(&statistics_lock);
}
