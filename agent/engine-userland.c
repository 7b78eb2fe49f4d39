/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "error.h"
#include "mounts.h"
#include "stale.h"
#include "worker.h"

static struct {
	GPtrArray *mounts; /* as many and in the order of the items; kept for the report */
	struct worker_shared *shared;
	gsize shared_size;
	int socket;        /* to the worker, or -1 */
	GArray *fds;       /* our copies of the worker's descriptors, -1 where unknown */
	guint source;
	guint timeout_ms;
	const struct engine_events *events;
} state = { .socket = -1 };

static gboolean userland_available(void)
{
	return TRUE;
}

static guint count_was_frozen(void)
{
	guint count = 0;

	for (guint i = 0; i < state.shared->length; i++) {
		guint32 is = state.shared->items[i].state;

		count += is == WORKER_FROZEN || is == WORKER_THAWED;
	}
	return count;
}

static void close_fds(void)
{
	for (guint i = 0; state.fds && i < state.fds->len; i++)
		if (g_array_index(state.fds, int, i) >= 0)
			close(g_array_index(state.fds, int, i));
	g_clear_pointer(&state.fds, g_array_unref);
}

static void forget_worker(void)
{
	g_clear_handle_id(&state.source, g_source_remove);
	if (state.socket >= 0)
		close(state.socket);
	state.socket = -1;
}

static void forget_last(void)
{
	if (state.shared)
		munmap(state.shared, state.shared_size);
	state.shared = NULL;
	g_clear_pointer(&state.mounts, g_ptr_array_unref);
}

/* Why a file system was not frozen, or not to the end. */
static GError *error_of_items(void)
{
	for (guint i = 0; i < state.shared->length; i++) {
		const struct worker_item *item = &state.shared->items[i];
		const struct mount *mount = g_ptr_array_index(state.mounts, i);

		if (item->state == WORKER_LOST)
			return g_error_new(AGENT_ERROR, AGENT_ERROR_GENERIC,
					   "somebody else thawed %s while it was frozen", mount->path);
		if (item->state == WORKER_FAILED)
			return g_error_new(AGENT_ERROR, AGENT_ERROR_GENERIC, "cannot freeze %s: %s",
					   mount->path, g_strerror(item->error));
	}
	return NULL;
}

static GError *error_of(guint reason)
{
	GError *error = error_of_items();

	if (error || reason == WORKER_REASON_REQUEST)
		return error;
	return g_error_new(AGENT_ERROR, AGENT_ERROR_GENERIC, "the freeze ended by itself: %s",
			   reason == WORKER_REASON_DEADLINE ? "its deadline passed" :
							      "the freezing process was killed");
}

static void finish(guint reason)
{
	forget_worker();
	close_fds();
	stale_forget();
	state.events->thawed(count_was_frozen(), error_of(reason));
}

static void take_descriptor(struct msghdr *header, guint index)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(header);

	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS || index >= state.fds->len)
		return;
	memcpy(&g_array_index(state.fds, int, index), CMSG_DATA(cmsg), sizeof(int));
}

static gboolean spawn_rescue(GError **error);

static void worker_gone(void)
{
	g_autoptr(GError) error = NULL;

	forget_worker();
	if (spawn_rescue(&error))
		return;
	g_critical("%s", error->message);
	finish(WORKER_REASON_ERROR);
}

static void handle(const struct worker_message *message, struct msghdr *header)
{
	if (message->type == WORKER_SAYS_OPENED)
		take_descriptor(header, message->number);
	else if (message->type == WORKER_SAYS_FROZEN)
		state.events->frozen(count_was_frozen());
	else if (message->type == WORKER_SAYS_THAWED)
		finish(message->number);
}

