// SPDX-License-Identifier: GPL-2.0-or-later
#include "distribution.h"

#include <string.h>

#include "osrelease.h"

#define RELEASE_MAX (64 * 1024)

/* IDs as os-release and our own reading of old release files give them, by family. */
static const struct {
	const char *family;
	const char *ids;
} families[] = {
	{ "debian", " debian ubuntu linuxmint lmde raspbian kali devuan pop elementary neon zorin "
		    "pureos parrot deepin uos tails trisquel proxmox pve mx antix astra univention "
		    "ucs knoppix vyos kylin openmediavault siduction sparky bodhi peppermint " },
	{ "redhat", " rhel centos fedora ol oracle amzn rocky almalinux scientific cloudlinux "
		    "eurolinux virtuozzo xenenterprise xcp-ng anolis openeuler opencloudos tencentos "
		    "alinux redhat mageia circle miraclelinux springdale navylinux bclinux photon "
		    "mariner azurelinux rosa openmandriva altlinux ovirt " },
	{ "suse", " sles sled suse opensuse opensuse-leap opensuse-tumbleweed opensuse-microos "
		  "sle-micro sle_hpc sl-micro sles_sap opensuse-leap-micro caasp sle suse-microos "
		  "opensuse-slowroll " },
	{ "arch", " arch archarm manjaro manjaro-arm endeavouros artix garuda cachyos arcolinux "
		  "blackarch parabola steamos " },
	{ "alpine", " alpine postmarketos chimera " },
	{ "gentoo", " gentoo funtoo calculate redcore sabayon " },
	{ "void", " void " },
	{ "slackware", " slackware slackel salix zenwalk porteus unraid " },
};

const char *distribution_family_of(const char *id)
{
	g_autofree char *word = g_strdup_printf(" %s ", id);

	if (!*id || strchr(id, ' '))
		return NULL;
	for (gsize i = 0; i < G_N_ELEMENTS(families); i++)
		if (strstr(families[i].ids, word))
			return families[i].family;
	return NULL;
}

/* The words of ID_LIKE from the nearest relation on. */
static const char *family_of_like(const char *like)
{
	g_auto(GStrv) words = g_strsplit(like, " ", -1);

	for (char **word = words; *word; word++) {
		const char *family = distribution_family_of(*word);

		if (family)
			return family;
	}
	return NULL;
}

/* First line of a file that is text, without the space around it; NULL when there is none. */
static char *first_line(const struct root *root, const char *path)
{
	gsize len = 0;
	g_autofree char *text = root_read(root, path, RELEASE_MAX, &len);

	if (!text || strlen(text) != len || !g_utf8_validate(text, len, NULL))
		return NULL;
	g_auto(GStrv) lines = g_strsplit(text, "\n", 2);

	return lines[0] && *g_strstrip(lines[0]) ? g_strdup(lines[0]) : NULL;
}

/* The first number with dots in a line: "CentOS release 6.10 (Final)" gives 6.10. */
static char *number_in(const char *line)
{
	const char *start = line;
	gsize len;

	while (*start && !(g_ascii_isdigit(*start) && (start == line || start[-1] == ' ')))
		start++;
	len = strspn(start, "0123456789.");
	while (len && start[len - 1] == '.')
		len--;
	return g_strndup(start, len);
}

static void set(char **field, const char *value)
{
	g_free(*field);
	*field = g_strdup(value ? value : "");
}

/* SuSE-release: name in the first line, then "VERSION = 11" and "PATCHLEVEL = 4". */
static void read_suse(const struct root *root, const char *path, struct distribution *d)
{
	g_autofree char *text = root_read(root, path, RELEASE_MAX, NULL);
	const char *level = text ? strstr(text, "PATCHLEVEL = ") : NULL;

	if (strstr(d->name, "openSUSE"))
		set(&d->id, "opensuse");
	else if (strstr(d->name, "Desktop"))
		set(&d->id, "sled");
	if (level && g_ascii_isdigit(level[13]) && level[13] != '0' && !strchr(d->version, '.')) {
		g_autofree char *sp = number_in(level + 13);
		g_autofree char *full = g_strdup_printf("%s.%s", d->version, sp);

		set(&d->version, full);
	}
}

