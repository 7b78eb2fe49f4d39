// SPDX-License-Identifier: GPL-2.0-or-later
#include "kernels.h"

#include <string.h>
#include <sys/utsname.h>

static const char *const module_dirs[] = { "/lib/modules", "/usr/lib/modules" };

static void kernel_free(gpointer data)
{
	struct kernel *kernel = data;

	g_free(kernel->release);
	g_free(kernel->headers);
	g_free(kernel->module);
	g_free(kernel);
}

/*
 * Removed kernels leave directories behind in which only built modules or links are. A kernel
 * has its own modules' list there, or its image.
 */
static gboolean is_kernel(const struct root *root, const char *dir, const char *release)
{
	static const char *const marks[] = { "modules.builtin", "modules.order", "kernel",
					     "vmlinuz" };
	g_autofree char *image = g_strdup_printf("/boot/vmlinuz-%s", release);

	for (gsize i = 0; i < G_N_ELEMENTS(marks); i++) {
		g_autofree char *path = g_build_filename(dir, marks[i], NULL);

		if (root_exists(root, path))
			return TRUE;
	}
	return root_exists(root, image);
}

/* A directory modules can be built in has a Makefile and the kernel's configuration. */
static gboolean can_build_in(const struct root *root, const char *dir)
{
	g_autofree char *makefile = g_build_filename(dir, "Makefile", NULL);
	g_autofree char *config = g_build_filename(dir, ".config", NULL);
	g_autofree char *autoconf = g_build_filename(dir, "include/generated/autoconf.h", NULL);

	return root_exists(root, makefile) &&
	       (root_exists(root, config) || root_exists(root, autoconf));
}

static char *find_headers(const struct root *root, const char *dir, const char *release)
{
	g_autofree char *build = g_build_filename(dir, "build", NULL);
	static const char *const places[] = { "/usr/src/linux-headers-", "/usr/src/kernels/",
					      "/usr/src/linux-" };

	if (can_build_in(root, build))
		return g_steal_pointer(&build);
	for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
		g_autofree char *path = g_strconcat(places[i], release, NULL);

		if (can_build_in(root, path))
			return g_steal_pointer(&path);
	}
	return NULL;
}

/* virtio_fsfreeze.ko, or .ko.xz and the like, in one of the directories for added modules. */
char *kernels_find_module(const struct root *root, const char *release)
{
	static const char *const dirs[] = { "updates/dkms", "updates", "updates/guest-tools", "extra",
					    "weak-updates", "kernel/drivers/virtio" };

	for (gsize i = 0; i < G_N_ELEMENTS(module_dirs) * G_N_ELEMENTS(dirs); i++) {
		g_autofree char *dir = g_build_filename(module_dirs[i / G_N_ELEMENTS(dirs)], release,
							dirs[i % G_N_ELEMENTS(dirs)], NULL);
		g_auto(GStrv) names = root_list(root, dir);

		for (char **name = names; *name; name++)
			if (g_str_has_prefix(*name, "virtio_fsfreeze.ko"))
				return g_build_filename(dir, *name, NULL);
	}
	return NULL;
}

static gboolean is_known(const GPtrArray *kernels, const char *release)
{
	for (guint i = 0; i < kernels->len; i++)
		if (strcmp(((struct kernel *)kernels->pdata[i])->release, release) == 0)
			return TRUE;
	return FALSE;
}

static void add_from(const struct root *root, const char *base, GPtrArray *kernels)
{
	g_auto(GStrv) releases = root_list(root, base);
	struct utsname running = { 0 };

	if (root_is_live(root))
		uname(&running);
	for (char **release = releases; *release; release++) {
		g_autofree char *dir = g_build_filename(base, *release, NULL);
		struct kernel *kernel;

		if (!g_ascii_isdigit(**release) || is_known(kernels, *release) ||
		    !g_utf8_validate(*release, -1, NULL) || !is_kernel(root, dir, *release))
			continue;
		kernel = g_new0(struct kernel, 1);
		kernel->release = g_strdup(*release);
		kernel->headers = find_headers(root, dir, *release);
		kernel->running = strcmp(running.release, *release) == 0;
		kernel->module = kernels_find_module(root, *release);
		g_ptr_array_add(kernels, kernel);
	}
}

static int by_version(gconstpointer a, gconstpointer b)
{
	const struct kernel *const *left = a, *const *right = b;

	return strverscmp((*left)->release, (*right)->release);
}

GPtrArray *kernels_detect(const struct root *root)
{
	GPtrArray *kernels = g_ptr_array_new_with_free_func(kernel_free);

	for (gsize i = 0; i < G_N_ELEMENTS(module_dirs); i++)
		add_from(root, module_dirs[i], kernels);
	g_ptr_array_sort(kernels, by_version);
	return kernels;
}
