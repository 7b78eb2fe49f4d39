/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's messages and what the engine makes of them, over whatever carries
 * them. What comes in is believed in nothing; what goes out never is longer than
 * FSFREEZE_MSG_MAX.
 */
#ifndef FSFREEZE_SESSION_H
#define FSFREEZE_SESSION_H

#include "engine.h"

u32 fsfreeze_session_answer(struct fsfreeze_owner *owner, u32 features, const void *bytes,
			    u32 length, void *reply);
u32 fsfreeze_session_event(struct fsfreeze_owner *owner, void *event);

#endif
