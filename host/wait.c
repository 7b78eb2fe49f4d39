/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wait.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

static volatile sig_atomic_t caught;
static sigset_t mask_before, mask_caught;
static bool catching, shielded;

int64_t wait_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static struct timespec time_left(int64_t end)
{
	int64_t left = end - wait_now_ms();

	if (left < 0)
		left = 0;
	return (struct timespec){ .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };
}

static bool may_interrupt(void)
{
	return catching && !shielded;
}

/* The signals are blocked but for the wait itself, so that none comes just before it. */
int wait_for_fd(int fd, short events, int64_t end)
{
	struct pollfd pollfd = { .fd = fd, .events = events };
	struct timespec left = time_left(end);
	int n;

	if (may_interrupt() && caught)
		return -EINTR;
	n = ppoll(&pollfd, 1, &left, may_interrupt() ? &mask_before : NULL);
	if (n < 0 && errno == EINTR && !caught)
		return 0;
	if (n < 0)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

int wait_for_child(pid_t pid, int64_t end, int *status)
{
	while (waitpid(pid, status, WNOHANG) == 0) {
		struct timespec left = time_left(end);
		int signal;

		if (may_interrupt() && caught)
			return -EINTR;
		signal = sigtimedwait(&mask_caught, NULL, &left);
		if (signal > 0 && signal != SIGCHLD)
			caught = signal;
		if (signal < 0 && errno == EAGAIN)
			return -ETIMEDOUT;
	}
	return 0;
}

static void note(int signal)
{
	caught = signal;
}

/* What was ignored stays so: that is how nohup works. */
static void catch_signal(int signal)
{
	struct sigaction action = { .sa_handler = note }, before;

	sigaction(signal, NULL, &before);
	if (before.sa_handler == SIG_IGN)
		return;
	sigaction(signal, &action, NULL);
	sigaddset(&mask_caught, signal);
}

void wait_catch_signals(void)
{
	if (catching)
		return;
	sigemptyset(&mask_caught);
	sigaddset(&mask_caught, SIGCHLD);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		catch_signal(signals[i]);
	sigprocmask(SIG_BLOCK, &mask_caught, &mask_before);
	catching = true;
}

void wait_shield(bool on)
{
	shielded = on;
}

int wait_caught(void)
{
	return caught;
}

void wait_release_signals(void)
{
	if (catching)
		sigprocmask(SIG_SETMASK, &mask_before, NULL);
}
