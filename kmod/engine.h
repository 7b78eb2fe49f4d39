/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The engine: one freeze at a time, asked for by an owner.
 *
 * A front door (the character device, the virtio device) embeds a struct fsfreeze_owner in what it has per peer, and
 * calls the functions below from process context. None of them waits for a
 * freeze or a thaw; changed() tells when there is something new in the status.
 */
#ifndef FSFREEZE_ENGINE_H
#define FSFREEZE_ENGINE_H

#include <linux/types.h>
#include <linux/virtio_fsfreeze.h>

struct fsfreeze_op;
struct super_block;

/**
 * struct fsfreeze_owner - who asks for freezes
 * @name: for the log; NULL for the name of the process that asks
 * @changed: called after every change of state, from any thread of the engine,
 *	with a spinlock held: it may wake and queue, not sleep, not call back
 * @op: the engine's; the freeze last asked for, kept for its status
 */
struct fsfreeze_owner {
	const char *name;
	void (*changed)(struct fsfreeze_owner *owner);
	struct fsfreeze_op *op;
};

/**
 * struct fsfreeze_request - what to freeze, and for how long at most
 * @timeout_ms: deadline from now, or when the hooks are through; 0 for the default
 * @hook_timeout_ms: run the hooks, for so long at most; 0 for no hooks
 * @listed: only @supers; else every file system there is, or of these @names
 * @nr_supers: length of @supers
 * @supers: each with an active reference, which the engine takes over, also on
 *	error. No superblock twice.
 * @nr_names: length of @names
 * @names: terminated, and copied
 */
struct fsfreeze_request {
	u32 timeout_ms;
	u32 hook_timeout_ms;
	bool listed;
	u32 nr_supers;
	struct super_block **supers;
	u32 nr_names;
	const struct fsfreeze_msg_name *names;
};

int fsfreeze_engine_freeze(struct fsfreeze_owner *owner, const struct fsfreeze_request *request);
int fsfreeze_engine_thaw(struct fsfreeze_owner *owner, enum fsfreeze_thaw_reason reason);
int fsfreeze_engine_extend(struct fsfreeze_owner *owner, u32 timeout_ms);
void fsfreeze_engine_status(struct fsfreeze_owner *owner, struct fsfreeze_status *status);
u32 fsfreeze_engine_report(struct fsfreeze_owner *owner, u32 nr, struct fsfreeze_entry *entries);
void fsfreeze_engine_release(struct fsfreeze_owner *owner, enum fsfreeze_thaw_reason reason);
void fsfreeze_engine_info(struct fsfreeze_info *info);

bool fsfreeze_engine_block(enum fsfreeze_thaw_reason reason, unsigned int wait_ms);
void fsfreeze_engine_unblock(void);

#endif
