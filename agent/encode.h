/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_ENCODE_H
#define AGENT_ENCODE_H

#include <glib.h>
#include <jansson.h>

/* Bytes of the guest in JSON, and back. */

/** encode_text() - text of any encoding; what is no UTF-8 is replaced. Return: new reference. */
json_t *encode_text(const char *text);

/** encode_base64() - bytes as a base64 string. Return: a new reference. */
json_t *encode_base64(const void *bytes, gsize length);

/**
 * decode_base64() - the bytes of a base64 string.
 *
 * Return: owned by the caller, a NUL behind them; or NULL and an error.
 */
char *decode_base64(const char *text, gsize *length, GError **error);

#endif
