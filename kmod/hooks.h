/* SPDX-License-Identifier: GPL-2.0 */
/* The applications' hooks: the one program that runs them, bounded in time. */
#ifndef FSFREEZE_HOOKS_H
#define FSFREEZE_HOOKS_H

#include <linux/types.h>

#define FSFREEZE_HOOK_DEFAULT_MS	60000U
#define FSFREEZE_HOOK_MAX_MS		100000U
/* What the runner, which keeps the time itself, gets to come to its end. */
#define FSFREEZE_HOOK_GRACE_MS		5000U

int fsfreeze_hooks_run(const char *verb, u32 timeout_ms);

#endif
