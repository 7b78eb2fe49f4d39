/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "commands.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "encode.h"
#include "error.h"
#include "sysfs.h"

/* --- interfaces ---------------------------------------------------------------- */

static json_t *find_interface(json_t *list, const char *name)
{
	json_t *interface;
	size_t i;

	json_array_foreach (list, i, interface)
		if (!strcmp(json_string_value(json_object_get(interface, "name")), name))
			return interface;
	return NULL;
}

/* An address with a label is an interface of its own here, as in the QEMU agent: "eth0:1". */
static void add_hardware_address(json_t *interface, const char *name)
{
	struct ifreq request = { 0 };
	const guint8 *mac = (const guint8 *)request.ifr_hwaddr.sa_data;
	int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[18];

	g_strlcpy(request.ifr_name, name, sizeof(request.ifr_name));
	if (socket_fd >= 0 && ioctl(socket_fd, SIOCGIFHWADDR, &request) == 0) {
		g_snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
			   mac[2], mac[3], mac[4], mac[5]);
		json_object_set_new(interface, "hardware-address", json_string(text));
	}
	if (socket_fd >= 0)
		close(socket_fd);
}

static void add_statistics(json_t *interface, const char *name)
{
	static const struct {
		const char *member, *file;
	} counters[] = {
		{ "rx-bytes", "rx_bytes" }, { "rx-packets", "rx_packets" },
		{ "rx-errs", "rx_errors" }, { "rx-dropped", "rx_dropped" },
		{ "tx-bytes", "tx_bytes" }, { "tx-packets", "tx_packets" },
		{ "tx-errs", "tx_errors" }, { "tx-dropped", "tx_dropped" },
	};
	json_t *statistics = json_object();
	guint64 value;

	for (guint i = 0; i < G_N_ELEMENTS(counters); i++) {
		g_autofree char *text =
			sysfs_read("/sys/class/net/%s/statistics/%s", name, counters[i].file);

		if (text && sysfs_number(text, "", &value))
			json_object_set_new(statistics, counters[i].member,
					    json_integer((json_int_t)value));
	}
	if (json_object_size(statistics) == G_N_ELEMENTS(counters))
		json_object_set(interface, "statistics", statistics);
	json_decref(statistics);
}

static json_t *add_interface(json_t *list, const char *name)
{
	json_t *interface = json_object();

	json_object_set_new(interface, "name", encode_text(name));
	add_hardware_address(interface, name);
	add_statistics(interface, name);
	json_array_append_new(list, interface);
	return interface;
}

static guint count_bits(const guint8 *bytes, gsize length)
{
	guint bits = 0;

	for (gsize i = 0; i < length; i++)
		for (guint8 byte = bytes[i]; byte; byte = (guint8)(byte << 1))
			bits += byte >> 7;
	return bits;
}

/* The bytes of an address, or NULL for families that are not told. */
static const void *bytes_of(const struct sockaddr *address, gsize *length)
{
	if (address && address->sa_family == AF_INET) {
		*length = 4;
		return &((const struct sockaddr_in *)address)->sin_addr;
	}
	if (address && address->sa_family == AF_INET6) {
		*length = 16;
		return &((const struct sockaddr_in6 *)address)->sin6_addr;
	}
	return NULL;
}

static void add_address(json_t *interface, const struct ifaddrs *entry)
{
	json_t *list = json_object_get(interface, "ip-addresses");
	char text[INET6_ADDRSTRLEN];
	gsize length;
	const void *address = bytes_of(entry->ifa_addr, &length);
	const void *mask = bytes_of(entry->ifa_netmask, &length);

	if (!address || !inet_ntop(entry->ifa_addr->sa_family, address, text, sizeof(text)))
		return;
	if (!list) {
		list = json_array();
		json_object_set_new(interface, "ip-addresses", list);
	}
	json_array_append_new(list,
			      json_pack("{s:s, s:s, s:i}", "ip-address", text, "ip-address-type",
					entry->ifa_addr->sa_family == AF_INET ? "ipv4" : "ipv6",
					"prefix", mask ? (int)count_bits(mask, length) : 0));
}

