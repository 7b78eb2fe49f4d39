/* SPDX-License-Identifier: GPL-2.0 */
/* The front door for hosts without the device: a serial port or a virtio console. */
#ifndef FSFREEZE_CHANNEL_H
#define FSFREEZE_CHANNEL_H

int fsfreeze_channel_register(void);
void fsfreeze_channel_unregister(void);

#endif
