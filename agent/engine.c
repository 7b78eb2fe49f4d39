/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine.h"

#include <string.h>

#include "error.h"

/* Best first. */
static const struct engine *const engines[] = { &engine_kernel, &engine_userland };

const struct engine *engine_choose(const char *name, GError **error)
{
	for (guint i = 0; i < G_N_ELEMENTS(engines); i++)
		if ((!name || !strcmp(name, engines[i]->name)) && engines[i]->available())
			return engines[i];
	g_set_error(error, AGENT_ERROR, AGENT_ERROR_GENERIC,
		    "cannot freeze: this guest has no engine '%s'", name ? name : "any");
	return NULL;
}

static void entry_free(struct engine_entry *entry)
{
	g_free(entry->path);
	g_free(entry->device);
	g_free(entry->type);
	g_free(entry);
}

GPtrArray *engine_report_new(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
}
