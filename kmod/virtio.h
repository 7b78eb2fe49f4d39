/* SPDX-License-Identifier: GPL-2.0 */
/* The front door for the hypervisor: a virtio device. */
#ifndef FSFREEZE_VIRTIO_H
#define FSFREEZE_VIRTIO_H

#include <linux/kconfig.h>

#if IS_REACHABLE(CONFIG_VIRTIO)
int fsfreeze_virtio_register(void);
void fsfreeze_virtio_unregister(void);
#else
static inline int fsfreeze_virtio_register(void)
{
	return 0;
}
static inline void fsfreeze_virtio_unregister(void)
{
}
#endif

#endif
