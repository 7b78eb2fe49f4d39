/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "disks.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wait.h"

#define NAME_LENGTH 256

static int failed(struct disks *disks, int ret, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int failed(struct disks *disks, int ret, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(disks->why, sizeof(disks->why), format, arguments);
	va_end(arguments);
	return ret;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static const json_t *node_of(const json_t *block)
{
	return json_object_get(block, "inserted");
}

/* What can be written can be snapshotted: no empty drive, no cdrom. */
static bool is_disk(const json_t *block)
{
	return node_of(block) && !json_is_true(json_object_get(node_of(block), "ro"));
}

/*
 * The id of its device. QEMU gives it plain, or as a path, since the one that has the
 * disk may be a part of the one with the id. Return: "" when it has none.
 */
static const char *device_of(const json_t *block, char *id, size_t size)
{
	static const char with_id[] = "/machine/peripheral/";
	const char *path = text_of(block, "qdev");

	if (!strncmp(path, with_id, strlen(with_id)))
		path += strlen(with_id);
	else if (*path == '/')
		path = "";
	snprintf(id, size, "%.*s", (int)strcspn(path, "/"), path);
	return id;
}

static bool is_called(const json_t *block, const char *name)
{
	char id[NAME_LENGTH];

	return !strcmp(text_of(block, "device"), name) ||
	       !strcmp(device_of(block, id, sizeof(id)), name) ||
	       !strcmp(text_of(node_of(block), "node-name"), name);
}

/* What people call it; a node's name is another one after each snapshot. */
static const char *name_of(const json_t *block, char *id, size_t size)
{
	const char *device = text_of(block, "device");

	if (*device)
		return device;
	return *device_of(block, id, size) ? id : text_of(node_of(block), "node-name");
}

/* A node's name has 31 characters at most, and must be new to QEMU. */
static json_t *external_action(const json_t *block, const char *file, size_t number)
{
	char overlay[32];

	snprintf(overlay, sizeof(overlay), "snapshot-%llx-%zu", (long long)wait_now_ms(), number);
	return json_pack("{s:s, s:{s:s, s:s, s:s, s:s}}", "type", "blockdev-snapshot-sync", "data",
			 "node-name", text_of(node_of(block), "node-name"), "snapshot-file", file,
			 "snapshot-node-name", overlay, "format", "qcow2");
}

static json_t *internal_action(const json_t *block, const char *name)
{
	return json_pack("{s:s, s:{s:s, s:s}}", "type", "blockdev-snapshot-internal-sync", "data",
			 "device", text_of(node_of(block), "node-name"), "name", name);
}

static int add(struct disks *disks, const json_t *block, const char *file, const char *internal)
{
	size_t number = json_array_size(disks->actions);
	char id[NAME_LENGTH];
	const char *name = name_of(block, id, sizeof(id));

	/* Also a link to nowhere, behind which QEMU would make it. */
	if (file && (access(file, F_OK) == 0 || readlink(file, (char[1]){ 0 }, 1) >= 0))
		return failed(disks, -EEXIST, "cannot snapshot %s to %s: it exists", name, file);
	if (file)
		json_array_append_new(disks->files, json_string(file));
	json_array_append_new(disks->names, json_string(name));
	json_array_append_new(disks->actions, file ? external_action(block, file, number) :
						     internal_action(block, internal));
	return 0;
}

/* QEMU has another working directory. */
static int absolute(struct disks *disks, const char *file, char *path, size_t size)
{
	char here[PATH_MAX] = "";
	int n;

	if (*file != '/' && !getcwd(here, sizeof(here)))
		return failed(disks, -errno, "cannot name %s: %s", file, strerror(errno));
	n = snprintf(path, size, "%s%s%s", here, *here ? "/" : "", file);
	if (n < 0 || (size_t)n >= size)
		return failed(disks, -ENAMETOOLONG, "cannot name %s: too long", file);
	return 0;
}

static int add_named(struct disks *disks, const json_t *blocks, const char *named, const char *internal)
{
	const char *file = internal ? NULL : strchr(named, '=');
	char *name = file ? strndup(named, (size_t)(file - named)) : strdup(named);
	char path[PATH_MAX];
	int ret = -ENODEV;
	json_t *block;
	size_t i;

	if (!name)
		return -ENOMEM;
	failed(disks, ret, "cannot snapshot %s: QEMU has no writable disk of that name", name);
	json_array_foreach((json_t *)blocks, i, block) {
		if (!is_disk(block) || !is_called(block, name))
			continue;
		ret = file ? absolute(disks, file + 1, path, sizeof(path)) : 0;
		if (ret == 0)
			ret = add(disks, block, file ? path : NULL, internal);
		break;
	}
	free(name);
	return ret;
}

/* A file's name out of a disk's: QEMU makes up names like #block123. */
static int path_into(struct disks *disks, const char *into, const json_t *block, char *path, size_t size)
{
	char file[PATH_MAX], id[NAME_LENGTH];
	int n = snprintf(file, sizeof(file), "%s/%s.qcow2", into, name_of(block, id, sizeof(id)));

	if (n < 0 || (size_t)n >= sizeof(file))
		return failed(disks, -ENAMETOOLONG, "cannot name a file in %s: too long", into);
	for (char *c = file + strlen(into) + 1; *c; c++)
		if (*c == '/' || *c == '#')
			*c = '_';
	return absolute(disks, file, path, size);
}

static int add_all(struct disks *disks, const json_t *blocks, const struct disks_request *request)
{
	char path[PATH_MAX];
	int ret = 0;
	json_t *block;
	size_t i;

	json_array_foreach((json_t *)blocks, i, block) {
		if (!is_disk(block))
			continue;
		if (request->into)
			ret = path_into(disks, request->into, block, path, sizeof(path));
		if (ret == 0)
			ret = add(disks, block, request->into ? path : NULL, request->internal);
		if (ret < 0)
			return ret;
	}
	if (json_array_size(disks->actions) == 0)
		return failed(disks, -ENODEV, "cannot snapshot: the guest has no writable disk");
	return 0;
}

int disks_plan(struct disks *disks, const struct disks_request *request, struct qmp *qmp, int64_t end)
{
	json_t *blocks = NULL;
	int ret;

	*disks = (struct disks){ json_array(), json_array(), json_array(), "" };
	ret = qmp_call(qmp, "query-block", NULL, end, &blocks);
	if (ret < 0)
		return failed(disks, ret, "cannot ask for the disks: %s", qmp_error(qmp, ret));
	if (!*request->named)
		ret = add_all(disks, blocks, request);
	for (const char *const *named = request->named; *named && ret == 0; named++)
		ret = add_named(disks, blocks, *named, request->internal);
	json_decref(blocks);
	return ret;
}

void disks_clear(struct disks *disks)
{
	json_decref(disks->actions);
	json_decref(disks->names);
	json_decref(disks->files);
}

void disks_remove_files(const struct disks *disks)
{
	json_t *file;
	size_t i;

	json_array_foreach(disks->files, i, file)
		unlink(json_string_value(file));
}
