/* SPDX-License-Identifier: GPL-2.0 */
/* Which file systems there are. */
#ifndef FSFREEZE_ENUMERATION_H
#define FSFREEZE_ENUMERATION_H

struct fsfreeze_op;

int fsfreeze_enumerate(struct fsfreeze_op *op);

#endif
