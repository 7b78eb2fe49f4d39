/* SPDX-License-Identifier: GPL-2.0 */
/* The front door for programs: /dev/fsfreeze. */
#ifndef FSFREEZE_CHARDEV_H
#define FSFREEZE_CHARDEV_H

int fsfreeze_chardev_register(void);
void fsfreeze_chardev_unregister(void);

#endif
