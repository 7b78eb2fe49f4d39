/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/virtio_fsfreeze.h>

#include "error.h"
#include "mounts.h"

static struct {
	int fd; /* our open /dev/fsfreeze: closing it thaws */
	guint source;
	gboolean told_frozen;
	const struct engine_events *events;
	GPtrArray *report; /* of the last freeze, kept when the file is closed */
} state = { .fd = -1 };

static gboolean kernel_available(void)
{
	return access(FSFREEZE_DEVICE, R_OK | W_OK) == 0;
}

static const char *entry_state(guint32 value)
{
	static const char *const names[] = {
		[FSFREEZE_ENTRY_IDLE] = "idle",     [FSFREEZE_ENTRY_FROZEN] = "frozen",
		[FSFREEZE_ENTRY_THAWED] = "thawed", [FSFREEZE_ENTRY_FAILED] = "failed",
		[FSFREEZE_ENTRY_HELD] = "held",
	};

	return value < G_N_ELEMENTS(names) ? names[value] : "unknown";
}

static GPtrArray *read_report(void)
{
	GPtrArray *report = engine_report_new();
	g_autofree struct fsfreeze_entry *entries = NULL;
	struct fsfreeze_report request = { .size = sizeof(request),
					   .entry_size = sizeof(struct fsfreeze_entry) };

	/* Twice: how many there are, then what they are. */
	if (ioctl(state.fd, FSFREEZE_IOC_REPORT, &request) < 0)
		return report;
	guint room = request.nr_entries;

	entries = g_new0(struct fsfreeze_entry, room);
	request.entries = (guintptr)entries;
	if (ioctl(state.fd, FSFREEZE_IOC_REPORT, &request) < 0)
		return report;
	for (guint i = 0; i < MIN(room, request.nr_entries); i++) {
		struct engine_entry *entry = g_new0(struct engine_entry, 1);

		entry->type = g_strndup(entries[i].type, sizeof(entries[i].type));
		entry->device = g_strndup(entries[i].id, sizeof(entries[i].id));
		entry->state = entry_state(entries[i].state);
		entry->error = -entries[i].error;
		entry->flush_us = entries[i].flush_us;
		entry->freeze_us = entries[i].freeze_us;
		entry->thaw_us = entries[i].thaw_us;
		g_ptr_array_add(report, entry);
	}
	return report;
}

static void forget(void)
{
	g_clear_handle_id(&state.source, g_source_remove);
	if (state.fd >= 0)
		close(state.fd);
	state.fd = -1;
}

static GError *error_of(const struct fsfreeze_status *status)
{
	static const char *const reasons[] = {
		[FSFREEZE_REASON_NONE] = "without a reason",
		[FSFREEZE_REASON_CLOSE] = "its file was closed",
		[FSFREEZE_REASON_DEADLINE] = "its deadline passed",
		[FSFREEZE_REASON_ERROR] = "a file system could not be frozen",
		[FSFREEZE_REASON_SUSPEND] = "the guest was suspended",
		[FSFREEZE_REASON_REBOOT] = "the guest was shut down",
		[FSFREEZE_REASON_HOST] = "the host went away",
		[FSFREEZE_REASON_LOST] = "somebody else thawed a file system",
	};
	g_autofree char *failed = g_strndup(status->failed, sizeof(status->failed));

	if (status->reason == FSFREEZE_REASON_ERROR)
		return g_error_new(AGENT_ERROR, AGENT_ERROR_GENERIC, "cannot freeze %s: %s",
				   *failed ? failed : "file systems", g_strerror(-status->error));
	if (status->reason == FSFREEZE_REASON_REQUEST && status->error == 0)
		return NULL;
	if (status->reason == FSFREEZE_REASON_REQUEST)
		return g_error_new(AGENT_ERROR, AGENT_ERROR_GENERIC, "cannot thaw %s: %s",
				   *failed ? failed : "file systems", g_strerror(-status->error));
	return g_error_new(AGENT_ERROR, AGENT_ERROR_GENERIC, "the freeze ended by itself: %s",
			   status->reason < G_N_ELEMENTS(reasons) ? reasons[status->reason] :
								    "for an unknown reason");
}

