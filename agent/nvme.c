/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nvme.h"

#include <fcntl.h>
#include <glib.h>
#include <linux/nvme_ioctl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* NVM Express base specification: Get Log Page, SMART / Health Information. */
#define GET_LOG_PAGE   0x02
#define SMART_LOG      0x02
#define RETAIN_EVENT   (1u << 15)
#define ALL_NAMESPACES 0xffffffffu
#define LOG_SIZE       512

/* Where a number is in the log, how many bytes; those of 16 are told in two halves. */
static const struct field {
	const char *name;
	guint offset, size;
} fields[] = {
	{ "critical-warning", 0, 1 },
	{ "temperature", 1, 2 },
	{ "available-spare", 3, 1 },
	{ "available-spare-threshold", 4, 1 },
	{ "percentage-used", 5, 1 },
	{ "data-units-read", 32, 16 },
	{ "data-units-written", 48, 16 },
	{ "host-read-commands", 64, 16 },
	{ "host-write-commands", 80, 16 },
	{ "controller-busy-time", 96, 16 },
	{ "power-cycles", 112, 16 },
	{ "power-on-hours", 128, 16 },
	{ "unsafe-shutdowns", 144, 16 },
	{ "media-errors", 160, 16 },
	{ "number-of-error-log-entries", 176, 16 },
};

static gboolean read_log(const char *node, guint8 log[LOG_SIZE])
{
	struct nvme_admin_cmd command = {
		.opcode = GET_LOG_PAGE,
		.nsid = ALL_NAMESPACES,
		.addr = (__u64)(uintptr_t)log,
		.data_len = LOG_SIZE,
		.cdw10 = SMART_LOG | RETAIN_EVENT | ((LOG_SIZE / 4 - 1) << 16),
	};
	int fd = open(node, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int status;

	if (fd < 0)
		return FALSE;
	status = ioctl(fd, NVME_IOCTL_ADMIN_CMD, &command);
	close(fd);
	return status == 0;
}

static json_int_t number(const guint8 *bytes, guint size)
{
	guint64 value = 0;

	while (size-- > 0)
		value = value << 8 | bytes[size];
	return (json_int_t)value;
}

json_t *nvme_smart(const char *node)
{
	guint8 log[LOG_SIZE];
	json_t *object;

	if (!read_log(node, log))
		return NULL;
	object = json_pack("{s:s}", "type", "nvme");
	for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
		const struct field *field = &fields[i];
		g_autofree char *low = g_strconcat(field->name, "-lo", NULL);
		g_autofree char *high = g_strconcat(field->name, "-hi", NULL);

		if (field->size <= 8) {
			json_object_set_new(object, field->name,
					    json_integer(number(log + field->offset, field->size)));
			continue;
		}
		json_object_set_new(object, low, json_integer(number(log + field->offset, 8)));
		json_object_set_new(object, high, json_integer(number(log + field->offset + 8, 8)));
	}
	return object;
}
