// SPDX-License-Identifier: GPL-2.0-or-later
#include "ways.h"

#include <stdarg.h>
#include <string.h>

#include "prebuilt.h"
#include "updates.h"

struct way {
	const char *name;
	/* Can it be gone? *@reason is why, or why not, as a sentence without its full stop. */
	gboolean (*probe)(const struct way_input *input, char **reason);
};

static gboolean answer(gboolean can, char **reason, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
static gboolean answer(gboolean can, char **reason, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	*reason = g_strdup_vprintf(fmt, args);
	va_end(args);
	return can;
}

static gboolean medium_has_tree(const struct way_input *in, const char *prefix)
{
	g_autoptr(GPtrArray) files = NULL;

	if (!in->medium)
		return TRUE;
	files = medium_files_below(in->medium, prefix);
	return files->len > 0;
}

/* FALSE as well where the package manager is none that setup drives. */
static gboolean medium_has_package(const struct way_input *in, const char *package,
				   const char *architecture)
{
	const struct package_manager *manager = in->detection->packages;

	if (!manager->suffix || !in->medium)
		return manager->suffix != NULL;
	g_autofree char *path = packages_medium_path(manager, package, medium_version(in->medium),
						     architecture);

	return medium_file(in->medium, path) != NULL;
}

/* The package with a kernel's headers, as the family calls it; free it. */
static char *headers_package(const struct detection *d, const char *release)
{
	static const struct {
		const char *family, *name;
		gboolean with_release;
	} packages[] = {
		{ "debian", "linux-headers-", TRUE },  { "redhat", "kernel-devel-", TRUE },
		{ "suse", "kernel-default-devel", FALSE }, { "arch", "linux-headers", FALSE },
		{ "alpine", "linux-lts-dev", FALSE },  { "void", "linux-headers", FALSE },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(packages); i++)
		if (strcmp(packages[i].family, d->distribution->family) == 0)
			return g_strconcat(packages[i].name,
					   packages[i].with_release ? release : "", NULL);
	return g_strdup("them");
}

/* What every way to build it on the guest needs; FALSE with a reason. */
static gboolean can_build(const struct way_input *in, char **reason)
{
	const struct detection *d = in->detection;
	const char *release = in->kernel->release;

	if (d->container)
		return answer(FALSE, reason, "a container (%s) has no kernel of its own",
			      d->container);
	if (!in->kernel->headers) {
		g_autofree char *package = headers_package(d, release);

		return answer(FALSE, reason,
			      "no headers for kernel %s: the agent freezes by itself; "
			      "install %s and run setup again", release, package);
	}
	if (!d->compiler || !d->make)
		return answer(FALSE, reason,
			      "no compiler: the agent freezes by itself; install gcc and make and "
			      "run setup again");
	if (!d->can_execute)
		return answer(FALSE, reason, "programs of %s cannot run on this machine",
			      d->architecture);
	return TRUE;
}

static gboolean probe_dkms(const struct way_input *in, char **reason)
{
	const struct detection *d = in->detection;

	if (!d->dkms)
		return answer(FALSE, reason, "dkms is not installed");
	if (!can_build(in, reason))
		return FALSE;
	if (!medium_has_package(in, MODULE_PACKAGE, "all"))
		return answer(FALSE, reason, "the medium has no DKMS package for %s",
			      d->packages->name);
	return answer(TRUE, reason,
		      "dkms and the headers are there: built on this system, and again for each "
		      "new kernel%s",
		      d->secure_boot == KNOWN_YES ?
			      "; Secure Boot is on, so it loads once its key is enrolled: "
			      "mokutil --import /var/lib/dkms/mok.pub" :
			      "");
}

static gboolean dkms_has_built(const struct way_input *in)
{
	return in->kernel->module && strstr(in->kernel->module, "/updates/dkms/");
}

static gboolean probe_prebuilt(const struct way_input *in, char **reason)
{
	const struct detection *d = in->detection;
	const char *release = in->kernel->release;
	const struct medium_file *file =
		in->medium ? prebuilt_file(in->medium, d->architecture, release) : NULL;
	g_autofree char *releases =
		in->medium ? prebuilt_releases(in->medium, d->architecture) : g_strdup("");
	g_autofree char *problem = NULL;

	if (d->container)
		return answer(FALSE, reason, "a container (%s) has no kernel of its own",
			      d->container);
	if (!file && !*releases)
		return answer(FALSE, reason, "the medium has no prebuilt modules for %s",
			      d->architecture);
	if (!file)
		return answer(FALSE, reason, "the medium has one for the kernels %s, and not for %s",
			      releases, release);
	if (d->read_only_usr)
		return answer(FALSE, reason, "/usr is read-only");
	if (dkms_has_built(in))
		return answer(FALSE, reason, "DKMS has built the module for this kernel");
	problem = prebuilt_problem(d, in->medium, file, release);
	if (problem)
		return answer(FALSE, reason, "%s", problem);
	return answer(TRUE, reason, "the medium has it built for exactly this kernel; run setup again "
				    "after a new kernel");
}

static gboolean probe_direct(const struct way_input *in, char **reason)
{
	const struct detection *d = in->detection;
	g_autofree char *depmod = root_find_program(d->root, "depmod");
	const char *hook = *updates_hooks(d);

	if (!can_build(in, reason))
		return FALSE;
	if (!depmod)
		return answer(FALSE, reason, "there is no depmod: install kmod");
	if (d->read_only_usr)
		return answer(FALSE, reason, "/usr is read-only");
	if (!medium_has_tree(in, MEDIUM_BUILD))
		return answer(FALSE, reason, "the medium has no source of the module");
	if (dkms_has_built(in))
		return answer(FALSE, reason, "DKMS has built the module for this kernel");
	if (d->secure_boot == KNOWN_YES)
		return answer(FALSE, reason, "Secure Boot is on, and what is built so is not signed: "
					     "install dkms, which does sign, and run setup again");
	if (!hook)
		return answer(TRUE, reason, "the headers and a compiler are there: built on this "
					    "system; run setup again after a new kernel");
	return answer(TRUE, reason, "the headers and a compiler are there: built on this system, and "
				    "again for each new kernel by %s", hook);
}

static gboolean probe_none(const struct way_input *in, char **reason)
{
	return answer(TRUE, reason, "the agent freezes by itself, without the module");
}

/* The rest of a reason where setup has nothing to start the agent with; free it. */
static char *start_words(const struct detection *d)
{
	if (d->init->suffix)
		return g_strdup("");
	return g_strdup_printf("; setup does not start it under the init system %s: let that run "
			       "%s at boot, as the examples in /usr/share/guest-tools/init do",
			       d->init->name, AGENT_PROGRAM);
}

static gboolean probe_package(const struct way_input *in, char **reason)
{
	const struct detection *d = in->detection;

	if (strcmp(d->packages->name, "none") == 0)
		return answer(FALSE, reason, "no package manager is known in this root");
	if (!d->packages->suffix)
		return answer(FALSE, reason, "setup does not drive %s", d->packages->name);
	if (d->read_only_usr)
		return answer(FALSE, reason, "/usr is read-only");
	if (!medium_has_package(in, AGENT_PACKAGE, d->architecture))
		return answer(FALSE, reason, "the medium has no %s package for %s", d->packages->name,
			      d->architecture);
	if (!d->can_execute)
		return answer(FALSE, reason, "programs of %s cannot run on this machine",
			      d->architecture);
	g_autofree char *start = start_words(d);

	return answer(TRUE, reason, "%s manages this system's packages%s", d->packages->name, start);
}

static gboolean probe_static(const struct way_input *in, char **reason)
{
	const struct detection *d = in->detection;
	g_autofree char *tree = g_strdup_printf("%s/tree/", d->architecture);

	if (!medium_has_tree(in, tree))
		return answer(FALSE, reason, "the medium has no files for architecture %s",
			      d->architecture);
	if (d->read_only_usr)
		return answer(FALSE, reason, "/usr is read-only");
	g_autofree char *start = start_words(d);

	return answer(TRUE, reason, "the files run on any distribution of %s%s", d->architecture, start);
}

static const struct way module_ways[] = {
	{ "prebuilt", probe_prebuilt },
	{ "dkms", probe_dkms },
	{ "direct", probe_direct },
	{ "none", probe_none },
};

static const struct way agent_ways[] = {
	{ "package", probe_package },
	{ "static", probe_static },
};

static void answer_free(gpointer data)
{
	struct way_answer *given = data;

	g_free(given->reason);
	g_free(given);
}

static struct choice *choose(const struct way *ways, gsize n, const struct way_input *input,
			     const char *wanted)
{
	struct choice *choice = g_new0(struct choice, 1);

	choice->rejected = g_ptr_array_new_with_free_func(answer_free);
	for (gsize i = 0; i < n; i++) {
		g_autofree char *reason = NULL;
		struct way_answer *no;

		if (wanted && strcmp(wanted, ways[i].name))
			continue;
		if (ways[i].probe(input, &reason)) {
			choice->way = ways[i].name;
			choice->reason = g_steal_pointer(&reason);
			break;
		}
		no = g_new0(struct way_answer, 1);
		no->way = ways[i].name;
		no->reason = g_steal_pointer(&reason);
		g_ptr_array_add(choice->rejected, no);
	}
	return choice;
}

struct choice *ways_choose_module(const struct way_input *input, const char *wanted)
{
	return choose(module_ways, G_N_ELEMENTS(module_ways), input, wanted);
}

struct choice *ways_choose_agent(const struct way_input *input, const char *wanted)
{
	return choose(agent_ways, G_N_ELEMENTS(agent_ways), input, wanted);
}

void choice_free(struct choice *choice)
{
	if (!choice)
		return;
	g_free(choice->reason);
	g_ptr_array_unref(choice->rejected);
	g_free(choice);
}

static char *names_of(const struct way *ways, gsize n)
{
	GString *names = g_string_new(NULL);

	for (gsize i = 0; i < n; i++)
		g_string_append_printf(names, "%s%s", i ? ", " : "", ways[i].name);
	return g_string_free(names, FALSE);
}

static gboolean has_name(const struct way *ways, gsize n, const char *name)
{
	for (gsize i = 0; i < n; i++)
		if (strcmp(ways[i].name, name) == 0)
			return TRUE;
	return FALSE;
}

char *ways_module_names(void)
{
	return names_of(module_ways, G_N_ELEMENTS(module_ways));
}

char *ways_agent_names(void)
{
	return names_of(agent_ways, G_N_ELEMENTS(agent_ways));
}

gboolean ways_is_module(const char *name)
{
	return has_name(module_ways, G_N_ELEMENTS(module_ways), name);
}

gboolean ways_is_agent(const char *name)
{
	return has_name(agent_ways, G_N_ELEMENTS(agent_ways), name);
}
