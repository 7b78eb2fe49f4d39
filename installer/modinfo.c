// SPDX-License-Identifier: GPL-2.0-or-later
#include "modinfo.h"

#include <elf.h>
#include <string.h>

#define SIGNED_MARK "~Module signature appended~\n"

struct file {
	const guint8 *data;
	gsize len;
};

/* Where the fields are that lead to a section, for files of 32 and of 64 bits. */
static const struct layout {
	guint8 class, word;
	guint8 shoff, shentsize, shnum, shstrndx; /* in the file's header */
	guint8 offset, size;                      /* in a section's */
} layouts[] = {
	{ ELFCLASS32, 4, 0x20, 0x2e, 0x30, 0x32, 0x10, 0x14 },
	{ ELFCLASS64, 8, 0x28, 0x3a, 0x3c, 0x3e, 0x18, 0x20 },
};

struct section {
	guint64 name, offset, size;
};

/* A number of @size bytes in the file's own byte order; 0 where the file is too short for it. */
static guint64 number(const struct file *file, guint64 at, guint size)
{
	gboolean big = file->data[EI_DATA] == ELFDATA2MSB;
	guint64 value = 0;

	if (at > file->len || size > file->len - at)
		return 0;
	for (guint i = 0; i < size; i++)
		value = value << 8 | file->data[at + (big ? i : size - 1 - i)];
	return value;
}

static const struct layout *find_layout(const struct file *file)
{
	if (file->len < sizeof(Elf32_Ehdr) || memcmp(file->data, ELFMAG, SELFMAG))
		return NULL;
	for (gsize i = 0; i < G_N_ELEMENTS(layouts); i++)
		if (layouts[i].class == file->data[EI_CLASS])
			return &layouts[i];
	return NULL;
}

/* FALSE where it is not all inside the file. */
static gboolean read_section(const struct file *file, const struct layout *at, guint64 index,
			     struct section *section)
{
	guint64 table = number(file, at->shoff, at->word);
	guint64 start = table + index * number(file, at->shentsize, 2);

	if (table > file->len || index >= number(file, at->shnum, 2))
		return FALSE;
	section->name = number(file, start, 4);
	section->offset = number(file, start + at->offset, at->word);
	section->size = number(file, start + at->size, at->word);
	return section->offset <= file->len && section->size <= file->len - section->offset;
}

static gboolean is_called(const struct file *file, const struct section *names,
			  const struct section *section, const char *name)
{
	gsize size = strlen(name) + 1;

	return section->name <= names->size && size <= names->size - section->name &&
	       memcmp(file->data + names->offset + section->name, name, size) == 0;
}

static gboolean find_section(const struct file *file, const char *name, struct section *section)
{
	const struct layout *at = find_layout(file);
	struct section names;

	if (!at || !read_section(file, at, number(file, at->shstrndx, 2), &names))
		return FALSE;
	for (guint64 i = 0; i < number(file, at->shnum, 2); i++)
		if (read_section(file, at, i, section) && is_called(file, &names, section, name))
			return TRUE;
	return FALSE;
}

/* The section is "key=value", each with a NUL after it. */
char *modinfo_get(const char *data, gsize len, const char *key)
{
	const struct file file = { (const guint8 *)data, len };
	gsize length = strlen(key);
	struct section section;

	if (!find_section(&file, ".modinfo", &section))
		return NULL;
	const char *text = data + section.offset, *end = text + section.size;

	while (text < end) {
		gsize size = strnlen(text, end - text);

		if (size > length && text[length] == '=' && memcmp(text, key, length) == 0)
			return g_strndup(text + length + 1, size - length - 1);
		text += size + 1;
	}
	return NULL;
}

gboolean modinfo_is_signed(const char *data, gsize len)
{
	gsize size = strlen(SIGNED_MARK);

	return len >= size && memcmp(data + len - size, SIGNED_MARK, size) == 0;
}
