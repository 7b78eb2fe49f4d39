/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINES_MAX 30
#define PERIOD_S 60

static bool may_speak(void)
{
	static time_t start;
	static unsigned int lines;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec - start >= PERIOD_S) {
		start = now.tv_sec;
		lines = 0;
	}
	return lines++ < LINES_MAX;
}

void log_line(const char *format, ...)
{
	char line[256];
	va_list list;
	int n;

	if (!may_speak())
		return;
	va_start(list, format);
	n = vsnprintf(line, sizeof(line) - 1, format, list);
	va_end(list);
	if (n < 0)
		return;
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n + 1) < 0)
		return;
}
