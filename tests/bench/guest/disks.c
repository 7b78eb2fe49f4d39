// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

static char points[MOST_IMAGES + 2][32];
static unsigned int images_mounted;
static bool images_there;

static void add_image(unsigned int i)
{
	char file[64], node[32], point[32];

	snprintf(file, sizeof(file), IMAGES_POINT "/%u.img", i);
	snprintf(node, sizeof(node), "/dev/loop%u", i);
	snprintf(point, sizeof(point), "/mnt/%u", i);
	loop_attach(file, i);
	mkdir(point, 0755);
	if (mount(node, point, "ext4", 0, NULL))
		fail("mount %s: %s", node, strerror(errno));
}

/* There are the root, and with images the disk they are on; never fewer than before. */
void disks_mount(unsigned int images)
{
	unsigned int i;

	if (images && !images_there) {
		if (mount("/dev/vdb", IMAGES_POINT, "ext4", 0, NULL))
			fail("mount /dev/vdb: %s", strerror(errno));
		images_there = true;
	}
	for (; images_mounted < images; images_mounted++)
		add_image(images_mounted);
	for (i = 0; i < images; i++)
		snprintf(points[i], sizeof(points[i]), "/mnt/%u", i);
	strcpy(points[i], "/");
	strcpy(points[i + 1], IMAGES_POINT);
}

unsigned int disks_nr(void)
{
	return images_mounted + 1 + images_there;
}

const char *disks_point(unsigned int i)
{
	return points[i];
}

/* Where each rank ends: everything but what the images are on, and then that. */
unsigned int disks_ranks(unsigned int *ends)
{
	ends[0] = images_mounted + 1;
	ends[1] = disks_nr();
	return 1 + images_there;
}
