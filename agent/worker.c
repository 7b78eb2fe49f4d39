/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "worker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hands.h"
#include "item.h"

/*
 * The worker itself never makes a call that can block on a file system: that is
 * for its hands. Freezing and thawing have hands of their own, so that freezers
 * which are stuck (the kernel waits for a file system below, say) are never what a
 * thaw waits for.
 *
 *   OPENING -> FLUSHING -> FREEZING rank 0, 1, ... -> FROZEN -> THAWING ..., 1, 0
 *                 |            |                        |          ^
 *                 +------------+--- stop: told to, -----+----------+
 *                                   deadline, agent gone, error
 */

/* With grace periods expedited, sixteen are the fastest for fifty file systems and more. */
#define FREEZE_HANDS 16
#define THAW_HANDS 2

static struct {
	struct worker_shared *shared;
	int socket;
	int done; /* where the hands write back the tokens they are through with */
	struct hands freezers, thawers;
	int64_t deadline_us; /* 0: not armed */
	bool stop;
	enum worker_reason reason;
	int rcu_expedited; /* descriptor, or -1 */
	char rcu_before[16];
} worker = { .rcu_expedited = -1 };

static void say(enum worker_message_type type, uint32_t number)
{
	struct worker_message message = { .type = type, .number = number };

	/* An agent that is gone is noticed where we listen to it. */
	if (send(worker.socket, &message, sizeof(message), MSG_NOSIGNAL) < 0)
		return;
}

static void stop(enum worker_reason reason)
{
	if (worker.stop)
		return;
	worker.stop = true;
	worker.reason = reason;
}

/* --- opening ------------------------------------------------------------ */

static void send_descriptor(uint32_t index, int fd)
{
	struct worker_message message = { .type = WORKER_SAYS_OPENED, .number = index };
	struct iovec iov = { .iov_base = &message, .iov_len = sizeof(message) };
	union {
		char buffer[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
				 .msg_controllen = sizeof(control.buffer) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	if (sendmsg(worker.socket, &header, MSG_NOSIGNAL) < 0)
		stop(WORKER_REASON_AGENT);
}

static void open_all(const struct target *targets)
{
	/* Hidden ones last: looking for them changes our view of all others. */
	for (int hidden = 0; hidden <= 1; hidden++)
		for (uint32_t i = 0; i < worker.shared->length; i++) {
			struct worker_item *item = &worker.shared->items[i];

			if (item->fd < 0)
				item->fd = hidden ? target_open_hidden(&targets[i]) :
						    target_open(&targets[i]);
			else
				continue;
			if (item->fd >= 0)
				send_descriptor(i, item->fd);
		}
	for (uint32_t i = 0; i < worker.shared->length; i++)
		if (worker.shared->items[i].fd < 0) {
			item_failed(&worker.shared->items[i], ESTALE);
			stop(WORKER_REASON_ERROR);
		}
}

/* --- the worker --------------------------------------------------------- */

static void close_others(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fd != worker.socket && fd != dirfd(dir))
			close(fd);
	}
	if (dir)
		closedir(dir);
}

static void never_be_killed_for_memory(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "-1000", 5) < 0)
		prctl(PR_SET_NAME, "fsfreeze-oom", 0, 0, 0);
	close(fd);
}

/* Grace periods are most of what a freeze waits for; they can be hurried. */
static void expedite_rcu(void)
{
	ssize_t n;

	worker.rcu_expedited = open("/sys/kernel/rcu_expedited", O_RDWR | O_CLOEXEC);
	if (worker.rcu_expedited < 0)
		return;
	n = pread(worker.rcu_expedited, worker.rcu_before, sizeof(worker.rcu_before), 0);
	if (n <= 0 || pwrite(worker.rcu_expedited, "1", 1, 0) < 0) {
		close(worker.rcu_expedited);
		worker.rcu_expedited = -1;
	}
}

static void unexpedite_rcu(void)
{
	if (worker.rcu_expedited < 0)
		return;
	while (pwrite(worker.rcu_expedited, worker.rcu_before, strlen(worker.rcu_before), 0) < 0 &&
	       errno == EINTR)
		;
	close(worker.rcu_expedited);
	worker.rcu_expedited = -1;
}

static void token_done(uint32_t token)
{
	if (hands_operation(token) == HANDS_THAW)
		worker.thawers.pending--;
	else
		worker.freezers.pending--;
	if (hands_operation(token) == HANDS_FREEZE &&
	    worker.shared->items[hands_index(token)].state == WORKER_FAILED)
		stop(WORKER_REASON_ERROR);
}

/* All there are, which are whole ones: hands write one at a time. */
static void take_done(void)
{
	uint32_t tokens[64];
	ssize_t n = read(worker.done, tokens, sizeof(tokens));

	for (ssize_t i = 0; i < n / (ssize_t)sizeof(tokens[0]); i++)
		token_done(tokens[i]);
}

static void take_message(void)
{
	struct worker_message message;
	ssize_t n = recv(worker.socket, &message, sizeof(message), 0);

	if (n < 0 && errno == EINTR)
		return;
	if (n != sizeof(message))
		stop(WORKER_REASON_AGENT);
	else if (message.type == WORKER_DO_THAW)
		stop(WORKER_REASON_REQUEST);
	else if (message.type == WORKER_DO_EXTEND)
		worker.deadline_us = item_now_us() + message.number * 1000LL;
}

