// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ull + now.tv_nsec / 1000;
}

void pause_ms(unsigned int ms)
{
	usleep(ms * 1000);
}

unsigned int patience(void)
{
	const char *factor = getenv("patience");

	return factor && atoi(factor) > 0 ? atoi(factor) : 1;
}