static gboolean changed(gint fd, GIOCondition condition, gpointer data)
{
	struct fsfreeze_status status = { .size = sizeof(status) };
	const struct engine_events *events = state.events;

	if (ioctl(fd, FSFREEZE_IOC_STATUS, &status) < 0) {
		int errnum = errno;
		GError *error = NULL;

		agent_error_errno(&error, errnum, "cannot ask %s", FSFREEZE_DEVICE);
		forget();
		events->thawed(0, error);
		return G_SOURCE_REMOVE;
	}
	if (status.state == FSFREEZE_FROZEN && !state.told_frozen) {
		state.told_frozen = TRUE;
		events->frozen(status.nr_frozen);
	} else if (status.state == FSFREEZE_THAWED) {
		g_clear_pointer(&state.report, g_ptr_array_unref);
		state.report = read_report();
		forget();
		events->thawed(status.nr_was_frozen, error_of(&status));
	}
	return G_SOURCE_CONTINUE;
}

static void close_all(GArray *fds)
{
	for (guint i = 0; i < fds->len; i++)
		close(g_array_index(fds, gint32, i));
}

static gboolean open_one(GArray *fds, const struct mount *mount, GError **error)
{
	gint32 fd = open(mount->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return agent_error_errno(error, errno, "cannot freeze %s", mount->path);
	g_array_append_val(fds, fd);
	return TRUE;
}

/* Descriptors on the file systems at @paths; none for all. Closed by the caller. */
static gboolean open_paths(GArray *fds, const char *const *paths, GError **error)
{
	g_autoptr(GPtrArray) mounts = NULL;

	if (!paths)
		return TRUE;
	mounts = mounts_read(error);
	if (!mounts || !mounts_select(mounts, paths, error))
		return FALSE;
	for (guint i = 0; i < mounts->len; i++)
		if (!open_one(fds, g_ptr_array_index(mounts, i), error))
			return FALSE;
	return TRUE;
}

static gboolean start(GArray *fds, guint timeout_ms, GError **error)
{
	struct fsfreeze_freeze request = { .size = sizeof(request),
					   .timeout_ms = timeout_ms,
					   .nr_fds = fds->len,
					   .fds = (guintptr)fds->data };

	state.fd = open(FSFREEZE_DEVICE, O_RDWR | O_CLOEXEC);
	if (state.fd < 0)
		return agent_error_errno(error, errno, "cannot open %s", FSFREEZE_DEVICE);
	if (ioctl(state.fd, FSFREEZE_IOC_FREEZE, &request) < 0) {
		agent_error_errno(error, errno, "cannot freeze through %s", FSFREEZE_DEVICE);
		forget();
		return FALSE;
	}
	return TRUE;
}

static gboolean kernel_begin(const char *const *paths, guint timeout_ms,
			     const struct engine_events *events, GError **error)
{
	g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(gint32));
	gboolean ok = open_paths(fds, paths, error) && start(fds, timeout_ms, error);

	close_all(fds);
	if (!ok)
		return FALSE;
	state.told_frozen = FALSE;
	state.events = events;
	state.source = g_unix_fd_add(state.fd, G_IO_IN, changed, NULL);
	return TRUE;
}

static void kernel_thaw(void)
{
	if (state.fd >= 0 && ioctl(state.fd, FSFREEZE_IOC_THAW) < 0 && errno != ENOENT)
		g_warning("cannot thaw through %s: %s", FSFREEZE_DEVICE, g_strerror(errno));
}

static void kernel_extend(guint timeout_ms)
{
	guint32 value = timeout_ms;

	if (state.fd >= 0 && ioctl(state.fd, FSFREEZE_IOC_EXTEND, &value) < 0)
		g_warning("cannot move the deadline of %s: %s", FSFREEZE_DEVICE, g_strerror(errno));
}

static GPtrArray *kernel_report(void)
{
	if (state.fd >= 0)
		return read_report();
	return state.report ? g_ptr_array_ref(state.report) : engine_report_new();
}

const struct engine engine_kernel = {
	.name = "kernel",
	.available = kernel_available,
	.begin = kernel_begin,
	.thaw = kernel_thaw,
	.extend = kernel_extend,
	.report = kernel_report,
};
