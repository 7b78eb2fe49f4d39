/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's command: freeze, thaw and ask a guest, through its kernel or its agent. */
#include <errno.h>
#include <getopt.h>
#include <linux/virtio_fsfreeze.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "device.h"
#include "snapshot.h"

/* Exit statuses, as fsfreezectl(1) lists them. */
enum {
	STATUS_OK = 0,
	STATUS_REFUSED = 1,
	STATUS_USAGE = 2,
	STATUS_NO_ANSWER = 3,
	STATUS_INCONSISTENT = 4,
};

#define MOST_DISKS 64
/* Of a snapshot: what fsfreezectl does not live to thaw is frozen no longer than this. */
#define SNAPSHOT_DEADLINE_S 30
/* Longest deadline of a guest, module and agent alike. */
#define SNAPSHOT_DEADLINE_MAX_S 110

/* As many names as the device's back end takes, and as long as they can be in a message. */
#define MOST_ONLY 24
#define LONGEST_NAME (sizeof(((struct fsfreeze_msg_name *)0)->name) - 1)

static struct {
	const char *agent;
	const char *device; /* or, with channel, a port that the guest's kernel serves */
	bool channel;
	const char *qmp, *require, *into, *internal;
	const char *disks[MOST_DISKS + 1];
	int nr_disks;
	int timeout_s;
	int deadline_s; /* 0: the guest's own */
	int hook_timeout_s; /* 0: the guest's own */
	bool no_hooks;
	const char *only[MOST_ONLY + 1];
	int nr_only;
	bool json;
} options = { .timeout_s = 90 };

static void print_count(const json_t *value, const char *done)
{
	printf("%lld file systems %s\n", (long long)json_integer_value(value), done);
}

static void print_frozen(const json_t *value)
{
	print_count(value, "frozen");
}

static void print_thawed(const json_t *value)
{
	print_count(value, "thawed");
}

static void print_status(const json_t *value)
{
	printf("%s\n", json_string_value(value) ? json_string_value(value) : "unknown");
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "-";
}

static long long number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void print_info(const json_t *value)
{
	const json_t *list = json_object_get(value, "filesystems");
	size_t i;
	json_t *fs;

	printf("engine %s, %s", text_of(value, "engine"), text_of(value, "state"));
	if (number_of(value, "remaining-ms") > 0)
		printf(", %lld ms to the deadline", number_of(value, "remaining-ms"));
	printf("\n");
	if (json_array_size(list) > 0)
		printf("%-8s %-12s %-11s %10s %10s %10s  %s\n", "TYPE", "DEVICE", "STATE", "FLUSH/us",
		       "FREEZE/us", "THAW/us", "MOUNTPOINT");
	json_array_foreach(list, i, fs)
		printf("%-8s %-12s %-11s %10lld %10lld %10lld  %s\n", text_of(fs, "type"),
		       text_of(fs, "device"), text_of(fs, "state"), number_of(fs, "flush-us"),
		       number_of(fs, "freeze-us"), number_of(fs, "thaw-us"), text_of(fs, "mountpoint"));
}

static void print_extended(const json_t *value)
{
	printf("thaws by itself in %d s\n", options.deadline_s);
}

/* @command is the agent's, @list_command with --only; @device does the same through the kernel. */
struct verb {
	const char *name;
	const char *command;
	int (*device)(const char *path, const struct device_request *request, json_t **reply);
	void (*print)(const json_t *value);
	const char *help;
	bool needs_deadline;
	const char *list_command;
};

