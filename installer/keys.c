// SPDX-License-Identifier: GPL-2.0-or-later
#include "keys.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "ui.h"

#ifndef SETUP_KEYS
#error "SETUP_KEYS comes from the Makefile"
#endif

#define KEY_BYTES crypto_sign_ed25519_PUBLICKEYBYTES
#define PEM_MAX	  4096

struct keys {
	GByteArray *bytes; /* KEY_BYTES for each */
};

static const char *const built_in[] = { SETUP_KEYS, NULL };

gboolean keys_is_hex(const char *text)
{
	return strlen(text) == 2 * KEY_BYTES &&
	       strspn(text, "0123456789abcdef") == 2 * KEY_BYTES;
}

static void add_hex(struct keys *keys, const char *hex)
{
	if (!keys_is_hex(hex))
		return;
	for (; *hex; hex += 2) {
		guint8 byte = g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]);

		g_byte_array_append(keys->bytes, &byte, 1);
	}
}

/* RFC 8410: a fixed head, then the key. */
static gboolean add_pem(struct keys *keys, const char *pem)
{
	static const guint8 head[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
				       0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
	static const char begin[] = "-----BEGIN PUBLIC KEY-----";
	const char *at = strstr(pem, begin);
	const char *end = at ? strstr(at, "-----END PUBLIC KEY-----") : NULL;
	gsize len = 0;

	if (!end)
		return FALSE;
	at += strlen(begin);
	g_autofree char *text = g_strndup(at, end - at);
	g_autofree guint8 *der = g_base64_decode(text, &len);

	if (len != sizeof(head) + KEY_BYTES || memcmp(der, head, sizeof(head)))
		return FALSE;
	g_byte_array_append(keys->bytes, der + sizeof(head), KEY_BYTES);
	return TRUE;
}

/* As with hooks: what others can write has no say. */
static void add_file(struct keys *keys, const struct root *root, const char *path)
{
	g_autofree char *pem = NULL;
	struct stat st;

	if (root_stat(root, path, &st) < 0 || (st.st_mode & 022) ||
	    (st.st_uid != 0 && st.st_uid != geteuid())) {
		ui_warn("%s is not used: others than root can write it", path);
		return;
	}
	pem = root_read(root, path, PEM_MAX, NULL);
	if (!pem || !add_pem(keys, pem))
		ui_warn("%s is not used: it is no Ed25519 public key in PEM", path);
}

static void add_directory(struct keys *keys, const struct root *root)
{
	g_auto(GStrv) names = root_list(root, KEYS_DIR);

	for (char **name = names; *name; name++) {
		g_autofree char *path = g_build_filename(KEYS_DIR, *name, NULL);

		if (g_str_has_suffix(*name, ".pub"))
			add_file(keys, root, path);
	}
}

struct keys *keys_trusted(const struct root *root, const struct state *installed)
{
	struct keys *keys = g_new0(struct keys, 1);
	g_auto(GStrv) known = installed ? state_keys(installed) : NULL;

	keys->bytes = g_byte_array_new();
	for (const char *const *hex = known && *known ? (const char *const *)known : built_in; *hex; hex++)
		add_hex(keys, *hex);
	add_directory(keys, root);
	return keys;
}

void keys_free(struct keys *keys)
{
	if (!keys)
		return;
	g_byte_array_unref(keys->bytes);
	g_free(keys);
}

gboolean keys_verify(const struct keys *keys, const char *text, gsize len, const char *signature,
		     gsize size)
{
	if (size != crypto_sign_ed25519_BYTES)
		return FALSE;
	for (guint at = 0; at < keys->bytes->len; at += KEY_BYTES)
		if (crypto_sign_ed25519_verify_detached((const guchar *)signature,
							(const guchar *)text, len,
							keys->bytes->data + at) == 0)
			return TRUE;
	return FALSE;
}
