/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_NVME_H
#define AGENT_NVME_H

#include <jansson.h>

/** nvme_smart() - the health log of an NVMe disk. Return: a new reference; NULL without one. */
json_t *nvme_smart(const char *node);

#endif
