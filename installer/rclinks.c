// SPDX-License-Identifier: GPL-2.0-or-later
#include "rclinks.h"

#include <string.h>

#include "command.h"
#include "ui.h"

#define LIST_MAX      (1024 * 1024)
#define RUNLEVELS     "0123456"
#define NUMBER_LENGTH strlen("S85")

/* Where the links are: "/etc/rc", a runlevel, ".d". The first whose runlevel 3 is there. */
static const struct {
	const char *before, *target;
} layouts[] = {
	{ "/etc/init.d/rc", "../" }, /* SUSE */
	{ "/etc/rc", "../init.d/" }, /* Debian; Red Hat has links to the next */
	{ "/etc/rc.d/rc", "../init.d/" },
	{ "/etc/rc", "../init.d/" }, /* where none is there they are made */
};

static const struct {
	const char *program;
	const char *enable[3], *disable[3]; /* "" is the service */
} tools[] = {
	{ "update-rc.d", { "", "defaults" }, { "-f", "", "remove" } },
	{ "chkconfig", { "--add", "" }, { "--del", "" } },
	{ "insserv", { "" }, { "-r", "" } },
};

static const char *const lists[] = { "/etc/init.d/.depend.start", "/etc/init.d/.depend.stop" };

static gsize find_layout(const struct root *root)
{
	gsize i;

	for (i = 0; i < G_N_ELEMENTS(layouts) - 1; i++) {
		g_autofree char *dir = g_strconcat(layouts[i].before, "3.d", NULL);

		if (root_is_dir(root, dir))
			break;
	}
	return i;
}

/* "# chkconfig: 2345 85 15": where it runs, its number at start and at stop. */
static char **read_order(const struct root *root, const char *file)
{
	g_autofree char *text = root_read(root, file, 65536, NULL);
	const char *line = text ? strstr(text, "\n# chkconfig: ") : NULL;
	const char *words = line ? line + strlen("\n# chkconfig: ") : "";
	g_autofree char *rest = g_strndup(words, strcspn(words, "\n"));

	return g_strsplit(rest, " ", -1);
}

GPtrArray *rclinks_wanted(const struct root *root, const char *file, const char *service)
{
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	g_auto(GStrv) order = read_order(root, file);
	gsize layout = find_layout(root);

	if (g_strv_length(order) < 3)
		return paths;
	for (const char *level = RUNLEVELS; *level; level++) {
		gboolean starts = strchr(order[0], *level) != NULL;

		g_ptr_array_add(paths, g_strdup_printf("%s%c.d/%c%s%s", layouts[layout].before,
						       *level, starts ? 'S' : 'K',
						       starts ? order[1] : order[2], service));
	}
	return paths;
}

char *rclinks_target(const struct root *root, const char *service)
{
	return g_strconcat(layouts[find_layout(root)].target, service, NULL);
}

/*
 * Where startpar is at work, it starts only what is in a list that insserv writes as a Makefile:
 * "TARGETS = a b c". Returns where the word is in that line, or where the line ends.
 */
static char *find_target(char *text, const char *service, gboolean *found)
{
	char *line = g_str_has_prefix(text, "TARGETS =") ? text : strstr(text, "\nTARGETS =");
	char *end = line ? line + 1 + strcspn(line + 1, "\n") : NULL;
	gsize length = strlen(service);

	*found = FALSE;
	for (char *word = line; word && word < end; word = strchr(word + 1, ' '))
		if (*word == ' ' && strncmp(word + 1, service, length) == 0 &&
		    (word[1 + length] == ' ' || word[1 + length] == '\n' || !word[1 + length])) {
			*found = TRUE;
			return word;
		}
	return end;
}

gboolean rclinks_is_listed(const struct root *root, const char *service)
{
	for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
		g_autofree char *text = root_read(root, lists[i], LIST_MAX, NULL);
		gboolean found;

		if (text && find_target(text, service, &found) && !found)
			return FALSE;
	}
	return TRUE;
}

static gboolean change_list(const struct root *root, const char *path, const char *service,
			    gboolean enabled, GError **err)
{
	g_autofree char *text = root_read(root, path, LIST_MAX, NULL);
	gboolean found = FALSE;
	char *place = text ? find_target(text, service, &found) : NULL;
	struct stat st;

	if (!place || found == enabled || root_stat(root, path, &st) < 0)
		return TRUE;
	g_autoptr(GString) changed = g_string_new_len(text, place - text);

	if (enabled)
		g_string_append_printf(changed, " %s", service);
	g_string_append(changed, enabled ? place : place + 1 + strlen(service));
	return root_write(root, path, changed->str, changed->len, st.st_mode & 07777, err);
}

gboolean rclinks_list(const struct root *root, const char *service, gboolean enabled, GError **err)
{
	for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
		if (!change_list(root, lists[i], service, enabled, err))
			return FALSE;
	return TRUE;
}

static gboolean is_numbered(const char *name)
{
	return (*name == 'S' || *name == 'K') && g_ascii_isdigit(name[1]) &&
	       g_ascii_isdigit(name[2]);
}

char *rclinks_find(const struct root *root, const char *path)
{
	g_autofree char *wanted = g_path_get_basename(path);
	g_autofree char *dir = g_path_get_dirname(path);
	g_auto(GStrv) names = is_numbered(wanted) ? root_list(root, dir) : NULL;

	for (char **name = names; name && *name; name++)
		if (is_numbered(*name) && **name == *wanted &&
		    strcmp(*name + NUMBER_LENGTH, wanted + NUMBER_LENGTH) == 0)
			return g_build_filename(dir, *name, NULL);
	return NULL;
}

gboolean rclinks_changed(const struct root *root, const char *service, gboolean enabled,
			 GError **err)
{
	for (gsize i = 0; i < G_N_ELEMENTS(tools); i++) {
		g_autofree char *program = root_find_program(root, tools[i].program);
		const char *argv[5] = { program };
		g_autoptr(GString) output = g_string_new(NULL);

		if (!program)
			continue;
		for (gsize j = 0; j < G_N_ELEMENTS(tools[i].enable); j++) {
			const char *word = enabled ? tools[i].enable[j] : tools[i].disable[j];

			argv[j + 1] = word && !*word ? service : word;
		}
		if (command_run(root, argv, COMMAND_INTERRUPTIBLE, output, err) == 0)
			return TRUE;
		g_autofree char *words = command_last_line(output);

		ui_warn("%s cannot order the links of %s: it says: %s", tools[i].program, service,
			words);
		g_clear_error(err);
		return TRUE;
	}
	return TRUE;
}
