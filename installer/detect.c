// SPDX-License-Identifier: GPL-2.0-or-later
#include "detect.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "init.h"
#include "selinux.h"

static const struct {
	guint16 machine;
	guint8 class;
	guint8 data;
	const char *name;
	const char *uname;
} architectures[] = {
	{ EM_X86_64, ELFCLASS64, ELFDATA2LSB, "amd64", "x86_64" },
	{ EM_386, ELFCLASS32, ELFDATA2LSB, "i386", "i686" },
	{ EM_AARCH64, ELFCLASS64, ELFDATA2LSB, "arm64", "aarch64" },
	{ EM_ARM, ELFCLASS32, ELFDATA2LSB, "armhf", "armv7l" },
	{ EM_PPC64, ELFCLASS64, ELFDATA2LSB, "ppc64el", "ppc64le" },
	{ EM_S390, ELFCLASS64, ELFDATA2MSB, "s390x", "s390x" },
	{ 243, ELFCLASS64, ELFDATA2LSB, "riscv64", "riscv64" },
};

/* The machine's own byte order is not the file's: take the two bytes as the file has them. */
static const char *architecture_of_elf(const guint8 *head)
{
	gboolean big = head[EI_DATA] == ELFDATA2MSB;
	guint16 machine = big ? head[18] << 8 | head[19] : head[19] << 8 | head[18];

	for (gsize i = 0; i < G_N_ELEMENTS(architectures); i++)
		if (architectures[i].machine == machine &&
		    architectures[i].class == head[EI_CLASS] &&
		    architectures[i].data == head[EI_DATA])
			return architectures[i].name;
	return NULL;
}

/* Userland's architecture, by what it runs: a 32-bit userland may have a 64-bit kernel. */
static const char *detect_architecture(const struct root *root)
{
	static const char *const programs[] = { "/bin/sh", "/usr/bin/dpkg", "/bin/busybox",
						"/bin/cat", "/sbin/init" };
	struct utsname running;

	for (gsize i = 0; i < G_N_ELEMENTS(programs); i++) {
		guint8 head[20] = { 0 };
		int fd = root_open(root, programs[i], O_RDONLY | O_NONBLOCK, 0);
		ssize_t got = fd < 0 ? 0 : read(fd, head, sizeof(head));

		if (fd >= 0)
			close(fd);
		if (got == sizeof(head) && memcmp(head, ELFMAG, SELFMAG) == 0 &&
		    architecture_of_elf(head))
			return architecture_of_elf(head);
	}
	if (!root_is_live(root) || uname(&running) < 0)
		return "unknown";
	for (gsize i = 0; i < G_N_ELEMENTS(architectures); i++)
		if (strcmp(architectures[i].uname, running.machine) == 0)
			return architectures[i].name;
	return "unknown";
}

static const char *detect_libc(const struct root *root)
{
	static const struct {
		const char *dir, *prefix, *libc;
	} loaders[] = {
		{ "/lib", "ld-musl-", "musl" },	   { "/lib64", "ld-linux", "glibc" },
		{ "/lib", "ld-linux", "glibc" },   { "/lib64", "ld64.so", "glibc" },
		{ "/usr/lib", "ld-linux", "glibc" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(loaders); i++) {
		g_auto(GStrv) names = root_list(root, loaders[i].dir);

		for (char **name = names; *name; name++)
			if (g_str_has_prefix(*name, loaders[i].prefix))
				return loaders[i].libc;
	}
	return "unknown";
}

/* The variable's content is four bytes of attributes and then one that is the answer. */
static enum known detect_secure_boot(const struct root *root)
{
	static const char variable[] = "/sys/firmware/efi/efivars/"
				       "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
	gsize len = 0;
	g_autofree char *data = root_read(root, variable, 64, &len);

	if (data && len >= 5)
		return data[4] == 1 ? KNOWN_YES : KNOWN_NO;
	if (root_is_live(root) && root_is_dir(root, "/sys/kernel"))
		return root_is_dir(root, "/sys/firmware/efi") ? KNOWN_NOT : KNOWN_NO;
	return KNOWN_NOT;
}

static gboolean detect_read_only_usr(const struct root *root, const struct distribution *d)
{
	static const char image_based[] = " flatcar coreos cos bottlerocket opensuse-microos "
					  "sle-micro sl-micro opensuse-leap-micro ";
	g_autofree char *word = g_strdup_printf(" %s ", d->id);
	struct statvfs fs;
	int fd = root_open(root, "/usr", O_RDONLY | O_DIRECTORY, 0);
	gboolean read_only = fd >= 0 && fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY);

	if (fd >= 0)
		close(fd);
	return read_only || strstr(image_based, word) || root_exists(root, "/run/ostree-booted") ||
	       root_is_dir(root, "/ostree/repo");
}

