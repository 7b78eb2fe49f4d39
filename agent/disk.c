/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "disk.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "encode.h"
#include "nvme.h"
#include "sysfs.h"

#define BLOCK "/sys/block"
/* dm on md on dm ... is never as deep as this. */
#define DEPTH_MAX 16

/* What the path of a device says: buses from the outermost to the disk. */
struct place {
	gboolean has_pci, has_scsi;
	guint domain, bus, slot, function; /* the last PCI device in it */
	guint host, channel, target, lun;  /* SCSI */
	char *controller;                  /* directory of that PCI device */
};

static void place_parse(const char *path, struct place *place)
{
	g_auto(GStrv) words = g_strsplit(path, "/", -1);
	GString *directory = g_string_new(NULL);
	int end;

	for (char **word = words; *word; word++) {
		guint a, b, c, d;

		g_string_append_printf(directory, "%s%s", word == words ? "" : "/", *word);
		end = 0;
		if (sscanf(*word, "%x:%x:%x.%x%n", &a, &b, &c, &d, &end) == 4 && !(*word)[end]) {
			place->domain = a, place->bus = b, place->slot = c, place->function = d;
			place->has_pci = TRUE;
			g_free(place->controller);
			place->controller = g_strdup(directory->str);
		}
		end = 0;
		if (sscanf(*word, "%u:%u:%u:%u%n", &a, &b, &c, &d, &end) == 4 && !(*word)[end]) {
			place->host = a, place->channel = b, place->target = c, place->lun = d;
			place->has_scsi = TRUE;
		}
	}
	g_string_free(directory, TRUE);
}

/* The how-manieth of its controller's SCSI hosts a disk is at: a bus of IDE, a port of SATA. */
static gint64 host_rank(const struct place *place)
{
	g_auto(GStrv) atas = sysfs_list(place->controller, "ata");
	g_auto(GStrv) plain = sysfs_list(place->controller, "host");
	gint64 rank = 0;

	for (char **name = plain; name && *name; name++, rank++)
		if ((guint)atoi(*name + strlen("host")) == place->host)
			return rank;
	rank = 0;
	for (char **name = atas; name && *name; name++, rank++) {
		g_autofree char *path =
			g_strdup_printf("%s/%s/host%u", place->controller, *name, place->host);

		if (g_file_test(path, G_FILE_TEST_IS_DIR))
			return rank;
	}
	return 0;
}

/* --- bus types: by the driver of the controller, then by what the path has in it - */

struct address {
	const char *bus_type;
	gint64 bus, target, unit;
};

static void on_ide(const struct place *place, struct address *address)
{
	address->bus = host_rank(place);
	address->unit = place->target;
}

static void on_sata(const struct place *place, struct address *address)
{
	address->unit = host_rank(place);
}

static void on_lsi(const struct place *place, struct address *address)
{
	address->unit = place->target;
}

static void on_scsi(const struct place *place, struct address *address)
{
	address->bus = place->channel;
	address->target = place->target;
	address->unit = place->lun;
}

static const struct bus {
	const char *driver;  /* of the PCI device, or NULL for any */
	const char *pattern; /* in the path, or NULL for any */
	gboolean scsi;       /* only for disks with a SCSI address */
	const char *type;
	void (*number)(const struct place *place, struct address *address);
} buses[] = {
	{ NULL, "/usb", FALSE, "usb", NULL },        { "ata_piix", NULL, TRUE, "ide", on_ide },
	{ "pata_", NULL, TRUE, "ide", on_ide },      { "ahci", NULL, TRUE, "sata", on_sata },
	{ "sym53c8xx", NULL, TRUE, "scsi", on_lsi }, { NULL, "/mmc", FALSE, "mmc", NULL },
	{ NULL, "/vbd-", FALSE, "xen", NULL },       { NULL, "/floppy", FALSE, "fdc", NULL },
	{ "nvme", NULL, FALSE, "nvme", NULL },       { NULL, "/nvme", FALSE, "nvme", NULL },
	{ NULL, NULL, TRUE, "scsi", on_scsi },       { NULL, "/virtio", FALSE, "virtio", NULL },
	{ NULL, NULL, FALSE, "unknown", NULL },
};

