// SPDX-License-Identifier: GPL-2.0-or-later
#include "health.h"

#include "service.h"
#include "ui.h"

static gboolean is_enabled(const struct root *root)
{
	g_auto(GStrv) links = service_links(root, AGENT_UNIT);

	for (char **link = links; *link; link++) {
		g_autofree char *target = root_readlink(root, *link);

		if (target)
			return TRUE;
	}
	return FALSE;
}

void health_check(const struct context *c, int seconds, struct health *health)
{
	gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;

	health->offline = !root_is_live(c->root) || !c->detection->systemd_runs;
	health->enabled = is_enabled(c->root);
	health->channel = root_is_live(c->root) && root_exists(c->root, AGENT_CHANNEL);
	health->module_loaded = detect_module_loaded(c->root);
	health->device = root_is_live(c->root) && root_exists(c->root, "/dev/fsfreeze");
	for (;;) {
		health->active = service_is_active(c->root, AGENT_UNIT);
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

static const char *service_words(const struct health *health)
{
	if (health->active)
		return "running";
	if (health->offline)
		return health->enabled ? "enabled, starts at boot" : "not enabled";
	return health->channel ? "not running: see journalctl -u " AGENT_UNIT :
				 "waits for the channel";
}

void health_report(const struct health *health)
{
	ui_say("Service:  %s", service_words(health));
	if (health->offline)
		return;
	ui_say("Channel:  %s", health->channel ?
				       "there" :
				       "not there: on the host add a virtio-serial port named "
				       "org.qemu.guest_agent.0 to this guest");
	ui_say("Engine:   %s", health->device ? "kernel module (/dev/fsfreeze)" :
						 "agent (no kernel module is loaded)");
}
