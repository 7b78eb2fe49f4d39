// SPDX-License-Identifier: GPL-2.0-or-later
#include "medium.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "root.h"

#define MANIFEST_MAX (4 * 1024 * 1024)
#define FILE_MAX     (256 * 1024 * 1024)
#define SIGNATURE_MAX 4096
#define KEY_MARK     "# key="

struct medium {
	struct root *root;
	char *version;
	GPtrArray *keys;  /* strings, and a NULL */
	GPtrArray *files; /* in the manifest's order */
	GHashTable *by_path;
};

static void file_free(gpointer data)
{
	struct medium_file *file = data;

	g_free(file->path);
	g_free(file);
}

void medium_free(struct medium *medium)
{
	if (!medium)
		return;
	root_free(medium->root);
	g_free(medium->version);
	g_clear_pointer(&medium->by_path, g_hash_table_unref);
	g_clear_pointer(&medium->files, g_ptr_array_unref);
	g_clear_pointer(&medium->keys, g_ptr_array_unref);
	g_free(medium);
}

/* No absolute path, no empty, "." or ".." component, nothing a terminal would act on. */
static gboolean is_clean_path(const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);

	for (const char *p = path; *p; p++)
		if ((guchar)*p < ' ' || *p == 127 || *p == '\\')
			return FALSE;
	for (char **part = parts; *part; part++)
		if (!**part || strcmp(*part, ".") == 0 || strcmp(*part, "..") == 0)
			return FALSE;
	return *parts != NULL && g_utf8_validate(path, -1, NULL);
}

/* "# mode=0555 size=123" into @file; the whole line or nothing. */
static gboolean parse_meta(const char *line, struct medium_file *file)
{
	unsigned int mode;
	unsigned long long size;
	int end = 0;

	if (sscanf(line, "# mode=%4o size=%12llu%n", &mode, &size, &end) != 2 || line[end])
		return FALSE;
	file->mode = mode & 07777;
	file->size = size;
	return size <= FILE_MAX;
}

/* "<64 hex>  <path>" */
static gboolean parse_sum(const char *line, struct medium_file *file)
{
	gsize hex = strspn(line, "0123456789abcdef");

	if (hex != 64 || strncmp(line + 64, "  ", 2) || !is_clean_path(line + 66))
		return FALSE;
	memcpy(file->sha256, line, 64);
	file->path = g_strdup(line + 66);
	return TRUE;
}

static gboolean take_key(struct medium *medium, const char *hex)
{
	g_ptr_array_add(medium->keys, g_strdup(hex));
	return keys_is_hex(hex);
}

static gboolean take_line(struct medium *medium, const char *line, struct medium_file *meta)
{
	struct medium_file *file;

	if (g_str_has_prefix(line, "# mode="))
		return parse_meta(line, meta);
	if (g_str_has_prefix(line, KEY_MARK))
		return take_key(medium, line + strlen(KEY_MARK));
	if (*line == '#' || !*line)
		return TRUE;
	if (meta->size < 0)
		return FALSE;
	file = g_new0(struct medium_file, 1);
	*file = *meta;
	meta->size = -1;
	g_ptr_array_add(medium->files, file);
	return parse_sum(line, file) && g_hash_table_insert(medium->by_path, file->path, file);
}

static gboolean parse_manifest(struct medium *medium, char *text, GError **err)
{
	static const char first[] = "# guest-tools ";
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	struct medium_file meta = { .size = -1 };

	if (!lines[0] || !g_str_has_prefix(lines[0], first) || !lines[0][strlen(first)])
		return setup_fail(err, SETUP_MEDIUM,
				  "cannot use medium %s: its MANIFEST is not one of guest-tools",
				  medium_path(medium));
	medium->version = g_strdup(lines[0] + strlen(first));
	for (int i = 1; lines[i]; i++)
		if (!take_line(medium, lines[i], &meta))
			return setup_fail(err, SETUP_MEDIUM,
					  "cannot use medium %s: MANIFEST line %d is not understood",
					  medium_path(medium), i + 1);
	g_ptr_array_add(medium->keys, NULL);
	if (medium->files->len == 0)
		return setup_fail(err, SETUP_MEDIUM, "cannot use medium %s: MANIFEST lists no file",
				  medium_path(medium));
	return TRUE;
}

static gboolean check_signature(const struct medium *medium, const char *text, gsize len,
				const struct keys *trusted, GError **err)
{
	gsize size = 0;
	g_autofree char *signature = root_read(medium->root, "/MANIFEST.sig", SIGNATURE_MAX, &size);

	if (!signature)
		return setup_fail_errno(err, SETUP_UNSIGNED,
					"cannot use medium %s: it is not signed: MANIFEST.sig",
					medium_path(medium));
	return keys_verify(trusted, text, len, signature, size) ||
	       setup_fail(err, SETUP_FORGED,
			  "cannot use medium %s: no key that is trusted here signed it as it is; "
			  "a key of your own belongs in " KEYS_DIR, medium_path(medium));
}

