// SPDX-License-Identifier: GPL-2.0-or-later
#include "health.h"

#include "service.h"
#include "ui.h"

void health_check(const struct context *c, int seconds, struct health *health)
{
	gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;

	const struct init_system *init = c->detection->init;
	g_autofree char *service = service_agent(init);

	health->init = init;
	health->offline = !c->detection->init_runs;
	health->enabled = service_is_enabled(c->root, init, service);
	health->channel = root_is_live(c->root) && root_exists(c->root, AGENT_CHANNEL);
	health->module_loaded = detect_module_loaded(c->root);
	health->device = root_is_live(c->root) && root_exists(c->root, "/dev/fsfreeze");
	for (;;) {
		health->active = service_is_active(c->root, init, service);
		if (health->active || !health->channel || g_get_monotonic_time() >= end)
			return;
		g_usleep(100 * 1000);
	}
}

gboolean health_is_good(const struct health *health)
{
	return health->offline ? health->enabled : health->active && health->channel;
}

json_t *health_json(const struct health *health)
{
	return json_pack("{s:b, s:b, s:b, s:b, s:b, s:b, s:s}", "offline", health->offline, "enabled",
			 health->enabled, "active", health->active, "channel", health->channel,
			 "module_loaded", health->module_loaded, "device", health->device, "engine",
			 health->device ? "kernel" : "userland");
}

char *health_hint(const struct health *health)
{
	g_autofree char *service = service_agent(health->init);
	g_auto(GStrv) parts = g_strsplit(health->init->log, "%s", 2);
	g_autofree char *log = g_strjoinv(service, parts);

	if (health->init->suffix)
		return g_strconcat("see ", log, NULL);
	return g_strdup_printf("setup cannot start it under %s, see guest-tools-setup(8)",
			       health->init->name);
}

static char *service_words(const struct health *health)
{
	g_autofree char *hint = health_hint(health);

	if (health->active)
		return g_strdup("running");
	if (health->offline)
		return g_strdup(health->enabled ? "enabled, starts at boot" : "not enabled");
	if (!health->channel && health->init->by_device)
		return g_strdup("waits for the channel");
	return g_strconcat("not running: ", hint, NULL);
}

void health_report(const struct health *health)
{
	g_autofree char *words = service_words(health);

	ui_say("Service:  %s", words);
	if (health->offline)
		return;
	ui_say("Channel:  %s", health->channel ?
				       "there" :
				       "not there: on the host add a virtio-serial port named "
				       "org.qemu.guest_agent.0 to this guest");
	ui_say("Engine:   %s", health->device ? "kernel module (/dev/fsfreeze)" :
						 "agent (no kernel module is loaded)");
}
