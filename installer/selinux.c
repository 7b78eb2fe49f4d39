// SPDX-License-Identifier: GPL-2.0-or-later
#include "selinux.h"

#include <string.h>

#define CONFIG	   "/etc/selinux/config"
#define CONFIG_MAX 65536

static const char *const modes[] = { "enforcing", "permissive", "disabled" };

const char *selinux_mode(const struct root *root)
{
	g_autofree char *text = root_read(root, CONFIG, CONFIG_MAX, NULL);
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
	const char *mode = NULL;

	for (char **line = lines; *line; line++)
		for (gsize i = 0; i < G_N_ELEMENTS(modes); i++)
			if (g_str_has_prefix(g_strstrip(*line), "SELINUX=") &&
			    g_ascii_strcasecmp(*line + strlen("SELINUX="), modes[i]) == 0)
				mode = modes[i];
	return mode;
}

/* The running kernel labels what is made in its own tree by the directory's; another's it does not. */
gboolean selinux_needs_relabel(const struct root *root)
{
	const char *mode = selinux_mode(root);

	return mode && strcmp(mode, "disabled") && !root_is_live(root);
}
