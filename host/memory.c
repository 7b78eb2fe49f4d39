/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

static bool is_sane(const struct memory_region *region)
{
	uint64_t end;

	return region->size > 0 && !__builtin_add_overflow(region->guest, region->size, &end) &&
	       !__builtin_add_overflow(region->user, region->size, &end) &&
	       !__builtin_add_overflow(region->offset, region->size, &end) && end <= PTRDIFF_MAX;
}

int memory_add(struct memory *memory, const struct memory_region *region, int fd)
{
	uint64_t length = region->offset + region->size;
	char *mapping;

	if (memory->nr == MEMORY_REGIONS_MAX)
		return -ENOSPC;
	if (!is_sane(region))
		return -EINVAL;
	/* From the file's start, as an offset need not be one of a page. */
	mapping = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (mapping == MAP_FAILED)
		return -errno;
	memory->regions[memory->nr].at = *region;
	memory->regions[memory->nr].mapping = mapping;
	memory->regions[memory->nr].mapped = length;
	memory->nr++;
	return 0;
}

void memory_clear(struct memory *memory)
{
	for (unsigned int i = 0; i < memory->nr; i++)
		munmap(memory->regions[i].mapping, memory->regions[i].mapped);
	memory->nr = 0;
}

static bool lies_within(uint64_t start, uint64_t size, uint64_t address, uint64_t length)
{
	return address >= start && address - start <= size && length <= size - (address - start);
}

void *memory_guest(const struct memory *memory, uint64_t address, uint64_t length)
{
	for (unsigned int i = 0; i < memory->nr; i++) {
		const struct memory_region *at = &memory->regions[i].at;

		if (lies_within(at->guest, at->size, address, length))
			return memory->regions[i].mapping + at->offset + (address - at->guest);
	}
	return NULL;
}

void *memory_user(const struct memory *memory, uint64_t address, uint64_t length)
{
	for (unsigned int i = 0; i < memory->nr; i++) {
		const struct memory_region *at = &memory->regions[i].at;

		if (lies_within(at->user, at->size, address, length))
			return memory->regions[i].mapping + at->offset + (address - at->user);
	}
	return NULL;
}
