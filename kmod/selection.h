/* SPDX-License-Identifier: GPL-2.0 */
/* Which of all file systems were named. */
#ifndef FSFREEZE_SELECTION_H
#define FSFREEZE_SELECTION_H

struct fsfreeze_op;

int fsfreeze_select(struct fsfreeze_op *op);

#endif