static gboolean worker_speaks(gint fd, GIOCondition condition, gpointer data)
{
	struct worker_message message;
	struct iovec iov = { .iov_base = &message, .iov_len = sizeof(message) };
	union {
		char buffer[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				 .msg_controllen = sizeof(control.buffer) };
	ssize_t n = recvmsg(fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n == sizeof(message))
		handle(&message, &header);
	else if (n >= 0 || (errno != EAGAIN && errno != EINTR))
		worker_gone();
	return G_SOURCE_CONTINUE;
}

static void reaped(int wait_status, gpointer data)
{
	if (WIFSIGNALED(wait_status))
		g_warning("the freezing process was killed by signal %d", WTERMSIG(wait_status));
}

/* Forks; the parent watches the child's socket, the child gets it. */
static gboolean spawn(pid_t *pid, int *socket_of_child, GError **error)
{
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return agent_error_errno(error, errno, "cannot start the freezing process");
	*pid = fork();
	if (*pid < 0) {
		agent_error_errno(error, errno, "cannot start the freezing process");
		close(sockets[0]);
		close(sockets[1]);
		return FALSE;
	}
	if (*pid == 0) {
		*socket_of_child = sockets[1];
		return TRUE;
	}
	close(sockets[1]);
	state.socket = sockets[0];
	state.source = g_unix_fd_add(state.socket, G_IO_IN, worker_speaks, NULL);
	child_watch(*pid, reaped, NULL);
	return TRUE;
}

static gboolean spawn_rescue(GError **error)
{
	int socket;
	pid_t pid;

	for (guint i = 0; i < state.fds->len; i++)
		state.shared->items[i].fd = g_array_index(state.fds, int, i);
	if (!spawn(&pid, &socket, error))
		return FALSE;
	if (pid == 0)
		worker_thaw(state.shared, socket);
	return TRUE;
}

static gboolean spawn_worker(GError **error)
{
	g_autofree struct target *targets = g_new0(struct target, state.mounts->len);
	int socket;
	pid_t pid;

	for (guint i = 0; i < state.mounts->len; i++) {
		const struct mount *mount = g_ptr_array_index(state.mounts, i);

		targets[i].path = mount->path;
		targets[i].dev = mount->dev;
		targets[i].type = mount->type;
	}
	if (!spawn(&pid, &socket, error))
		return FALSE;
	if (pid == 0)
		worker_freeze(state.shared, targets, socket, state.timeout_ms);
	return TRUE;
}

static gboolean share(GError **error)
{
	state.shared_size = sizeof(*state.shared) + state.mounts->len * sizeof(state.shared->items[0]);
	state.shared = mmap(NULL, state.shared_size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (state.shared == MAP_FAILED) {
		state.shared = NULL;
		return agent_error_errno(error, errno, "cannot start the freezing process");
	}
	state.shared->length = state.mounts->len;
	state.fds = g_array_new(FALSE, FALSE, sizeof(int));
	for (guint i = 0; i < state.mounts->len; i++) {
		const struct mount *mount = g_ptr_array_index(state.mounts, i);
		const int none = -1;

		state.shared->items[i].rank = mount->rank;
		state.shared->items[i].fd = -1;
		state.shared->ranks = MAX(state.shared->ranks, mount->rank + 1);
		g_array_append_val(state.fds, none);
	}
	return TRUE;
}

static gboolean list(const char *const *paths, GError **error)
{
	state.mounts = mounts_read(error);
	if (!state.mounts)
		return FALSE;
	mounts_add_namespaces(state.mounts);
	mounts_rank(state.mounts);
	return !paths || mounts_select(state.mounts, paths, error);
}

static gboolean nothing_to_freeze(gpointer data)
{
	state.events->frozen(0);
	return G_SOURCE_REMOVE;
}

static gboolean userland_begin(const char *const *paths, guint timeout_ms,
			       const struct engine_events *events, GError **error)
{
	forget_last();
	state.events = events;
	state.timeout_ms = timeout_ms;
	if (!list(paths, error) || !share(error) || !stale_remember(state.mounts, error)) {
		close_fds();
		return FALSE;
	}
	if (state.mounts->len == 0) {
		g_idle_add(nothing_to_freeze, NULL);
		return TRUE;
	}
	if (spawn_worker(error))
		return TRUE;
	close_fds();
	stale_forget();
	return FALSE;
}

static void tell(enum worker_message_type type, guint number)
{
	struct worker_message message = { .type = type, .number = number };

	/* A worker that is gone is noticed by the end of its socket. */
	if (send(state.socket, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		g_info("the freezing process does not listen: %s", g_strerror(errno));
}

static gboolean nothing_to_thaw(gpointer data)
{
	finish(WORKER_REASON_REQUEST);
	return G_SOURCE_REMOVE;
}

static void userland_thaw(void)
{
	if (state.socket >= 0)
		tell(WORKER_DO_THAW, 0);
	else
		g_idle_add(nothing_to_thaw, NULL);
}

static void userland_extend(guint timeout_ms)
{
	tell(WORKER_DO_EXTEND, timeout_ms);
}

static GPtrArray *userland_report(void)
{
	static const char *const names[] = {
		[WORKER_IDLE] = "idle",     [WORKER_FREEZING] = "freezing",
		[WORKER_FROZEN] = "frozen", [WORKER_THAWED] = "thawed",
		[WORKER_FAILED] = "failed", [WORKER_HELD] = "held",
		[WORKER_LOST] = "lost",     [WORKER_UNSUPPORTED] = "unsupported",
	};
	GPtrArray *report = engine_report_new();

	for (guint i = 0; state.shared && i < state.shared->length; i++) {
		const struct worker_item *item = &state.shared->items[i];
		const struct mount *mount = g_ptr_array_index(state.mounts, i);
		struct engine_entry *entry = g_new0(struct engine_entry, 1);

		entry->path = g_strdup(mount->path);
		entry->device = g_strdup_printf("%u:%u", major(mount->dev), minor(mount->dev));
		entry->type = g_strdup(mount->type);
		entry->state = names[item->state];
		entry->error = item->error;
		entry->flush_us = item->flush_us;
		entry->freeze_us = item->freeze_us;
		entry->thaw_us = item->thaw_us;
		g_ptr_array_add(report, entry);
	}
	return report;
}

const struct engine engine_userland = {
	.name = "userland",
	.available = userland_available,
	.begin = userland_begin,
	.thaw = userland_thaw,
	.extend = userland_extend,
	.report = userland_report,
};
