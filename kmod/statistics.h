/* SPDX-License-Identifier: GPL-2.0 */
/* What has become of all freezes so far. */
#ifndef FSFREEZE_STATISTICS_H
#define FSFREEZE_STATISTICS_H

struct fsfreeze_op;
struct fsfreeze_statistics;

void fsfreeze_statistics_begun(const struct fsfreeze_op *op);
void fsfreeze_statistics_frozen(void);
void fsfreeze_statistics_over(const struct fsfreeze_op *op);
void fsfreeze_statistics_get(struct fsfreeze_statistics *to);

#endif
