/* SPDX-License-Identifier: GPL-2.0 */
/* What the hypervisor tells the guest's kernel before anything runs. */
#ifndef FSFREEZE_SMBIOS_H
#define FSFREEZE_SMBIOS_H

const char *fsfreeze_smbios_string(const char *prefix);

#endif
