/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arguments of every command, as any JSON. No command is run: what is tried is what
 * stands between a host's bytes and the commands.
 */
#include "command.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

/* What a command believes of the arguments that it gets. */
static void check_types(const struct argument *argument, const json_t *object)
{
	const json_t *value = json_object_get(object, argument->name);
	json_t *item;
	size_t i;

	g_assert(value || argument->optional);
	if (!value)
		return;
	g_assert(argument->type != ARGUMENT_STRING || json_is_string(value));
	g_assert(argument->type != ARGUMENT_INT || json_is_integer(value));
	g_assert(argument->type != ARGUMENT_BOOL || json_is_boolean(value));
	if (argument->type == ARGUMENT_STRINGS)
		json_array_foreach((json_t *)value, i, item)
			g_assert(json_is_string(item));
	if (argument->type == ARGUMENT_OBJECTS)
		json_array_foreach((json_t *)value, i, item)
			for (const struct argument *m = argument->members; m->name; m++)
				check_types(m, item);
}

static void check(const struct command *command, json_t *object)
{
	g_autoptr(GError) error = NULL;

	if (!arguments_check(command->arguments, COMMAND_MAX_ARGUMENTS, object, &error)) {
		g_assert(error && *error->message);
		return;
	}
	g_assert_no_error(error);
	for (guint i = 0; i < COMMAND_MAX_ARGUMENTS && command->arguments[i].name; i++)
		check_types(&command->arguments[i], object);
}

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
	json_t *object = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(object))
		for (const struct command *c = commands_next(NULL); c; c = commands_next(c))
			check(c, object);
	json_decref(object);
	return 0;
}