static void interfaces_run(struct request *request, json_t *arguments)
{
	struct ifaddrs *entries;
	json_t *list;

	if (getifaddrs(&entries) < 0) {
		GError *error = NULL;

		agent_error_errno(&error, errno, "getifaddrs failed");
		request_fail(request, error);
		return;
	}
	list = json_array();
	for (struct ifaddrs *entry = entries; entry; entry = entry->ifa_next) {
		json_t *interface = find_interface(list, entry->ifa_name);

		if (!interface)
			interface = add_interface(list, entry->ifa_name);
		add_address(interface, entry);
	}
	freeifaddrs(entries);
	request_return(request, list);
}

/* --- routes: the kernel's tables of routes, proc(5) --------------------------------- */

/* /proc/net/route has addresses as numbers of the machine, whose bytes are in network order. */
static json_t *ipv4_text(guint32 address)
{
	char text[INET_ADDRSTRLEN];

	return json_string(inet_ntop(AF_INET, &address, text, sizeof(text)));
}

static json_t *ipv4_route(const char *line)
{
	guint destination, gateway, flags, mask;
	int refcnt, use, metric, mtu, window, irtt;
	char name[IFNAMSIZ];

	if (sscanf(line, "%15s %x %x %x %d %d %d %x %d %d %d", name, &destination, &gateway, &flags,
		   &refcnt, &use, &metric, &mask, &mtu, &window, &irtt) != 11)
		return NULL;
	return json_pack("{s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "iface",
			 encode_text(name), "destination", ipv4_text(destination), "gateway",
			 ipv4_text(gateway), "mask", ipv4_text(mask), "metric", metric, "flags",
			 (int)flags, "refcnt", refcnt, "use", use, "mtu", mtu, "window", window,
			 "irtt", irtt, "version", 4);
}

static json_t *ipv6_text(const char *hex)
{
	char text[INET6_ADDRSTRLEN];
	guint8 bytes[16];

	for (guint i = 0; i < sizeof(bytes); i++)
		bytes[i] = (guint8)(g_ascii_xdigit_value(hex[2 * i]) << 4 |
				    g_ascii_xdigit_value(hex[2 * i + 1]));
	return json_string(inet_ntop(AF_INET6, bytes, text, sizeof(text)));
}

static json_t *ipv6_route(const char *line)
{
	char destination[33], source[33], nexthop[33], name[IFNAMSIZ];
	guint destination_length, source_length, metric, refcnt, use, flags;

	if (sscanf(line, "%32[0-9a-f] %x %32[0-9a-f] %x %32[0-9a-f] %x %x %x %x %15s", destination,
		   &destination_length, source, &source_length, nexthop, &metric, &refcnt, &use,
		   &flags, name) != 10 ||
	    strlen(destination) != 32 || strlen(source) != 32 || strlen(nexthop) != 32)
		return NULL;
	g_autofree char *desprefixlen = g_strdup_printf("%u", destination_length);
	g_autofree char *srcprefixlen = g_strdup_printf("%u", source_length);

	return json_pack("{s:o, s:o, s:s, s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:i}", "iface",
			 encode_text(name), "destination", ipv6_text(destination), "desprefixlen",
			 desprefixlen, "source", ipv6_text(source), "srcprefixlen", srcprefixlen,
			 "nexthop", ipv6_text(nexthop), "metric", (json_int_t)metric, "refcnt",
			 (json_int_t)refcnt, "use", (json_int_t)use, "flags", (json_int_t)flags,
			 "version", 6);
}

/* A file that is not there is a protocol that the kernel does not have. */
static void add_routes(json_t *list, const char *path, json_t *(*parse)(const char *line))
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return;
	lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line; line++)
		/* NULL, for the title and the end, is not appended. */
		json_array_append_new(list, parse(*line));
}

static void routes_run(struct request *request, json_t *arguments)
{
	json_t *list = json_array();

	add_routes(list, "/proc/net/route", ipv4_route);
	add_routes(list, "/proc/net/ipv6_route", ipv6_route);
	request_return(request, list);
}

static const struct command rows[] = {
	{ "guest-network-get-interfaces", interfaces_run, COMMAND_QUIET,
	  "network interfaces and their addresses" },
	{ "guest-network-get-route", routes_run, COMMAND_QUIET, "routes of IPv4 and IPv6" },
};

const struct command_table commands_network = COMMAND_TABLE(rows);
