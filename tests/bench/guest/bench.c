// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs in the guest, as its only process: freezes with each contender in turn, round
 * after round, and prints the medians and how they compare. All of it in one run,
 * as only ratios within one mean anything on a machine that others use too.
 */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_ROUNDS	9

static void end(void) __attribute__((noreturn));

static void end(void)
{
	fflush(stdout);
	reboot(RB_POWER_OFF);
	_exit(1);
}

void fail(const char *format, ...)
{
	va_list list;

	printf("bench failed: ");
	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	printf("\n");
	end();
}

void skip(const char *reason)
{
	fail("%s", reason);
}

enum load { IDLE, DIRTY, WRITING, NR_LOADS };
static const char *const load_names[NR_LOADS] = { "idle", "64 MiB dirty", "64 MiB dirty, writers" };

/* How many file systems in images, and how often; only the root with none. */
static const struct {
	unsigned int images;
	unsigned int rounds;
} sizes[] = { { 0, 7 }, { 1, 7 }, { 50, 5 }, { 200, 3 } };

/* What must hold, at each of the sizes from @least to @most images. */
static const struct demand {
	unsigned int least, most;
	enum load load;
	bool stall;
	unsigned int whose, against;
	double ratio;
} demands[] = {
	{ 0, 1, IDLE, false, AGENT_KERNEL, QEMU_GA, 0.3 },
	{ 0, 1, IDLE, false, AGENT_USERLAND, QEMU_GA, 0.3 },
	{ 50, 200, IDLE, false, AGENT_KERNEL, QEMU_GA, 0.03 },
	{ 50, 200, IDLE, false, AGENT_USERLAND, QEMU_GA, 0.03 },
	{ 50, 200, DIRTY, false, AGENT_KERNEL, QEMU_GA, 0.1 },
	{ 50, 200, DIRTY, false, AGENT_USERLAND, QEMU_GA, 0.1 },
	{ 50, 200, WRITING, true, AGENT_KERNEL, QEMU_GA, 0.05 },
	{ 50, 200, WRITING, true, AGENT_USERLAND, QEMU_GA, 0.05 },
	{ 50, 200, WRITING, true, ENGINE, QEMU_GA, 0.05 },
	{ 50, 200, IDLE, false, ENGINE, SIDE_BY_SIDE, 1 },
};

/* Of one size, in us. */
static struct result {
	uint64_t freeze[MOST_ROUNDS];
	uint64_t stall[MOST_ROUNDS];
	uint64_t thaw[MOST_ROUNDS];
} results[NR_LOADS][NR_CONTENDERS];

static void round_of(const struct contender *contender, enum load load, unsigned int round,
		     struct result *result)
{
	uint64_t start, frozen;

	load_settle();
	if (load != IDLE)
		load_dirty();
	if (load == WRITING)
		load_writers_start();
	start = now_us();
	contender->freeze();
	frozen = now_us();
	contender->thaw();
	result->freeze[round] = frozen - start;
	result->thaw[round] = now_us() - frozen;
	if (load == WRITING)
		result->stall[round] = load_writers_stop();
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double median_ms(const uint64_t *figures, unsigned int rounds)
{
	uint64_t sorted[MOST_ROUNDS];

	memcpy(sorted, figures, rounds * sizeof(*sorted));
	qsort(sorted, rounds, sizeof(*sorted), compare);
	return sorted[rounds / 2] / 1000.0;
}

static void print_row(unsigned int who, enum load load, unsigned int rounds)
{
	const struct result *mine = &results[load][who], *theirs = &results[load][QEMU_GA];
	double freeze = median_ms(mine->freeze, rounds), stall = median_ms(mine->stall, rounds);

	printf("%3u %-22s %-26s %9.1f %6.3f", disks_nr(), load_names[load], contenders[who].name,
	       freeze, freeze / median_ms(theirs->freeze, rounds));
	printf(" %8.1f", median_ms(mine->thaw, rounds));
	if (load == WRITING)
		printf(" %9.1f %6.3f", stall, stall / median_ms(theirs->stall, rounds));
	printf("\n");
}

static double figure_of(const struct demand *demand, unsigned int who, unsigned int rounds)
{
	const struct result *result = &results[demand->load][who];

	return median_ms(demand->stall ? result->stall : result->freeze, rounds);
}

static unsigned int print_demands(unsigned int images, unsigned int rounds)
{
	unsigned int i, missed = 0;

	for (i = 0; i < ARRAY_SIZE(demands); i++) {
		const struct demand *demand = &demands[i];
		double ratio;

		if (images < demand->least || images > demand->most)
			continue;
		ratio = figure_of(demand, demand->whose, rounds) /
			figure_of(demand, demand->against, rounds);
		missed += ratio > demand->ratio;
		printf("%s - %u file systems, %s: %s of %s: %.3f of %s's, at most %.2f\n",
		       ratio > demand->ratio ? "MISSED" : "held", disks_nr(),
		       load_names[demand->load], demand->stall ? "longest stall" : "freeze",
		       contenders[demand->whose].name, ratio, contenders[demand->against].name,
		       demand->ratio);
	}
	return missed;
}

static unsigned int run_size(unsigned int images, unsigned int rounds)
{
	unsigned int load, round, who;

	disks_mount(images);
	for (load = 0; load < NR_LOADS; load++) {
		for (round = 0; round < rounds; round++)
			for (who = 0; who < NR_CONTENDERS; who++)
				round_of(&contenders[who], load, round, &results[load][who]);
		for (who = 0; who < NR_CONTENDERS; who++)
			print_row(who, load, rounds);
	}
	return print_demands(images, rounds);
}

int main(void)
{
	const char *only = getenv("only");
	unsigned int i, missed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	disks_mount(0);
	for (i = 0; i < NR_CONTENDERS; i++)
		contenders[i].prepare();
	printf("%3s %-22s %-26s %9s %6s %8s %9s %6s\n", "fs", "load", "by", "freeze ms", "of qga",
	       "thaw ms", "stall ms", "of qga");
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		if (!only || sizes[i].images == (unsigned int)atoi(only))
			missed += run_size(sizes[i].images, sizes[i].rounds);
	printf("bench over, %u missed\n", missed);
	end();
}
