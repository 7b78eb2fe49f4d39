/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "namespaces.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* namespaces(7): two processes are in the same one when this file is the same. */
static gboolean namespace_of(const char *process, guint64 *inode)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%s/ns/mnt", process);
	if (stat(path, &st) < 0)
		return FALSE;
	*inode = st.st_ino;
	return TRUE;
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