/* Files that container managers leave for those inside; an image is in none. */
static const char *detect_container(const struct root *root)
{
	static const struct {
		const char *path, *name;
	} marks[] = {
		{ "/run/systemd/container", "container" }, { "/.dockerenv", "docker" },
		{ "/run/.containerenv", "podman" },	   { "/proc/vz", "openvz" },
	};

	for (gsize i = 0; root_is_live(root) && i < G_N_ELEMENTS(marks); i++)
		if (root_exists(root, marks[i].path))
			return marks[i].name;
	return NULL;
}

/* Programs of another architecture run where the kernel was taught to (binfmt_misc). */
static gboolean detect_can_execute(const struct root *root, const char *architecture)
{
	g_autoptr(SetupRoot) here = root_is_live(root) ? NULL : root_new("/", NULL);
	const char *ours;

	if (root_is_live(root))
		return TRUE;
	ours = here ? detect_architecture(here) : "unknown";
	return strcmp(architecture, ours) == 0 ||
	       (strcmp(architecture, "i386") == 0 && strcmp(ours, "amd64") == 0) ||
	       (strcmp(architecture, "arm64") == 0 &&
		g_file_test("/proc/sys/fs/binfmt_misc/qemu-aarch64", G_FILE_TEST_EXISTS));
}

/* An unknown distribution is the family whose package manager it has. */
static void refine_family(struct detection *d)
{
	static const struct {
		const char *program, *family;
	} tools[] = {
		{ "dpkg", "debian" },	      { "pacman", "arch" },	{ "apk", "alpine" },
		{ "xbps-install", "void" },   { "emerge", "gentoo" },	{ "zypper", "suse" },
		{ "dnf", "redhat" },	      { "yum", "redhat" },	{ "installpkg", "slackware" },
	};

	if (strcmp(d->distribution->family, "unknown"))
		return;
	for (gsize i = 0; i < G_N_ELEMENTS(tools); i++) {
		g_autofree char *program = root_find_program(d->root, tools[i].program);

		if (!program)
			continue;
		g_free(d->distribution->family);
		d->distribution->family = g_strdup(tools[i].family);
		return;
	}
}

static void detect_agents(struct detection *d)
{
	d->has_other_agent = agents_other(d->root, &d->other_agent);
	if (d->packages->query)
		d->agent_state = d->packages->query(d->root, AGENT_PACKAGE, &d->agent_version);
	d->agent_installed = d->agent_state == PACKAGE_INSTALLED ||
			     root_exists(d->root, AGENT_PROGRAM);
}

static char *find_compiler(const struct root *root)
{
	char *gcc = root_find_program(root, "gcc");

	return gcc ? gcc : root_find_program(root, "cc");
}

struct detection *detect(const struct root *root)
{
	struct detection *d = g_new0(struct detection, 1);

	d->root = root;
	d->distribution = distribution_detect(root);
	d->architecture = detect_architecture(root);
	d->libc = detect_libc(root);
	d->init = service_init(init_detect(root));
	d->init_runs = service_init_runs(root, d->init);
	d->packages = packages_detect(root);
	d->kernels = kernels_detect(root);
	d->dkms = root_find_program(root, "dkms");
	d->compiler = find_compiler(root);
	d->make = root_find_program(root, "make");
	d->can_execute = detect_can_execute(root, d->architecture);
	d->container = detect_container(root);
	d->selinux = selinux_mode(root);
	d->secure_boot = detect_secure_boot(root);
	d->read_only_usr = detect_read_only_usr(root, d->distribution);
	refine_family(d);
	detect_agents(d);
	return d;
}

void detection_free(struct detection *d)
{
	if (!d)
		return;
	distribution_free(d->distribution);
	g_ptr_array_unref(d->kernels);
	g_free(d->dkms);
	g_free(d->compiler);
	g_free(d->make);
	g_free(d->agent_version);
	g_free(d);
}

gboolean detect_module_loaded(const struct root *root)
{
	return root_is_live(root) && root_is_dir(root, "/sys/module/virtio_fsfreeze");
}
