// SPDX-License-Identifier: GPL-2.0-or-later
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "error.h"
#include "journal.h"

#define MIB (1024 * 1024)

gboolean check_privilege(const struct root *root, GError **err)
{
	if (geteuid() == 0)
		return TRUE;
	return setup_fail(err, SETUP_REFUSED, "cannot change %s: not root; run it as root, or with sudo",
			  root_is_live(root) ? "this system" : root_path(root));
}

gboolean check_lock(const struct root *root, GError **err)
{
	int fd = root_open(root, "/var/lib", O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return setup_fail_errno(err, SETUP_REFUSED, "cannot use root %s: /var/lib",
					root_path(root));
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return TRUE; /* and open until we end */
	if (errno == EWOULDBLOCK)
		return setup_fail(err, SETUP_BUSY, "cannot change %s: another setup is at work there",
				  root_path(root));
	return setup_fail_errno(err, SETUP_REFUSED, "cannot lock /var/lib of %s", root_path(root));
}

static gboolean check_version(const struct context *c, const struct plan *plan, GError **err)
{
	const char *here = c->state ? state_version(c->state) : c->detection->agent_version;
	const char *there = medium_version(c->medium);

	if (!here || c->options->downgrade || strverscmp(there, here) >= 0)
		return TRUE;
	return setup_fail(err, SETUP_OLDER,
			  "cannot install %s: %s is installed, which is newer; "
			  "--downgrade installs the older", there, here);
}

static gboolean check_other_agent(const struct context *c, const struct plan *plan, GError **err)
{
	const struct other_agent *other = &c->detection->other_agent;

	if (!c->detection->has_other_agent || c->options->replace_agent)
		return TRUE;
	return setup_fail(err, SETUP_OTHER_AGENT,
			  "cannot install the agent: %s is %s and uses the same channel; "
			  "--replace-agent stops and masks it, uninstall brings it back",
			  other->name, other->active ? "running" : "installed");
}

static gboolean check_replaceable(const struct context *c, const struct plan *plan, GError **err)
{
	if (!c->detection->has_other_agent || !c->options->replace_agent ||
	    strcmp(c->detection->init->name, "systemd") == 0)
		return TRUE;
	return setup_fail(err, SETUP_REFUSED,
			  "cannot replace %s: with the init system %s this is not done by setup; "
			  "remove it first", c->detection->other_agent.name, c->detection->init->name);
}

/* What a directory needs: a share for itself, and the copies where it holds them. */
static gboolean has_space(const struct context *c, const char *dir, goffset need, GError **err)
{
	g_autofree char *missing = root_first_missing(c->root, dir);
	g_autofree char *there = missing ? g_path_get_dirname(missing) : g_strdup(dir);
	int fd = root_open(c->root, there, O_RDONLY | O_DIRECTORY, 0);
	struct statvfs fs;
	int got = fd < 0 ? -1 : fstatvfs(fd, &fs);

	if (fd >= 0)
		close(fd);
	if (got < 0)
		return setup_fail_errno(err, SETUP_REFUSED, "cannot use %s", there);
	if (fs.f_flag & ST_RDONLY)
		return setup_fail(err, SETUP_REFUSED, "cannot write to %s: Read-only file system", dir);
	goffset left = (goffset)fs.f_bavail * fs.f_frsize;

	if (left >= need)
		return TRUE;
	return setup_fail(err, SETUP_REFUSED,
			  "cannot install in %s: %" G_GOFFSET_FORMAT " MiB free, %" G_GOFFSET_FORMAT
			  " MiB needed", dir, left / MIB, (need + MIB - 1) / MIB);
}

static goffset build_space(const struct plan *plan)
{
	goffset space = 0;

	for (guint i = 0; i < plan->steps->len; i++) {
		const struct step_kind *kind = ((struct step *)plan->steps->pdata[i])->kind;

		if (kind == &step_build_module || kind == &step_build_direct)
			space += 8 * MIB;
	}
	return space;
}

/* Packed, unpacked, and the package manager's own copy of its database. */
static gboolean check_space(const struct context *c, const struct plan *plan, GError **err)
{
	goffset size = plan_size(plan);

	return has_space(c, "/etc", MIB / 4, err) && has_space(c, "/usr/sbin", 4 * size, err) &&
	       has_space(c, STATE_DIR, 2 * size + 8 * MIB + build_space(plan), err) &&
	       has_space(c, c->stage, size + MIB / 4, err);
}

typedef gboolean (*check_fn)(const struct context *c, const struct plan *plan, GError **err);

static const check_fn checks[] = {
	check_version,
	check_other_agent,
	check_replaceable,
	check_space,
};

gboolean check_install(const struct context *c, const struct plan *plan, GError **err)
{
	for (gsize i = 0; i < G_N_ELEMENTS(checks); i++)
		if (!checks[i](c, plan, err))
			return FALSE;
	return TRUE;
}