struct medium *medium_open(const char *path, const struct keys *trusted, GError **err)
{
	g_autoptr(SetupMedium) medium = g_new0(struct medium, 1);
	gsize len = 0;

	medium->keys = g_ptr_array_new_with_free_func(g_free);
	medium->files = g_ptr_array_new_with_free_func(file_free);
	medium->by_path = g_hash_table_new(g_str_hash, g_str_equal);
	medium->root = root_new(path, err);
	if (!medium->root) {
		g_prefix_error(err, "cannot use medium: ");
		if (err && *err)
			(*err)->code = SETUP_MEDIUM;
		return NULL;
	}
	g_autofree char *text = root_read(medium->root, "/MANIFEST", MANIFEST_MAX, &len);

	if (!text || strlen(text) != len) {
		errno = text ? EILSEQ : errno;
		setup_fail_errno(err, SETUP_MEDIUM, "cannot read %s/MANIFEST", path);
		return NULL;
	}
	if (!check_signature(medium, text, len, trusted, err) || !parse_manifest(medium, text, err))
		return NULL;
	return g_steal_pointer(&medium);
}

static gboolean has_manifest(const char *dir)
{
	g_autofree char *path = g_build_filename(dir, "MANIFEST", NULL);

	return access(path, R_OK) == 0;
}

/* A mounted cdrom that carries our manifest; the kernel writes a space in a path as \040. */
static char *find_mounted(void)
{
	g_autofree char *text = NULL;

	if (!g_file_get_contents("/proc/self/mounts", &text, NULL, NULL))
		return NULL;
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line; line++) {
		g_auto(GStrv) fields = g_strsplit(*line, " ", 4);

		if (g_strv_length(fields) < 3 || strcmp(fields[2], "iso9660"))
			continue;
		g_autofree char *dir = g_strcompress(fields[1]);
		g_autofree char *entry = g_build_filename(dir, "setup", NULL);

		if (has_manifest(dir) && access(entry, R_OK) == 0)
			return g_steal_pointer(&dir);
	}
	return NULL;
}

char *medium_find(void)
{
	/* The copy in memory (ram.c) was told where it comes from. */
	const char *was = g_getenv("GUEST_TOOLS_SETUP_SELF");
	g_autofree char *self = was ? g_strdup(was) : g_file_read_link("/proc/self/exe", NULL);

	if (self) {
		g_autofree char *arch = g_path_get_dirname(self);
		g_autofree char *top = g_path_get_dirname(arch);

		if (has_manifest(top))
			return g_steal_pointer(&top);
	}
	return find_mounted();
}

const char *medium_version(const struct medium *medium)
{
	return medium->version;
}

const char *const *medium_keys(const struct medium *medium)
{
	return (const char *const *)medium->keys->pdata;
}

const char *medium_path(const struct medium *medium)
{
	return root_path(medium->root);
}

const struct medium_file *medium_file(const struct medium *medium, const char *path)
{
	return g_hash_table_lookup(medium->by_path, path);
}

const struct medium_file *medium_filef(const struct medium *medium, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	g_autofree char *path = g_strdup_vprintf(fmt, args);
	va_end(args);
	return medium_file(medium, path);
}

GPtrArray *medium_files_below(const struct medium *medium, const char *prefix)
{
	GPtrArray *found = g_ptr_array_new();

	for (guint i = 0; i < medium->files->len; i++) {
		struct medium_file *file = medium->files->pdata[i];

		if (g_str_has_prefix(file->path, prefix))
			g_ptr_array_add(found, file);
	}
	return found;
}

char *medium_read(const struct medium *medium, const struct medium_file *file, GError **err)
{
	g_autofree char *path = g_strconcat("/", file->path, NULL);
	gsize len = 0;
	g_autofree char *data = root_read(medium->root, path, file->size, &len);

	if (!data) {
		if (errno == EFBIG)
			setup_fail(err, SETUP_MEDIUM, "cannot use %s: it is larger than MANIFEST says",
				   file->path);
		else
			setup_fail_errno(err, SETUP_MEDIUM, "cannot read %s of the medium", file->path);
		return NULL;
	}
	g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (guchar *)data, len);

	if (len == (gsize)file->size && strcmp(sum, file->sha256) == 0)
		return g_steal_pointer(&data);
	setup_fail(err, SETUP_MEDIUM, "cannot use %s: its SHA-256 is not the one in MANIFEST",
		   file->path);
	return NULL;
}

gboolean medium_verify(const struct medium *medium, GError **err)
{
	for (guint i = 0; i < medium->files->len; i++) {
		g_autofree char *data = medium_read(medium, medium->files->pdata[i], err);

		if (!data)
			return FALSE;
	}
	return TRUE;
}
