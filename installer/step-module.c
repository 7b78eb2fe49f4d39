// SPDX-License-Identifier: GPL-2.0-or-later
/* Steps on the kernel module. None of them can make an install fail. */
#include <string.h>

#include "command.h"
#include "error.h"
#include "step.h"

#define DKMS_NAME "virtio-fsfreeze"
#define MODULE	  "virtio_fsfreeze"

static gboolean nothing_to_prepare(const struct context *c, const struct step *step, json_t *undo,
				   json_t *now, GError **err)
{
	return TRUE;
}

/* Removing the package removes what DKMS built. */
static gboolean nothing_to_undo(const struct context *c, const char *object, const json_t *undo,
				GError **err)
{
	return TRUE;
}

static gboolean build_satisfied(const struct context *c, const struct step *step)
{
	g_autofree char *module = kernels_find_module(c->root, step->object);
	g_autofree char *source =
		g_strdup_printf("/var/lib/dkms/%s/%s", DKMS_NAME, medium_version(c->medium));

	return module && root_exists(c->root, source);
}

/* The package may have built it when it was installed; that is then all. */
static gboolean build_apply(const struct context *c, const struct step *step, char **note,
			    GError **err)
{
	const char *version = medium_version(c->medium);
	const char *const argv[] = { c->detection->dkms, "install", "-m",	  DKMS_NAME, "-v",
				     version,		 "-k",	    step->object, NULL };
	g_autoptr(GString) output = g_string_new(NULL);
	int status;

	if (build_satisfied(c, step))
		return TRUE;
	status = command_run(c->root, argv, COMMAND_INTERRUPTIBLE, output, err);
	if (status < 0)
		return FALSE;
	g_autofree char *module = kernels_find_module(c->root, step->object);
	g_autofree char *words = command_last_line(output);

	if (status == 0 && module)
		return TRUE;
	return setup_fail(err, SETUP_FAILED,
			  "cannot build the module for kernel %s: dkms ended with status %d and "
			  "says: %s; see /var/lib/dkms/%s/%s/build/make.log",
			  step->object, status, words, DKMS_NAME, version);
}

const struct step_kind step_build_module = {
	.name = "build-module",
	.title = "build the module for kernel %s",
	.untitle = "remove the module for kernel %s",
	.flags = STEP_OPTIONAL,
	.satisfied = build_satisfied,
	.prepare = nothing_to_prepare,
	.apply = build_apply,
	.undo = nothing_to_undo,
};

static gboolean load_satisfied(const struct context *c, const struct step *step)
{
	return detect_module_loaded(c->root);
}

static gboolean modprobe(const struct context *c, const char *option, GString *output, GError **err)
{
	g_autofree char *program = root_find_program(c->root, "modprobe");
	const char *const argv[] = { program, option, MODULE, NULL };

	if (!program)
		return setup_fail(err, SETUP_FAILED, "cannot load %s: there is no modprobe", MODULE);
	int status = command_run(c->root, argv, COMMAND_DEFAULT, output, err);

	if (status <= 0)
		return status == 0;
	g_autofree char *words = command_last_line(output);

	return setup_fail(err, SETUP_FAILED, "cannot load or unload %s: modprobe says: %s", MODULE,
			  words);
}

static gboolean load_prepare(const struct context *c, const struct step *step, json_t *undo,
			     json_t *now, GError **err)
{
	gboolean loaded = detect_module_loaded(c->root);

	json_object_set_new(undo, "loaded", json_boolean(loaded));
	return TRUE;
}

static gboolean load_apply(const struct context *c, const struct step *step, char **note,
			   GError **err)
{
	g_autoptr(GString) output = g_string_new(NULL);
	g_autofree char *module = kernels_find_module(c->root, step->object);

	if (!module) {
		*note = g_strdup_printf("there is no module for kernel %s to load", step->object);
		return TRUE;
	}
	if (modprobe(c, "-v", output, err))
		return TRUE;
	if (c->detection->secure_boot == KNOWN_YES)
		g_prefix_error(err, "Secure Boot takes only modules signed with an enrolled key "
				    "(mokutil --import /var/lib/dkms/mok.pub, then reboot): ");
	return FALSE;
}

static gboolean load_undo(const struct context *c, const char *object, const json_t *undo,
			  GError **err)
{
	g_autoptr(GString) output = g_string_new(NULL);

	if (json_is_true(json_object_get(undo, "loaded")) || !detect_module_loaded(c->root))
		return TRUE;
	return modprobe(c, "-r", output, err);
}

const struct step_kind step_load_module = {
	.name = "load-module",
	.title = "load the module into the running kernel %s",
	.untitle = "unload the module from kernel %s",
	.flags = STEP_OPTIONAL,
	.satisfied = load_satisfied,
	.prepare = load_prepare,
	.apply = load_apply,
	.undo = load_undo,
};
