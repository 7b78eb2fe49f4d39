// SPDX-License-Identifier: GPL-2.0-or-later
#include "step.h"

#include <string.h>

static const struct step_kind *const kinds[] = {
	&step_stage,	   &step_put,	       &step_keep,    &step_source,	 &step_package,
	&step_guard,	   &step_build_module, &step_build_direct, &step_prebuilt, &step_rebuild,
	&step_load_module, &step_enable,       &step_start,   &step_stop,	 &step_mask,
	&step_relabel,	   &step_state,
};

const struct step_kind *step_kind_by_name(const char *name)
{
	for (gsize i = 0; name && i < G_N_ELEMENTS(kinds); i++)
		if (strcmp(kinds[i]->name, name) == 0)
			return kinds[i];
	return NULL;
}

struct step *step_new(const struct step_kind *kind, const char *object,
		      const struct medium_file *source)
{
	struct step *step = g_new0(struct step, 1);

	step->kind = kind;
	step->object = g_strdup(object);
	step->source = source;
	return step;
}

void step_free(gpointer data)
{
	struct step *step = data;

	g_clear_pointer(&step->sources, g_ptr_array_unref);
	g_free(step->object);
	g_free(step);
}

/* The titles are ours, with one %s each, and no format of anybody else. */
static char *fill(const char *title, const char *object)
{
	g_auto(GStrv) parts = g_strsplit(title, "%s", 2);

	return g_strjoinv(object, parts);
}

char *step_title(const struct step_kind *kind, const char *object)
{
	return fill(kind->title, object);
}

char *step_untitle(const struct step_kind *kind, const char *object)
{
	return fill(kind->untitle, object);
}

char *step_staged(const struct context *c, const struct medium_file *file)
{
	return g_build_filename(c->stage, file->path, NULL);
}