static const struct verb verbs[] = {
	{ "freeze", "guest-fsfreeze-freeze", device_freeze, print_frozen, "freeze all file systems of the guest",
	  .list_command = "guest-fsfreeze-freeze-list" },
	{ "thaw", "guest-fsfreeze-thaw", device_thaw, print_thawed, "thaw them" },
	{ "extend", "guest-tools-fsfreeze-extend", device_extend, print_extended,
	  "move the deadline of the freeze, from now", .needs_deadline = true },
	{ "status", "guest-fsfreeze-status", device_status, print_status, "print frozen or thawed" },
	{ "info", "guest-tools-fsfreeze-info", device_info, print_info,
	  "engine, time left, and what became of each file system" },
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static void print_help(void)
{
	printf("Usage: fsfreezectl --device|--channel|--agent=SOCKET [OPTION...] VERB\n"
	       "       fsfreezectl --qmp=SOCKET [OPTION...] snapshot [-- COMMAND...]\n\n"
	       "Freezes the file systems of a guest, for a consistent snapshot.\n\n");
	for (size_t i = 0; i < N_VERBS; i++)
		printf("  %-22s%s\n", verbs[i].name, verbs[i].help);
	printf("  %-22s%s\n", "snapshot",
	       "freeze by kernel, else by agent, else stop the guest;\n"
	       "                        snapshot its disks, or run COMMAND; thaw");
	printf("\n"
	       "  -d, --device=SOCKET   control socket of the guest's vhost-user-fsfreeze\n"
	       "  -c, --channel=SOCKET  in place of it: unix socket of a port that the guest's\n"
	       "                        kernel serves\n"
	       "  -a, --agent=SOCKET    unix socket of the guest agent's channel\n"
	       "  -D, --deadline=SECONDS  the guest thaws by itself after so long\n"
	       "                        (extend; freeze with --device) [the guest's]\n"
	       "  -O, --hook-timeout=SECONDS  end the guest's hooks after so long\n"
	       "                        (freeze with --device) [60]\n"
	       "  -o, --only=NAME       freeze only this file system, and others so named: with\n"
	       "                        --device its device (vda1 or 254:1), with --agent\n"
	       "                        where it is mounted\n"
	       "  -H, --no-hooks        run no hooks in the guest (freeze with --device)\n"
	       "  -t, --timeout=SECONDS wait so long for an answer [90]\n"
	       "  -j, --json            print the answer as JSON\n"
	       "  -q, --qmp=SOCKET      QEMU's monitor, for a snapshot\n"
	       "  -i, --into=DIR        overlays for all disks, as DIR/DISK.qcow2\n"
	       "  -k, --disk=DISK=FILE  an overlay for this disk only, and others so named\n"
	       "  -I, --internal=NAME   snapshots within the qcow2 images, all or --disk=DISK\n"
	       "  -r, --require=WAY     no snapshot but by kernel, agent, stop; or frozen: by\n"
	       "                        kernel or agent\n"
	       "  -V, --version         print the version, and exit\n"
	       "  -h, --help            print this, and exit\n");
}

static int usage(const char *what, const char *which)
{
	fprintf(stderr, "fsfreezectl: %s%s%s\nTry 'fsfreezectl --help'.\n", what, which ? " " : "",
		which ? which : "");
	return STATUS_USAGE;
}

static int refused(const struct verb *verb, const json_t *error)
{
	fprintf(stderr, "fsfreezectl: cannot %s: %s\n", verb->name, text_of(error, "desc"));
	return STATUS_REFUSED;
}

static int no_answer(const struct verb *verb, int ret)
{
	fprintf(stderr, "fsfreezectl: cannot %s: no answer from the %s on %s: %s\n", verb->name,
		options.channel ? "kernel" : options.device ? "device" : "agent",
		options.device ? options.device : options.agent, strerror(-ret));
	return STATUS_NO_ANSWER;
}

static int answered(const struct verb *verb, const json_t *reply)
{
	const json_t *error = json_object_get(reply, "error");

	if (options.json) {
		json_dumpf(reply, stdout, 0);
		printf("\n");
	} else if (!error) {
		verb->print(json_object_get(reply, "return"));
	}
	return error ? refused(verb, error) : STATUS_OK;
}

static json_t *only_array(void)
{
	json_t *array = json_array();

	for (int i = 0; i < options.nr_only; i++)
		json_array_append_new(array, json_string(options.only[i]));
	return array;
}

static int call_agent(const struct verb *verb, json_t **reply)
{
	struct agent *agent = NULL;
	json_t *arguments = NULL;
	int ret;

	ret = agent_connect(options.agent, options.timeout_s * 1000, &agent);
	if (ret < 0)
		return ret;
	if (verb->needs_deadline)
		arguments = json_pack("{s:i}", "timeout", options.deadline_s);
	if (options.nr_only)
		arguments = json_pack("{s:o}", "mountpoints", only_array());
	ret = agent_call(agent, options.nr_only ? verb->list_command : verb->command, arguments, options.timeout_s * 1000, reply);
	agent_close(agent);
	return ret;
}

static int call_device(const struct verb *verb, json_t **reply)
{
	const struct device_request request = {
		.timeout_ms = options.timeout_s * 1000,
		.deadline_ms = options.deadline_s * 1000,
		.hook_timeout_ms = options.hook_timeout_s * 1000,
		.no_hooks = options.no_hooks,
		.channel = options.channel,
		.only = options.nr_only ? options.only : NULL,
	};

	return verb->device(options.device, &request, reply);
}

static int run(const struct verb *verb)
{
	json_t *reply = NULL;
	int ret, status;

	if (verb->needs_deadline && !options.deadline_s)
		return usage("--deadline is missing", NULL);
	if (options.nr_only && !verb->list_command)
		return usage("--only is for freeze, not for", verb->name);
	for (int i = 0; options.device && i < options.nr_only; i++)
		if (!*options.only[i] || strlen(options.only[i]) > LONGEST_NAME)
			return usage("no device has the name", options.only[i]);
	ret = options.device ? call_device(verb, &reply) : call_agent(verb, &reply);
	status = ret < 0 ? no_answer(verb, ret) : answered(verb, reply);
	json_decref(reply);
	return status;
}

static const char *consistency_text(const json_t *result)
{
	return strcmp(text_of(result, "consistency"), "filesystem") ? "crash-consistent" :
								      "file-system consistent";
}

static void print_snapshot(const json_t *result)
{
	printf("%s, by %s, quiet for %lld ms", consistency_text(result), text_of(result, "by"),
	       number_of(result, "quiet-ms"));
	if (json_array_size(json_object_get(result, "disks")) > 0)
		printf(", %zu disks", json_array_size(json_object_get(result, "disks")));
	printf("\n");
}

static int snapshot_status(int ret)
{
	return ret == 0		? STATUS_OK :
	       ret == -ESTALE	? STATUS_INCONSISTENT :
	       ret == -ENOTCONN ? STATUS_NO_ANSWER :
				  STATUS_REFUSED;
}

static int snapshot(char **command)
{
	struct snapshot_request request = {
		.qmp = options.qmp,
		.disks = { options.disks, options.into, options.internal },
		.command = *command ? command : NULL,
		.quiet_command = options.json,
		.quiesce = {
			.device = options.device,
			.channel = options.channel,
			.agent = options.agent,
			.require = options.require,
			.timeout_ms = options.timeout_s * 1000,
			.deadline_ms = (options.deadline_s ? options.deadline_s : SNAPSHOT_DEADLINE_S) * 1000,
			.hook_timeout_ms = options.hook_timeout_s * 1000,
			.no_hooks = options.no_hooks,
		},
	};
	json_t *result = NULL;
	char *why = NULL;
	int ret = snapshot_take(&request, &result, &why);

	if (why)
		fprintf(stderr, "fsfreezectl: %s\n", why);
	if (options.json && ret < 0)
		result = json_pack("{s:{s:s, s:s}, s:o*}", "error", "class", "GenericError", "desc",
				   why ? why : strerror(-ret), "snapshot", result);
	else if (options.json)
		result = json_pack("{s:o}", "return", result);
	else if (ret == 0)
		print_snapshot(result);
	if (options.json) {
		json_dumpf(result, stdout, 0);
		printf("\n");
	}
	json_decref(result);
	free(why);
	return snapshot_status(ret);
}

/* One way to snapshot, and no option of another. */
static int run_snapshot(char **command)
{
	int ways = !!options.into + !!options.internal + !!*command;

	if (!options.qmp)
		return usage("snapshot needs --qmp", NULL);
	if (options.nr_only)
		return usage("--only is for freeze, not for snapshot", NULL);
	if (options.deadline_s > SNAPSHOT_DEADLINE_MAX_S)
		return usage("the deadline of a snapshot is 1 to 110 seconds", NULL);
	if (options.require && !quiesce_is_level(options.require))
		return usage("nothing to require is called", options.require);
	if (ways > 1 || (ways == 0 && !options.nr_disks) ||
	    (options.nr_disks && (options.into || *command)))
		return usage("expecting one of --into, --disk, --internal and a command", NULL);
	for (int i = 0; i < options.nr_disks; i++)
		if (!options.internal == !strchr(options.disks[i], '='))
			return usage(options.internal ? "expecting --disk=DISK, not" :
							"expecting --disk=DISK=FILE, not",
				     options.disks[i]);
	return snapshot(command);
}

static int run_named(const char *name)
{
	for (size_t i = 0; i < N_VERBS; i++)
		if (!strcmp(verbs[i].name, name))
			return run(&verbs[i]);
	return usage("no verb", name);
}

static bool get_seconds(const char *text, int *seconds)
{
	char *end;
	long number = strtol(text, &end, 10);

	*seconds = (int)number;
	return !*end && number >= 1 && number <= 3600;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "channel", required_argument, NULL, 'c' },
		{ "agent", required_argument, NULL, 'a' },
		{ "deadline", required_argument, NULL, 'D' },
		{ "hook-timeout", required_argument, NULL, 'O' },
		{ "only", required_argument, NULL, 'o' },
		{ "no-hooks", no_argument, NULL, 'H' },
		{ "qmp", required_argument, NULL, 'q' },
		{ "into", required_argument, NULL, 'i' },
		{ "disk", required_argument, NULL, 'k' },
		{ "internal", required_argument, NULL, 'I' },
		{ "require", required_argument, NULL, 'r' },
		{ "timeout", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "d:c:a:D:O:o:Hq:i:k:I:r:t:jVh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
		case 'd':
			if (options.device)
				return usage("expecting one of --device and --channel", NULL);
			options.device = optarg;
			options.channel = c == 'c';
			break;
		case 'D':
			if (!get_seconds(optarg, &options.deadline_s))
				return usage("deadline must be 1 to 3600 seconds, not", optarg);
			break;
		case 'O':
			if (!get_seconds(optarg, &options.hook_timeout_s))
				return usage("hook-timeout must be 1 to 3600 seconds, not", optarg);
			break;
		case 'o':
			if (options.nr_only == MOST_ONLY)
				return usage("too many file systems:", optarg);
			options.only[options.nr_only++] = optarg;
			break;
		case 'H':
			options.no_hooks = true;
			break;
		case 'q':
			options.qmp = optarg;
			break;
		case 'i':
			options.into = optarg;
			break;
		case 'k':
			if (options.nr_disks == MOST_DISKS)
				return usage("too many disks:", optarg);
			options.disks[options.nr_disks++] = optarg;
			break;
		case 'I':
			options.internal = optarg;
			break;
		case 'r':
			options.require = optarg;
			break;
		case 'a':
			options.agent = optarg;
			break;
		case 't':
			if (!get_seconds(optarg, &options.timeout_s))
				return usage("timeout must be 1 to 3600 seconds, not", optarg);
			break;
		case 'j':
			options.json = true;
			break;
		case 'V':
			printf("fsfreezectl %s\n", VERSION);
			return STATUS_OK;
		case 'h':
			print_help();
			return STATUS_OK;
		default:
			return usage("wrong option", NULL);
		}
	}
	if (optind < argc && !strcmp(argv[optind], "snapshot"))
		return run_snapshot(argv + optind + 1);
	if (optind + 1 != argc)
		return usage("expecting one verb", NULL);
	if (!options.agent == !options.device)
		return usage("expecting one of --device, --channel and --agent", NULL);
	return run_named(argv[optind]);
}
