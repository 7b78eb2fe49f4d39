/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Ed25519 keys that a medium must be signed with. What is installed judges
 * what comes: the keys that its medium named. Where nothing is, the keys this
 * program was built with. The system's own are in KEYS_DIR, for both.
 */
#ifndef SETUP_KEYS_H
#define SETUP_KEYS_H

#include "root.h"
#include "state.h"

#define KEYS_DIR "/etc/guest-tools/keys" /* NAME.pub: PEM, as "openssl pkey -pubout" writes it */

struct keys;

/* keys_trusted() - those of @root; @installed: what is installed there, or NULL */
struct keys *keys_trusted(const struct root *root, const struct state *installed);
void keys_free(struct keys *keys);
typedef struct keys SetupKeys;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SetupKeys, keys_free)

/* keys_is_hex() - is it a key as manifest and state have it: 64 digits? */
gboolean keys_is_hex(const char *text);

/* keys_verify() - did one of them sign @text? @signature is a file's content, of @size bytes */
gboolean keys_verify(const struct keys *keys, const char *text, gsize len, const char *signature,
		     gsize size);

#endif
