/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "child.h"

#include <dirent.h>
#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"
#include "sysfs.h"

struct watch {
	pid_t pid;
	child_exited exited;
	gpointer data;
};

static struct {
	int fd;
	signal_arrived arrived;
	GList *watches;
} state = { .fd = -1 };

static void fill(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGCHLD);
}

static void reap(void)
{
	GList *next;

	for (GList *link = state.watches; link; link = next) {
		struct watch *watch = link->data;
		int status;

		next = link->next;
		if (waitpid(watch->pid, &status, WNOHANG) != watch->pid)
			continue;
		state.watches = g_list_delete_link(state.watches, link);
		watch->exited(status, watch->data);
		g_free(watch);
		/* The callback may have added or ended others. */
		next = state.watches;
	}
}

static gboolean ready(gint fd, GIOCondition condition, gpointer data)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return G_SOURCE_CONTINUE;
	if (info.ssi_signo == SIGCHLD)
		reap();
	else
		state.arrived((int)info.ssi_signo);
	return G_SOURCE_CONTINUE;
}

gboolean signals_init(signal_arrived arrived, GError **error)
{
	sigset_t set;

	fill(&set);
	state.arrived = arrived;
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	state.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (state.fd < 0)
		return agent_error_errno(error, errno, "cannot watch for signals");
	g_unix_fd_add(state.fd, G_IO_IN, ready, NULL);
	return TRUE;
}

void signals_restore(gpointer unused)
{
	sigset_t set;

	fill(&set);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void child_become_ordinary(void)
{
	signals_restore(NULL);
	umask(0022);
	/* In vain where it does not exist. */
	sysfs_write("/proc/self/oom_score_adj", "0");
}

void child_close_others(int keep, int keep_too)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fd != keep && fd != keep_too && fd != dirfd(dir))
			close(fd);
	}
	if (dir)
		closedir(dir);
}

void child_watch(pid_t pid, child_exited exited, gpointer data)
{
	struct watch *watch = g_new0(struct watch, 1);

	watch->pid = pid;
	watch->exited = exited;
	watch->data = data;
	state.watches = g_list_append(state.watches, watch);
	/* It may have ended before we watched. */
	kill(getpid(), SIGCHLD);
}