static gboolean matches(const struct bus *bus, const char *driver, const char *path,
			const struct place *place)
{
	return (!bus->scsi || place->has_scsi) && (!bus->pattern || strstr(path, bus->pattern)) &&
	       (!bus->driver || (driver && g_str_has_prefix(driver, bus->driver)));
}

static struct address address_of(const char *path, const struct place *place)
{
	g_autofree char *driver =
		place->has_pci ? sysfs_link("%s/driver", place->controller) : NULL;
	struct address address = { 0 };

	for (guint i = 0; i < G_N_ELEMENTS(buses); i++) {
		if (!matches(&buses[i], driver, path, place))
			continue;
		address.bus_type = buses[i].type;
		if (buses[i].number)
			buses[i].number(place, &address);
		break;
	}
	return address;
}

/* --- one disk ---------------------------------------------------------------- */

/* The device's node as the kernel names it: "/dev/mapper/..." are udev's links. */
static char *node_of(const char *path)
{
	g_autofree char *file = g_build_filename(path, "uevent", NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	g_autofree char *name = NULL;

	if (g_file_get_contents(file, &text, NULL, NULL)) {
		lines = g_strsplit(text, "\n", -1);
		for (char **line = lines; *line; line++)
			if (g_str_has_prefix(*line, "DEVNAME="))
				return g_build_filename("/dev", *line + strlen("DEVNAME="), NULL);
	}
	name = g_path_get_basename(path);
	return g_build_filename("/dev", g_strdelimit(name, "!", '/'), NULL);
}

/* What udev found out, from its database. */
static char *udev_serial(const char *path)
{
	g_autofree char *number = sysfs_read("%s/dev", path);
	g_autofree char *file = g_strdup_printf("/run/udev/data/b%s", number ? number : "");
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!g_file_get_contents(file, &text, NULL, NULL))
		return NULL;
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		if (g_str_has_prefix(*line, "E:ID_SERIAL="))
			return g_strdup(*line + strlen("E:ID_SERIAL="));
	return NULL;
}

static char *serial_of(const char *path, const char *disk)
{
	char *serial = udev_serial(path);

	if (!serial)
		serial = sysfs_read("%s/serial", disk);
	if (!serial)
		serial = sysfs_read("%s/device/serial", disk);
	if (serial && !*serial)
		g_clear_pointer(&serial, g_free);
	return serial;
}

static json_t *pci_of(const struct place *place)
{
	if (!place->has_pci)
		return json_pack("{s:i, s:i, s:i, s:i}", "domain", -1, "bus", -1, "slot", -1,
				 "function", -1);
	return json_pack("{s:i, s:i, s:i, s:i}", "domain", place->domain, "bus", place->bus, "slot",
			 place->slot, "function", place->function);
}

/* @path: the resolved directory of a disk or partition. */
static json_t *address_to_json(const char *path)
{
	struct place place = { 0 };
	struct address address;
	g_autofree char *partition = sysfs_read("%s/partition", path);
	g_autofree char *disk = partition ? g_path_get_dirname(path) : g_strdup(path);
	g_autofree char *serial = serial_of(path, disk), *node = node_of(path);
	json_t *object;

	place_parse(path, &place);
	address = address_of(path, &place);
	object = json_pack("{s:s, s:I, s:I, s:I, s:o, s:o}", "bus-type", address.bus_type, "bus",
			   (json_int_t)address.bus, "target", (json_int_t)address.target, "unit",
			   (json_int_t)address.unit, "pci-controller", pci_of(&place), "dev",
			   encode_text(node));
	if (serial)
		json_object_set_new(object, "serial", encode_text(serial));
	g_free(place.controller);
	return object;
}

static gboolean is_virtual(const char *path)
{
	return strstr(path, "/devices/virtual/") != NULL;
}

