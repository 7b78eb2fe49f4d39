// SPDX-License-Identifier: GPL-2.0
/*
 * The module as one unit of compilation: the kernel's headers, which are most of
 * the work, are read once instead of once for each part.
 */
#include "main.c"
#include "chardev.c"
#include "session.c"
#include "virtio.c"
#include "channel.c"
#include "smbios.c"
#include "engine.c"
#include "op.c"
#include "entry.c"
#include "enumeration.c"
#include "devices.c"
#include "loop.c"
#include "order.c"
#include "selection.c"
#include "statistics.c"
#include "crew.c"
#include "freezer.c"
#include "watchdog.c"
#include "hooks.c"