/* While hands are at work one of them may be killed, of which no descriptor tells. */
#define HANDS_CHECK_MS 200

static int poll_timeout(void)
{
	int64_t left = INT32_MAX;

	if (worker.freezers.pending > 0 || worker.thawers.pending > 0)
		left = HANDS_CHECK_MS;
	else if (!worker.deadline_us || worker.stop)
		return -1;
	if (worker.deadline_us && !worker.stop) {
		int64_t to_deadline = (worker.deadline_us - item_now_us()) / 1000 + 1;

		left = to_deadline < left ? to_deadline : left;
	}
	return left < 0 ? 0 : (int)left;
}

/* What a hand that was killed may have frozen before it went is thawed here. */
static void bury_hands(void)
{
	if (waitpid(-1, NULL, WNOHANG) <= 0)
		return;
	stop(WORKER_REASON_ERROR);
	worker.shared->abort = 1;
	for (uint32_t i = 0; i < worker.shared->length; i++)
		item_thaw(&worker.shared->items[i], WORKER_FREEZING);
	worker.freezers.pending = 0;
	worker.thawers.pending = 0;
}

/* Waits for one thing to happen. Once stopped, the agent has nothing more to say. */
static void wait_event(void)
{
	struct pollfd fds[] = {
		{ .fd = worker.done, .events = POLLIN },
		{ .fd = worker.stop ? -1 : worker.socket, .events = POLLIN },
	};

	if (poll(fds, 2, poll_timeout()) > 0) {
		if (fds[0].revents)
			take_done();
		if (fds[1].revents)
			take_message();
	} else {
		bury_hands();
	}
	if (worker.deadline_us && item_now_us() >= worker.deadline_us)
		stop(WORKER_REASON_DEADLINE);
}

static void flush_all(void)
{
	int64_t start = item_now_us();

	for (uint32_t i = 0; i < worker.shared->length && !worker.stop; i++)
		hands_give(&worker.freezers, HANDS_FLUSH, i);
	while (worker.freezers.pending > 0 && !worker.stop)
		wait_event();
	worker.shared->flush_us = item_now_us() - start;
}

static void freeze_all(uint32_t timeout_ms)
{
	int64_t start = item_now_us();

	if (!worker.deadline_us)
		worker.deadline_us = start + timeout_ms * 1000LL;
	for (uint32_t rank = 0; rank < worker.shared->ranks && !worker.stop; rank++) {
		for (uint32_t i = 0; i < worker.shared->length; i++)
			if (worker.shared->items[i].rank == rank)
				hands_give(&worker.freezers, HANDS_FREEZE, i);
		while (worker.freezers.pending > 0 && !worker.stop)
			wait_event();
	}
	worker.shared->freeze_us = item_now_us() - start;
}

static void thaw_all(void)
{
	worker.shared->abort = 1;
	for (uint32_t rank = worker.shared->ranks; rank-- > 0;) {
		for (uint32_t i = worker.shared->length; i-- > 0;)
			if (worker.shared->items[i].rank == rank &&
			    worker.shared->items[i].state == WORKER_FROZEN)
				hands_give(&worker.thawers, HANDS_THAW, i);
		while (worker.thawers.pending > 0)
			wait_event();
	}
	while (worker.freezers.pending > 0)
		wait_event();
}

static bool prepare(void)
{
	uint32_t hands = worker.shared->length;
	int done[2];

	never_be_killed_for_memory();
	if (pipe2(done, O_CLOEXEC) < 0)
		return false;
	worker.done = done[0];
	mlockall(MCL_CURRENT | MCL_FUTURE);
	return hands_start_freezers(&worker.freezers, worker.shared,
				    hands < FREEZE_HANDS ? hands : FREEZE_HANDS, done[1],
				    worker.socket) &&
	       hands_start_thawers(&worker.thawers, worker.shared,
				   hands < THAW_HANDS ? hands : THAW_HANDS, done[1], worker.socket,
				   &worker.freezers);
}

_Noreturn void worker_freeze(struct worker_shared *shared, const struct target *targets,
			     int socket, uint32_t timeout_ms)
{
	worker.shared = shared;
	worker.socket = socket;
	if (shared->length > HANDS_MAX_ITEMS)
		_exit(1);
	prctl(PR_SET_NAME, "fsfreeze-worker", 0, 0, 0);
	close_others();
	open_all(targets);
	if (!prepare())
		_exit(1);
	flush_all();
	expedite_rcu();
	freeze_all(timeout_ms);
	unexpedite_rcu();
	if (!worker.stop)
		say(WORKER_SAYS_FROZEN, 0);
	while (!worker.stop)
		wait_event();
	expedite_rcu();
	thaw_all();
	unexpedite_rcu();
	say(WORKER_SAYS_THAWED, worker.reason);
	_exit(0);
}

_Noreturn void worker_thaw(struct worker_shared *shared, int socket)
{
	worker.shared = shared;
	worker.socket = socket;
	shared->abort = 1;
	for (uint32_t rank = shared->ranks; rank-- > 0;)
		for (uint32_t i = shared->length; i-- > 0;)
			if (shared->items[i].rank == rank)
				item_thaw(&shared->items[i], WORKER_FROZEN);
	for (uint32_t i = shared->length; i-- > 0;)
		item_thaw(&shared->items[i], WORKER_FREEZING);
	say(WORKER_SAYS_THAWED, WORKER_REASON_ERROR);
	_exit(0);
}
