// SPDX-License-Identifier: GPL-2.0-or-later
#include "state.h"

#include <errno.h>
#include <string.h>

#include "error.h"

#define STATE_MAX (16 * 1024 * 1024)

struct state {
	json_t *document;
};

struct state *state_new(void)
{
	struct state *state = g_new0(struct state, 1);

	state->document = json_pack("{s:i, s:s, s:s, s:[]}", "format", STATE_FORMAT, "version", "",
				    "agent_way", "", "records");
	return state;
}

void state_free(struct state *state)
{
	if (!state)
		return;
	json_decref(state->document);
	g_free(state);
}

static gboolean is_valid(const json_t *document)
{
	return json_integer_value(json_object_get(document, "format")) == STATE_FORMAT &&
	       json_is_string(json_object_get(document, "version")) &&
	       json_is_string(json_object_get(document, "agent_way")) &&
	       json_is_array(json_object_get(document, "records"));
}

struct state *state_load(const struct root *root, GError **err)
{
	gsize len = 0;
	g_autofree char *text = root_read(root, STATE_PATH, STATE_MAX, &len);
	struct state *state;
	json_t *document;

	if (!text) {
		if (errno != ENOENT && errno != ENOTDIR)
			setup_fail_errno(err, SETUP_REFUSED, "cannot read %s", STATE_PATH);
		return NULL;
	}
	document = json_loadb(text, len, 0, NULL);
	if (!is_valid(document)) {
		json_decref(document);
		setup_fail(err, SETUP_REFUSED, "cannot use %s: its content is not understood",
			   STATE_PATH);
		return NULL;
	}
	state = g_new0(struct state, 1);
	state->document = document;
	return state;
}

static const char *string_of(const struct state *state, const char *key)
{
	return json_string_value(json_object_get(state->document, key));
}

const char *state_version(const struct state *state)
{
	return string_of(state, "version");
}

const char *state_agent_way(const struct state *state)
{
	return string_of(state, "agent_way");
}

char **state_keys(const struct state *state)
{
	GPtrArray *keys = g_ptr_array_new();
	json_t *key;
	gsize i;

	json_array_foreach(json_object_get(state->document, "keys"), i, key)
		g_ptr_array_add(keys, g_strdup(json_is_string(key) ? json_string_value(key) : ""));
	g_ptr_array_add(keys, NULL);
	return (char **)g_ptr_array_free(keys, FALSE);
}

void state_set(struct state *state, const char *version, const char *agent_way,
	       const char *const *keys)
{
	json_t *list = json_array();

	for (; *keys; keys++)
		json_array_append_new(list, json_string(*keys));
	json_object_set_new(state->document, "keys", list);
	json_object_set_new(state->document, "version", json_string(version));
	json_object_set_new(state->document, "agent_way", json_string(agent_way));
}

json_t *state_records(const struct state *state)
{
	return json_object_get(state->document, "records");
}

static gboolean is_of(const json_t *record, const char *kind, const char *object)
{
	const char *its_kind = json_string_value(json_object_get(record, "kind"));
	const char *its_object = json_string_value(json_object_get(record, "object"));

	return its_kind && its_object && !strcmp(its_kind, kind) && !strcmp(its_object, object);
}

json_t *state_record(const struct state *state, const char *kind, const char *object)
{
	json_t *record;
	gsize i;

	if (!state)
		return NULL;
	json_array_foreach(state_records(state), i, record)
		if (is_of(record, kind, object))
			return record;
	return NULL;
}

void state_merge(struct state *state, const json_t *records)
{
	json_t *record;
	gsize i;

	json_array_foreach(records, i, record) {
		json_t *known = state_record(
			state, json_string_value(json_object_get(record, "kind")),
			json_string_value(json_object_get(record, "object")));

		if (known)
			json_object_set(known, "now", json_object_get(record, "now"));
		else
			json_array_append_new(state_records(state), json_deep_copy(record));
	}
}

gboolean state_save(const struct state *state, const struct root *root, GError **err)
{
	char *text = json_dumps(state->document, JSON_INDENT(1) | JSON_SORT_KEYS);
	g_autofree char *lines = g_strconcat(text, "\n", NULL);

	free(text);
	return root_write(root, STATE_PATH, lines, strlen(lines), 0600, err);
}

gboolean state_backup_used(const struct state *state, const char *path)
{
	json_t *record;
	gsize i;

	json_array_foreach(state_records(state), i, record) {
		const json_t *undo = json_object_get(record, "undo");
		const char *backup = json_string_value(json_object_get(undo, "backup"));

		if (backup && strcmp(backup, path) == 0)
			return TRUE;
	}
	return FALSE;
}
