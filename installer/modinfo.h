/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kernel module says of itself, read from its file; nothing of the file is believed. */
#ifndef SETUP_MODINFO_H
#define SETUP_MODINFO_H

#include <glib.h>

/* modinfo_get() - the value of @key in the .modinfo of an ELF file; NULL: none, or no ELF; free it
 */
char *modinfo_get(const char *data, gsize len, const char *key);

/* modinfo_is_signed() - does it end as a signed module does? By whom is not looked at. */
gboolean modinfo_is_signed(const char *data, gsize len);

#endif
