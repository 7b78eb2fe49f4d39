/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What musl lacks of what is used here. */
#ifndef SETUP_COMPAT_H
#define SETUP_COMPAT_H

#include <errno.h>

#ifndef TEMP_FAILURE_RETRY
#define TEMP_FAILURE_RETRY(expression)                        \
	({                                                    \
		long int retried;                             \
		do                                            \
			retried = (long int)(expression);     \
		while (retried == -1L && errno == EINTR);     \
		retried;                                      \
	})
#endif

#endif
