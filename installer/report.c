// SPDX-License-Identifier: GPL-2.0-or-later
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "ui.h"

void report_print(json_t *document)
{
	json_dumpf(document, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(document);
}

static json_t *known_json(enum known known)
{
	return known == KNOWN_NOT ? json_null() : json_boolean(known == KNOWN_YES);
}

static json_t *string_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static struct choice *module_choice(const struct detection *d, const struct kernel *kernel,
				    const struct options *options)
{
	struct way_input input = { d, NULL, kernel };

	return ways_choose_module(&input, options->module);
}

static json_t *kernels_json(const struct detection *d, const struct options *options)
{
	json_t *kernels = json_array();

	for (guint i = 0; i < d->kernels->len; i++) {
		const struct kernel *kernel = d->kernels->pdata[i];
		struct choice *choice = module_choice(d, kernel, options);

		json_array_append_new(
			kernels,
			json_pack("{s:s, s:b, s:s, s:b, s:o}", "release", kernel->release,
				  "headers", kernel->headers != NULL, "module_way",
				  choice->way ? choice->way : "none", "running", kernel->running,
				  "module", string_or_null(kernel->module)));
		choice_free(choice);
	}
	return kernels;
}

static json_t *agent_json(const struct detection *d)
{
	const char *conflict = d->has_other_agent ? d->other_agent.name : NULL;

	return json_pack("{s:b, s:o, s:o, s:b}", "installed", d->agent_installed, "version",
			 string_or_null(d->agent_version), "conflict", string_or_null(conflict),
			 "conflict_active", d->has_other_agent && d->other_agent.active);
}

json_t *report_detection_json(const struct detection *d, const struct options *options)
{
	const struct distribution *os = d->distribution;

	return json_pack("{s:{s:s, s:s, s:s, s:s, s:s}, s:s, s:s, s:s, s:b, s:s, s:b, s:o, s:o, s:o, "
			 "s:b, s:o, s:o}",
			 "distribution", "id", os->id, "version", os->version, "family", os->family,
			 "name", os->name, "source", os->source, "architecture", d->architecture,
			 "libc", d->libc, "init", d->init->name, "init_running", d->init_runs,
			 "package_manager", d->packages->name, "dkms", d->dkms != NULL, "kernels",
			 kernels_json(d, options), "agent", agent_json(d), "secure_boot",
			 known_json(d->secure_boot), "read_only_usr", d->read_only_usr,
			 "container", string_or_null(d->container), "selinux",
			 string_or_null(d->selinux));
}

static void report_system(const struct detection *d)
{
	ui_say("System:   %s%s%s, %s, %s, packages by %s", d->distribution->name,
	       strcmp(d->distribution->family, "unknown") ? "" : " (unknown family)",
	       d->read_only_usr ? ", /usr read-only" : "", d->architecture, d->init->name,
	       d->packages->name);
}

void report_detection(const struct detection *d, const struct options *options)
{
	static const char *const words[] = { [KNOWN_NO] = "off", [KNOWN_YES] = "on",
					     [KNOWN_NOT] = "not known" };

	report_system(d);
	ui_say("Family:   %s (%s %s)", d->distribution->family, d->distribution->id,
	       d->distribution->version);
	if (d->container)
		ui_say("Container: %s", d->container);
	for (guint i = 0; i < d->kernels->len; i++) {
		const struct kernel *kernel = d->kernels->pdata[i];

		ui_say("Kernel:   %s%s, headers %s%s", kernel->release,
		       kernel->running ? " (running)" : "", kernel->headers ? "there" : "not there",
		       kernel->module ? ", module there" : "");
	}
	if (d->kernels->len == 0)
		ui_say("Kernel:   none in this root");
	ui_say("DKMS:     %s", d->dkms ? d->dkms : "not installed");
	ui_say("Secure Boot: %s", words[d->secure_boot]);
	ui_say("Agent:    %s%s%s", d->agent_installed ? "installed " : "not installed",
	       d->agent_version ? d->agent_version : "", "");
	if (d->has_other_agent)
		ui_say("Conflict: %s is %s", d->other_agent.name,
		       d->other_agent.active ? "running" : "installed");
}

static json_t *choice_json(const struct choice *choice)
{
	json_t *rejected = json_array();

	for (guint i = 0; i < choice->rejected->len; i++) {
		const struct way_answer *no = choice->rejected->pdata[i];

		json_array_append_new(rejected, json_pack("{s:s, s:s}", "way", no->way, "reason",
							  no->reason));
	}
	return json_pack("{s:s, s:s, s:o}", "way", choice->way ? choice->way : "none", "reason",
			 choice->reason ? choice->reason : "", "rejected", rejected);
}

json_t *report_plan_json(const struct context *c, const struct plan *plan)
{
	json_t *modules = json_array(), *steps = json_array();

	for (guint i = 0; i < plan->modules->len; i++) {
		const struct module_choice *module = plan->modules->pdata[i];
		json_t *choice = choice_json(module->choice);

		json_object_set_new(choice, "release", json_string(module->kernel->release));
		json_array_append_new(modules, choice);
	}
	for (guint i = 0; i < plan->steps->len; i++) {
		const struct step *step = plan->steps->pdata[i];
		g_autofree char *title = step_title(step->kind, step->object);

		json_array_append_new(steps, json_pack("{s:s, s:s, s:s}", "kind", step->kind->name,
						       "object", step->object, "title", title));
	}
	return json_pack("{s:s, s:o, s:b, s:o, s:o, s:o}", "version", medium_version(c->medium),
			 "installed_version",
			 string_or_null(c->state ? state_version(c->state) : NULL), "current",
			 plan->steps->len == 0, "agent", choice_json(plan->agent), "modules",
			 modules, "steps", steps);
}

/* What people can do about a kernel without the module, again where they will see it. */
void report_missing_modules(const struct plan *plan)
{
	for (guint i = 0; i < plan->modules->len; i++) {
		const struct choice *choice =
			((const struct module_choice *)plan->modules->pdata[i])->choice;

		if (g_strcmp0(choice->way, "none") == 0 && choice->rejected->len)
			ui_say("Module:   %s",
			       ((struct way_answer *)choice->rejected->pdata[choice->rejected->len - 1])
				       ->reason);
	}
}

static void report_choice(const char *label, const char *what, const struct choice *choice)
{
	ui_say("%s %s%s: %s", label, what, choice->way ? choice->way : "none",
	       choice->reason ? choice->reason : "the way asked for cannot be gone");
	for (guint i = 0; i < choice->rejected->len; i++) {
		const struct way_answer *no = choice->rejected->pdata[i];

		ui_say("            not %s: %s", no->way, no->reason);
	}
}

void report_plan(const struct context *c, const struct plan *plan)
{
	report_system(c->detection);
	report_choice("Agent:   ", "", plan->agent);
	for (guint i = 0; i < plan->modules->len; i++) {
		const struct module_choice *module = plan->modules->pdata[i];
		g_autofree char *what = g_strdup_printf("%s: ", module->kernel->release);

		report_choice("Module:  ", what, module->choice);
	}
	if (plan->modules->len == 0)
		ui_say("Module:   none: there is no kernel in this root");
	if (plan->steps->len == 0)
		return;
	ui_say("Steps to install guest-tools %s:", medium_version(c->medium));
	for (guint i = 0, number = 1; i < plan->steps->len; i++) {
		const struct step *step = plan->steps->pdata[i];
		g_autofree char *title = step_title(step->kind, step->object);

		if (!(step->kind->flags & STEP_QUIET))
			ui_say("  %2u. %s", number++, title);
	}
}