/* redhat-release is copied by each rebuild with its own name in it. */
static void read_redhat(const struct root *root, const char *path, struct distribution *d)
{
	static const struct {
		const char *word, *id;
	} names[] = {
		{ "Red Hat", "rhel" },	    { "CentOS", "centos" },	 { "Fedora", "fedora" },
		{ "Oracle", "ol" },	    { "Enterprise Linux Enterprise Linux", "ol" },
		{ "Scientific", "scientific" }, { "CloudLinux", "cloudlinux" }, { "Rocky", "rocky" },
		{ "AlmaLinux", "almalinux" }, { "Amazon", "amzn" },	 { "XenServer", "xenenterprise" },
		{ "XCP-ng", "xcp-ng" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		if (!strstr(d->name, names[i].word))
			continue;
		set(&d->id, names[i].id);
		return;
	}
}

/* debian_version: a number, or "trixie/sid" on testing and unstable. */
static void read_debian(const struct root *root, const char *path, struct distribution *d)
{
	g_autofree char *line = g_strdup(d->name);
	const char *slash = strchr(line, '/');
	g_autofree char *name = NULL;

	set(&d->version, slash ? slash + 1 : line);
	name = g_strdup_printf("Debian GNU/Linux %s", line);
	set(&d->name, name);
}

static void read_void(const struct root *root, const char *path, struct distribution *d)
{
	set(&d->version, "rolling");
}

static void read_alpine(const struct root *root, const char *path, struct distribution *d)
{
	g_autofree char *name = g_strdup_printf("Alpine Linux %s", d->name);

	set(&d->version, d->name);
	set(&d->name, name);
}

static void read_arch(const struct root *root, const char *path, struct distribution *d)
{
	set(&d->name, "Arch Linux");
	set(&d->version, "rolling");
}

/*
 * Files of the time before os-release, the more particular ones first: Oracle's, CentOS's and
 * Scientific's roots have a redhat-release too. @empty: a file with nothing in it tells as much.
 */
static const struct release_file {
	const char *path, *id, *family;
	gboolean empty;
	void (*refine)(const struct root *root, const char *path, struct distribution *d);
} release_files[] = {
	{ "/etc/oracle-release", "ol", "redhat", FALSE, NULL },
	{ "/etc/enterprise-release", "ol", "redhat", FALSE, NULL },
	{ "/etc/centos-release", "centos", "redhat", FALSE, read_redhat },
	{ "/etc/fedora-release", "fedora", "redhat", FALSE, read_redhat },
	{ "/etc/redhat-release", "rhel", "redhat", FALSE, read_redhat },
	{ "/etc/system-release", "amzn", "redhat", FALSE, read_redhat },
	{ "/etc/SuSE-release", "sles", "suse", FALSE, read_suse },
	{ "/etc/alpine-release", "alpine", "alpine", FALSE, read_alpine },
	{ "/etc/gentoo-release", "gentoo", "gentoo", FALSE, NULL },
	{ "/etc/slackware-version", "slackware", "slackware", FALSE, NULL },
	{ "/etc/arch-release", "arch", "arch", TRUE, read_arch },
	{ "/etc/void-release", "void", "void", TRUE, read_void },
	{ "/etc/debian_version", "debian", "debian", FALSE, read_debian },
};

static gboolean from_release_file(const struct root *root, const struct release_file *file,
				  struct distribution *d)
{
	g_autofree char *line = first_line(root, file->path);
	struct stat st;

	if (!line && !(file->empty && root_stat(root, file->path, &st) == 0 && S_ISREG(st.st_mode)))
		return FALSE;
	g_autofree char *version = number_in(line ? line : "");

	set(&d->id, file->id);
	set(&d->family, file->family);
	set(&d->name, line);
	set(&d->version, version);
	set(&d->source, file->path);
	if (file->refine)
		file->refine(root, file->path, d);
	return TRUE;
}

static GHashTable *read_assignments(const struct root *root, const char *path)
{
	gsize len = 0;
	g_autofree char *text = root_read(root, path, RELEASE_MAX, &len);

	return text ? osrelease_parse(text, len) : NULL;
}

/* Debian's testing and unstable have no VERSION_ID; rolling ones have none for good. */
static void fill_version(const struct root *root, struct distribution *d, GHashTable *os)
{
	const char *version = g_hash_table_lookup(os, "VERSION_ID");
	const char *build = g_hash_table_lookup(os, "BUILD_ID");
	g_autofree char *debian = NULL;

	if (version || strcmp(d->family, "debian")) {
		if (!version && (!strcmp(d->family, "arch") || !strcmp(d->family, "void")))
			version = "rolling";
		set(&d->version, version ? version : build);
		return;
	}
	debian = first_line(root, "/etc/debian_version");
	if (debian && strchr(debian, '/'))
		set(&d->version, strchr(debian, '/') + 1);
	else if (debian)
		set(&d->version, debian);
	else if (strstr(d->name, "/sid"))
		set(&d->version, "sid");
}

static gboolean from_os_release(const struct root *root, const char *path, struct distribution *d)
{
	g_autoptr(GHashTable) os = read_assignments(root, path);
	const char *id, *family;

	id = os ? g_hash_table_lookup(os, "ID") : NULL;
	if (!id || !*id)
		return FALSE;
	g_autofree char *lower = g_ascii_strdown(id, -1);

	set(&d->id, lower);
	set(&d->like, g_hash_table_lookup(os, "ID_LIKE"));
	set(&d->name, g_hash_table_lookup(os, "PRETTY_NAME"));
	if (!*d->name)
		set(&d->name, g_hash_table_lookup(os, "NAME"));
	set(&d->source, path);
	family = distribution_family_of(lower);
	if (!family)
		family = family_of_like(d->like);
	set(&d->family, family ? family : "unknown");
	fill_version(root, d, os);
	return TRUE;
}

/* Ubuntu before 12.04 and its derivatives. */
static gboolean from_lsb_release(const struct root *root, const char *path, struct distribution *d)
{
	g_autoptr(GHashTable) lsb = read_assignments(root, path);
	const char *id = lsb ? g_hash_table_lookup(lsb, "DISTRIB_ID") : NULL;

	if (!id || !*id)
		return FALSE;
	g_autofree char *lower = g_ascii_strdown(id, -1);
	const char *family = distribution_family_of(lower);

	if (!family)
		return FALSE;
	set(&d->id, lower);
	set(&d->family, family);
	set(&d->version, g_hash_table_lookup(lsb, "DISTRIB_RELEASE"));
	set(&d->name, g_hash_table_lookup(lsb, "DISTRIB_DESCRIPTION"));
	set(&d->source, path);
	return TRUE;
}

static gboolean read_any(const struct root *root, struct distribution *d)
{
	if (from_os_release(root, "/etc/os-release", d) ||
	    from_os_release(root, "/usr/lib/os-release", d) ||
	    from_lsb_release(root, "/etc/lsb-release", d))
		return TRUE;
	for (gsize i = 0; i < G_N_ELEMENTS(release_files); i++)
		if (from_release_file(root, &release_files[i], d))
			return TRUE;
	return FALSE;
}

struct distribution *distribution_detect(const struct root *root)
{
	struct distribution *d = g_new0(struct distribution, 1);

	set(&d->id, "unknown");
	set(&d->family, "unknown");
	set(&d->version, "");
	set(&d->name, "unknown");
	set(&d->source, "");
	set(&d->like, "");
	read_any(root, d);
	if (!*d->name)
		set(&d->name, d->id);
	return d;
}

void distribution_free(struct distribution *d)
{
	if (!d)
		return;
	g_free(d->id);
	g_free(d->version);
	g_free(d->name);
	g_free(d->family);
	g_free(d->source);
	g_free(d->like);
	g_free(d);
}
