// SPDX-License-Identifier: GPL-2.0-or-later
#include "service.h"

#include <string.h>

#include "agents.h"
#include "command.h"
#include "error.h"
#include "init.h"

static int systemctl(const struct root *root, const char *verb, const char *unit, GString *output,
		     GError **err)
{
	g_autofree char *program = root_find_program(root, "systemctl");
	const char *const argv[] = { program, verb, unit, NULL };

	if (!program) {
		setup_fail(err, SETUP_FAILED, "cannot %s %s: there is no systemctl", verb,
			   unit ? unit : "systemd");
		return -1;
	}
	return command_run(root, argv, COMMAND_INTERRUPTIBLE, output, err);
}

gboolean service_is_active(const struct root *root, const char *unit)
{
	return init_systemd_runs(root) && systemctl(root, "is-active", unit, NULL, NULL) == 0;
}

gboolean service_control(const struct root *root, const char *verb, const char *unit, GError **err)
{
	g_autoptr(GString) output = g_string_new(NULL);
	int status;

	if (!init_systemd_runs(root))
		return TRUE;
	status = systemctl(root, verb, unit, output, err);
	if (status <= 0)
		return status == 0;
	g_autofree char *words = command_last_line(output);

	return setup_fail(err, SETUP_FAILED, "cannot %s %s: systemctl says: %s", verb,
			  unit ? unit : "systemd", words);
}

/* Add the links for "WantedBy=a.target b.target", if the line is that. */
static void add_links(GPtrArray *links, const char *line, const char *unit)
{
	static const struct {
		const char *key, *suffix;
	} installs[] = { { "WantedBy=", ".wants" }, { "RequiredBy=", ".requires" } };

	for (gsize i = 0; i < G_N_ELEMENTS(installs); i++) {
		if (!g_str_has_prefix(line, installs[i].key))
			continue;
		g_auto(GStrv) targets = g_strsplit(line + strlen(installs[i].key), " ", -1);

		for (char **target = targets; *target; target++)
			if (**target && !strchr(*target, '/'))
				g_ptr_array_add(links, g_strdup_printf("/etc/systemd/system/%s%s/%s",
								       *target, installs[i].suffix,
								       unit));
	}
}

char **service_links(const struct root *root, const char *unit)
{
	g_autofree char *path = agents_unit_path(root, unit);
	g_autofree char *text = path ? root_read(root, path, 65536, NULL) : NULL;
	g_auto(GStrv) lines = g_strsplit(text ? text : "", "\n", -1);
	GPtrArray *links = g_ptr_array_new();
	gboolean inside = FALSE;

	for (char **line = lines; *line; line++) {
		g_strstrip(*line);
		if (**line == '[')
			inside = strcmp(*line, "[Install]") == 0;
		else if (inside)
			add_links(links, *line, unit);
	}
	g_ptr_array_add(links, NULL);
	return (char **)g_ptr_array_free(links, FALSE);
}
