/* SPDX-License-Identifier: GPL-2.0 */
/* Which file system is frozen before which. */
#ifndef FSFREEZE_ORDER_H
#define FSFREEZE_ORDER_H

struct fsfreeze_op;

int fsfreeze_order(struct fsfreeze_op *op);

#endif
