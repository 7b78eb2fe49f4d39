/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "namespaces.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * namespaces(7): two processes are in the same one when this link says the same. Reading it
 * costs less than following it, and there may be thousands of processes.
 */
static gboolean namespace_of(const char *process, guint64 *inode)
{
	char path[64], text[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", process);
	length = readlink(path, text, sizeof(text) - 1);
	if (length < 0)
		return FALSE;
	text[length] = '\0';
	return sscanf(text, "mnt:[%" G_GUINT64_FORMAT "]", inode) == 1;
}

GArray *namespaces_other(void)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	g_autoptr(GDir) dir = g_dir_open("/proc", 0, NULL);
	GArray *processes = g_array_new(FALSE, FALSE, sizeof(pid_t));
	const char *name;
	guint64 inode;

	/* Linux before 3.8 has no such file, and then nothing is added. */
	if (!dir || !namespace_of("self", &inode))
		return processes;
	g_hash_table_add(seen, g_memdup2(&inode, sizeof(inode)));
	while ((name = g_dir_read_name(dir))) {
		pid_t pid = atoi(name);

		if (pid > 0 && namespace_of(name, &inode) &&
		    g_hash_table_add(seen, g_memdup2(&inode, sizeof(inode))))
			g_array_append_val(processes, pid);
	}
	return processes;
}
