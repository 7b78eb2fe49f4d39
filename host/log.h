/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HOST_LOG_H
#define HOST_LOG_H

/*
 * One line on standard error. A guest can cause lines, so there are at most some
 * tens in a minute.
 */
__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);

#endif
