// SPDX-License-Identifier: GPL-2.0-or-later
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "command.h"
#include "error.h"

#define IMAGE SCRATCH_BASE "/guest-tools-scratch.image"
#define MIB   (1024L * 1024)

/* The first whose program is there. The image is sparse. */
static const struct {
	const char *program, *option, *type;
	long size;
} kinds[] = {
	{ "mkfs.ext4", "-q", "ext4", 8 * MIB },
	{ "mkfs.ext3", "-q", "ext3", 8 * MIB },
	{ "mkfs.xfs", "-q", "xfs", 512 * MIB },
	{ "mkfs.btrfs", "-q", "btrfs", 256 * MIB },
	{ "mkfs.vfat", "-I", "vfat", 8 * MIB },
};

/* The number of a free one; 0 is as good as any where the kernel cannot tell (before 3.1). */
static int free_loop(void)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int number = control < 0 ? 0 : ioctl(control, LOOP_CTL_GET_FREE);

	if (control >= 0)
		close(control);
	return number < 0 ? 0 : number;
}

/* Detaches itself at its last close. Another may take the free one before us, so some are tried. */
static int attach(int image, char *path, gsize size)
{
	struct loop_info64 info = { .lo_flags = LO_FLAGS_AUTOCLEAR };
	int first = free_loop();

	for (int i = first; i < first + 8; i++) {
		snprintf(path, size, "/dev/loop%d", i);
		int loop = open(path, O_RDWR | O_CLOEXEC);

		if (loop < 0)
			return -1;
		if (ioctl(loop, LOOP_SET_FD, image) == 0 && ioctl(loop, LOOP_SET_STATUS64, &info) == 0)
			return loop;
		int cause = errno;

		close(loop);
		errno = cause;
		if (cause != EBUSY)
			break;
	}
	return -1;
}

static gboolean own_namespace(GError **err)
{
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount("scratch", SCRATCH_BASE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") == 0 &&
	    mkdir(SCRATCH_DIR, 0700) == 0)
		return TRUE;
	return setup_fail_errno(err, SETUP_REFUSED, "cannot have mounts of its own");
}

static gboolean format(const struct root *root, gsize kind, const char *program, const char *device,
		       GError **err)
{
	const char *const argv[] = { program, kinds[kind].option, device, NULL };
	g_autoptr(GString) output = g_string_new(NULL);
	int status = command_run(root, argv, COMMAND_INTERRUPTIBLE, output, err);

	if (status <= 0)
		return status == 0;
	g_autofree char *words = command_last_line(output);

	return setup_fail(err, SETUP_REFUSED, "cannot make a file system on %s: %s says: %s", device,
			  kinds[kind].program, words);
}

static gboolean fill(const struct root *root, gsize kind, const char *program,
		     struct scratch *scratch, GError **err)
{
	char device[32] = "a loop device";
	int image = open(IMAGE, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int loop = image >= 0 && ftruncate(image, kinds[kind].size) == 0 ?
			   attach(image, device, sizeof(device)) :
			   -1;
	gboolean good = loop >= 0 || setup_fail_errno(err, SETUP_REFUSED, "cannot set up %s", device);

	good = good && format(root, kind, program, device, err);
	if (good && mount(device, SCRATCH_DIR, kinds[kind].type, 0, NULL) < 0)
		good = setup_fail_errno(err, SETUP_REFUSED, "cannot mount the %s on %s",
					kinds[kind].type, device);
	if (loop >= 0)
		close(loop);
	if (image >= 0)
		close(image);
	scratch->type = kinds[kind].type;
	scratch->fd = good ? open(SCRATCH_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	return good;
}

gboolean scratch_make(const struct root *root, struct scratch *scratch, GError **err)
{
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *program = root_find_program(root, kinds[i].program);

		if (program)
			return own_namespace(err) && fill(root, i, program, scratch, err);
	}
	return setup_fail(err, SETUP_REFUSED, "cannot make a file system: there is no mkfs here for "
					      "ext4, ext3, xfs, btrfs or vfat");
}

void scratch_clear(struct scratch *scratch)
{
	if (scratch->fd < 0)
		return;
	/* Not frozen is an error of no interest. */
	ioctl(scratch->fd, FITHAW, 0);
	close(scratch->fd);
	scratch->fd = -1;
	umount2(SCRATCH_DIR, MNT_DETACH);
}
