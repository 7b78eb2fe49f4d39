/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_MEMORY_H
#define HOST_MEMORY_H

#include <stdint.h>

#define MEMORY_REGIONS_MAX 8

/* As a memory table describes a region: physical, QEMU's and file addresses. */
struct memory_region {
	uint64_t guest;
	uint64_t size;
	uint64_t user;
	uint64_t offset;
};

/* The guest's memory, mapped here. All zero is an empty one. */
struct memory {
	unsigned int nr;
	struct {
		struct memory_region at;
		char *mapping;	 /* with what of the file precedes it */
		uint64_t mapped; /* its length */
	} regions[MEMORY_REGIONS_MAX];
};

/**
 * memory_add() - map one more region.
 * @fd: of the file it is in; stays the caller's
 *
 * Return: 0 or a negative errno; -EINVAL when its numbers make no sense.
 */
int memory_add(struct memory *memory, const struct memory_region *region, int fd);
void memory_clear(struct memory *memory);

/**
 * memory_guest() - where @length bytes at a guest's physical address are.
 *
 * Return: NULL unless all of them are in one region. Others write there at any time.
 */
void *memory_guest(const struct memory *memory, uint64_t address, uint64_t length);
/* The same for an address of QEMU's, as rings have. */
void *memory_user(const struct memory *memory, uint64_t address, uint64_t length);

#endif
