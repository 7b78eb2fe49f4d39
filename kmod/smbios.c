// SPDX-License-Identifier: GPL-2.0
/*
 * The OEM strings of SMBIOS, a structure of type 11: text that every hypervisor lets
 * its operator add to a guest, in libvirt as <oemStrings>.
 */
#include "smbios.h"

#include <linux/dmi.h>
#include <linux/string.h>

/**
 * fsfreeze_smbios_string - what follows a prefix in an OEM string
 * @prefix: what the string begins with
 *
 * Return: the rest of the first one, the kernel's for ever, or NULL when there is none
 */
const char *fsfreeze_smbios_string(const char *prefix)
{
	const struct dmi_device *device = NULL;

	while ((device = dmi_find_device(DMI_DEV_TYPE_OEM_STRING, NULL, device)))
		if (device->name && !strncmp(device->name, prefix, strlen(prefix)))
			return device->name + strlen(prefix);
	return NULL;
}
