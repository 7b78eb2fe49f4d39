/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "logins.h"

#include <stddef.h>
#include <string.h>

#include "sysfs.h"

#define SESSIONS          "/run/systemd/sessions"
#define UTMP_USER_PROCESS 7

/*
 * A record of glibc's utmp(5), whatever our own C library has. Its times have 32
 * bits where a 32-bit variant of the machine exists, and those of a long elsewhere.
 */
#if defined(__aarch64__) || defined(__riscv) || defined(__loongarch__)
typedef gint64 utmp_time;
#else
typedef gint32 utmp_time;
#endif

struct utmp_record {
	gint16 type;
	gint32 pid;
	char line[32], id[4], user[32], host[256];
	gint16 termination, exit;
	utmp_time session, seconds, microseconds;
	gint32 address[4];
	char unused[20];
};

static void login_free(gpointer data)
{
	struct login *login = data;

	g_free(login->user);
	g_free(login);
}

static void add(GPtrArray *logins, const char *user, gint64 time)
{
	struct login *login;

	for (guint i = 0; i < logins->len; i++) {
		login = g_ptr_array_index(logins, i);
		if (!strcmp(login->user, user)) {
			login->time = MIN(login->time, time);
			return;
		}
	}
	login = g_new0(struct login, 1);
	login->user = g_strdup(user);
	login->time = time;
	g_ptr_array_add(logins, login);
}

static void add_records(GPtrArray *logins, const char *bytes, gsize length)
{
	struct utmp_record record;

	for (; length >= sizeof(record); bytes += sizeof(record), length -= sizeof(record)) {
		g_autofree char *user = NULL;

		memcpy(&record, bytes, sizeof(record));
		user = g_strndup(record.user, sizeof(record.user));
		if (record.type == UTMP_USER_PROCESS)
			add(logins, user,
			    (gint64)record.seconds * G_USEC_PER_SEC + record.microseconds);
	}
}

static char *value_of(char **lines, const char *key)
{
	for (char **line = lines; *line; line++)
		if (g_str_has_prefix(*line, key))
			return *line + strlen(key);
	return NULL;
}

/* systemd's format is its own, and has not changed since there is one. */
static void add_session(GPtrArray *logins, const char *path)
{
	g_autofree char *text = NULL;
	g_auto(GStrv) lines = NULL;
	const char *user, *class, *time;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		return;
	lines = g_strsplit(text, "\n", -1);
	user = value_of(lines, "USER=");
	class = value_of(lines, "CLASS=");
	time = value_of(lines, "REALTIME=");
	if (user && time && (!class || g_str_has_prefix(class, "user")) &&
	    g_strcmp0(class, "user-incomplete") != 0)
		add(logins, user, g_ascii_strtoll(time, NULL, 10));
}

static void add_sessions(GPtrArray *logins)
{
	g_auto(GStrv) names = sysfs_list(SESSIONS, "");

	for (char **name = names; name && *name; name++) {
		g_autofree char *path = g_build_filename(SESSIONS, *name, NULL);

		if (!g_str_has_suffix(*name, ".ref"))
			add_session(logins, path);
	}
}

GPtrArray *logins_read(void)
{
	GPtrArray *logins = g_ptr_array_new_with_free_func(login_free);
	g_autofree char *bytes = NULL;
	gsize length;

	if (g_file_get_contents("/run/utmp", &bytes, &length, NULL) ||
	    g_file_get_contents("/var/run/utmp", &bytes, &length, NULL))
		add_records(logins, bytes, length);
	else
		add_sessions(logins);
	return logins;
}