static char *directory_of(const char *path)
{
	char *resolved = realpath(path, NULL);
	char *copy = g_strdup(resolved);

	free(resolved);
	return copy;
}

static char *directory_of_dev(dev_t dev)
{
	g_autofree char *path = g_strdup_printf("/sys/dev/block/%u:%u", major(dev), minor(dev));

	return directory_of(path);
}

char *disk_name(dev_t dev)
{
	g_autofree char *path = directory_of_dev(dev);

	return path ? g_path_get_basename(path) : NULL;
}

static void add_addresses(const char *path, json_t *list, guint level)
{
	g_autofree char *partition = sysfs_read("%s/partition", path);
	g_autofree char *disk = partition ? g_path_get_dirname(path) : g_strdup(path);
	g_autofree char *slaves = g_build_filename(disk, "slaves", NULL);
	g_auto(GStrv) names = NULL;

	if (level >= DEPTH_MAX)
		return;
	if (!is_virtual(path)) {
		json_array_append_new(list, address_to_json(path));
		return;
	}
	names = sysfs_list(slaves, "");
	for (char **name = names; name && *name; name++) {
		g_autofree char *link = g_build_filename(slaves, *name, NULL);
		g_autofree char *slave = directory_of(link);

		if (slave)
			add_addresses(slave, list, level + 1);
	}
}

void disk_add_addresses(dev_t dev, json_t *list)
{
	g_autofree char *path = directory_of_dev(dev);

	if (path)
		add_addresses(path, list, 0);
}

/* --- all disks --------------------------------------------------------------- */

static json_t *dependencies_of(const char *path)
{
	g_autofree char *slaves = g_build_filename(path, "slaves", NULL);
	g_auto(GStrv) names = sysfs_list(slaves, "");
	json_t *list = json_array();

	for (char **name = names; name && *name; name++) {
		g_autofree char *slave = g_build_filename(slaves, *name, NULL);
		g_autofree char *node = node_of(slave);

		json_array_append_new(list, encode_text(node));
	}
	return list;
}

static void add_partitions(const char *path, const char *disk, json_t *list)
{
	g_autofree char *base = g_path_get_basename(path);
	g_auto(GStrv) names = sysfs_list(path, base);

	for (char **name = names; name && *name; name++) {
		g_autofree char *directory = g_build_filename(path, *name, NULL);
		g_autofree char *number = sysfs_read("%s/partition", directory);
		g_autofree char *node = node_of(directory);

		if (number)
			json_array_append_new(list, json_pack("{s:o, s:b, s:[o]}", "name",
							      encode_text(node), "partition", 1,
							      "dependencies", encode_text(disk)));
	}
}

static void add_disk(const char *path, json_t *list)
{
	g_autofree char *alias = sysfs_read("%s/dm/name", path), *node = node_of(path);
	json_t *smart = NULL;
	json_t *disk = json_pack("{s:o, s:b, s:o}", "name", encode_text(node), "partition", 0,
				 "dependencies", dependencies_of(path));

	if (alias && *alias)
		json_object_set_new(disk, "alias", encode_text(alias));
	if (!is_virtual(path)) {
		json_t *address = address_to_json(path);
		const char *type = json_string_value(json_object_get(address, "bus-type"));

		if (!strcmp(type, "nvme"))
			smart = nvme_smart(node);
		json_object_set_new(disk, "address", address);
	}
	if (smart)
		json_object_set_new(disk, "smart", smart);
	json_array_append_new(list, disk);
	add_partitions(path, node, list);
}

json_t *disks_list(void)
{
	g_auto(GStrv) names = sysfs_list(BLOCK, "");
	json_t *list = json_array();

	for (char **name = names; name && *name; name++) {
		g_autofree char *link = g_build_filename(BLOCK, *name, NULL);
		g_autofree char *path = directory_of(link);
		g_autofree char *size = path ? sysfs_read("%s/size", path) : NULL;

		if (size && strcmp(size, "0") != 0)
			add_disk(path, list);
	}
	return list;
}
