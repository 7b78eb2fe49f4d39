/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the benchmark in the guest is made of. */
#ifndef BENCH_GUEST_H
#define BENCH_GUEST_H

#include <stddef.h>

#include "../../kmod/guest/guest.h"

#define IMAGES_POINT	"/srv"		/* the file system the images are stored on */
#define MOST_IMAGES	200

/* disks.c: the file systems that are mounted now, those that are frozen first first. */
void disks_mount(unsigned int images);
unsigned int disks_nr(void);
const char *disks_point(unsigned int i);
unsigned int disks_ranks(unsigned int *ends);

/**
 * struct contender - one way to freeze
 * @prepare: once, before the first freeze
 * @freeze: all there is; returns when it is frozen
 * @thaw: returns when it is thawed
 */
struct contender {
	const char *name;
	void (*prepare)(void);
	void (*freeze)(void);
	void (*thaw)(void);
};

/* contenders.c */
enum { QEMU_GA, SIDE_BY_SIDE, ENGINE, AGENT_KERNEL, AGENT_USERLAND, NR_CONTENDERS };
extern const struct contender contenders[NR_CONTENDERS];

/* load.c: what the guest does when it is frozen. */
void load_settle(void);
void load_dirty(void);
void load_writers_start(void);
uint64_t load_writers_stop(void);

#endif
