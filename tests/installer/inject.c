/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inject HOW N PROGRAM [ARG...]: run a program and break its N-th system call that
 * HOW fits. HOW is one of
 *
 *	kill		SIGKILL before the call is made, of all that changes a file system
 *	once:ERROR	the call fails with ERROR: ENOSPC, EIO or EROFS
 *	from:ERROR	it and every later one that ERROR fits
 *	read:ERROR	as once, of those that only read
 *	do:COMMAND	a shell command is run before the call is made, then it goes on
 *
 * "fault: ..." on standard error tells that the N-th call was there. The program's
 * standard streams are never broken; programs that it runs are, as it is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE(array) (sizeof(array) / sizeof((array)[0]))

enum sort { CHANGES = 1, ALLOCATES = 2, READS = 4, STREAM = 8, OPENS = 16 };

static const struct call {
	int number;
	const char *name;
	int sort; /* STREAM: the first argument is a descriptor; OPENS: flags decide */
} calls[] = {
	{ SYS_openat, "openat", OPENS },
	{ SYS_write, "write", CHANGES | ALLOCATES | STREAM },
	{ SYS_writev, "writev", CHANGES | ALLOCATES | STREAM },
	{ SYS_pwrite64, "pwrite", CHANGES | ALLOCATES | STREAM },
	{ SYS_ftruncate, "ftruncate", CHANGES },
	{ SYS_fsync, "fsync", CHANGES | ALLOCATES },
	{ SYS_fdatasync, "fdatasync", CHANGES | ALLOCATES },
	{ SYS_fchmod, "fchmod", CHANGES },
	{ SYS_fchmodat, "fchmodat", CHANGES },
	{ SYS_fchown, "fchown", CHANGES },
	{ SYS_fchownat, "fchownat", CHANGES },
	{ SYS_utimensat, "utimensat", CHANGES },
	{ SYS_fsetxattr, "fsetxattr", CHANGES | ALLOCATES },
	{ SYS_mkdirat, "mkdirat", CHANGES | ALLOCATES },
	{ SYS_symlinkat, "symlinkat", CHANGES | ALLOCATES },
	{ SYS_linkat, "linkat", CHANGES | ALLOCATES },
	{ SYS_unlinkat, "unlinkat", CHANGES },
	{ SYS_renameat2, "renameat2", CHANGES | ALLOCATES },
#ifdef SYS_renameat
	{ SYS_renameat, "renameat", CHANGES | ALLOCATES },
#endif
#ifdef SYS_open
	{ SYS_rename, "rename", CHANGES | ALLOCATES },
	{ SYS_unlink, "unlink", CHANGES },
	{ SYS_mkdir, "mkdir", CHANGES | ALLOCATES },
	{ SYS_rmdir, "rmdir", CHANGES },
	{ SYS_symlink, "symlink", CHANGES | ALLOCATES },
	{ SYS_link, "link", CHANGES | ALLOCATES },
	{ SYS_chmod, "chmod", CHANGES },
#endif
	{ SYS_read, "read", READS | STREAM },
	{ SYS_getdents64, "getdents", READS },
	{ SYS_newfstatat, "fstatat", READS },
	{ SYS_readlinkat, "readlinkat", READS },
};

static const struct {
	const char *name;
	int number, sort;
} errors[] = {
	{ "ENOSPC", ENOSPC, ALLOCATES },
	{ "EIO", EIO, CHANGES },
	{ "EROFS", EROFS, CHANGES },
};

/* What was asked for. */
static struct {
	int sort; /* of the calls that count */
	int at, error, lasting;
	const char *command;
	int kills;
} fault;

static int seen;

static int parse(const char *how, const char *at)
{
	const char *error = strchr(how, ':');

	fault.at = atoi(at);
	fault.sort = CHANGES;
	fault.kills = strcmp(how, "kill") == 0;
	if (fault.kills || !error++)
		return fault.kills;
	if (strncmp(how, "do:", 3) == 0) {
		fault.command = error;
		return 1;
	}
	fault.lasting = strncmp(how, "from:", 5) == 0;
	for (size_t i = 0; i < SIZE(errors); i++) {
		if (strcmp(errors[i].name, error))
			continue;
		fault.error = errors[i].number;
		fault.sort = strncmp(how, "read:", 5) ? errors[i].sort : READS;
		return 1;
	}
	return 0;
}

/* All listed calls are asked about, the rest goes through. */
static int listen_to(void)
{
	struct sock_filter filter[2 * SIZE(calls) + 2] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog program = { SIZE(filter), filter };

	for (size_t i = 0; i < SIZE(calls); i++) {
		filter[1 + 2 * i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
								  calls[i].number, 0, 1);
		filter[2 + 2 * i] =
			(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	}
	filter[SIZE(filter) - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		       &program);
}

static const struct call *find(int number)
{
	for (size_t i = 0; i < SIZE(calls); i++)
		if (calls[i].number == number)
			return &calls[i];
	return NULL;
}

static int sort_of(const struct call *call, const struct seccomp_data *data)
{
	int flags = data->args[2];

	if (call->sort & STREAM)
		return data->args[0] > 2 ? call->sort : 0;
	if (!(call->sort & OPENS))
		return call->sort;
	if (flags & O_CREAT)
		return CHANGES | ALLOCATES;
	return (flags & O_ACCMODE) == O_RDONLY ? READS : CHANGES;
}

static void strike(const struct call *call, pid_t pid, struct seccomp_notif_resp *answer)
{
	if (seen == fault.at)
		fprintf(stderr, "fault: at call %d, %s\n", seen, call->name);
	if (fault.kills)
		kill(pid, SIGKILL);
	else if (fault.command && system(fault.command) != 0)
		fprintf(stderr, "inject: cannot %s\n", fault.command);
	if (!fault.error)
		return;
	answer->flags = 0;
	answer->error = -fault.error;
}

static void serve(int listener, pid_t pid)
{
	struct seccomp_notif asked;
	struct seccomp_notif_resp answer;
	const struct call *call;

	memset(&asked, 0, sizeof(asked));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
		return;
	memset(&answer, 0, sizeof(answer));
	answer.id = asked.id;
	answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	call = find(asked.data.nr);
	if (call && (sort_of(call, &asked.data) & fault.sort)) {
		seen++;
		if (seen == fault.at || (fault.lasting && seen > fault.at))
			strike(call, pid, &answer);
	}
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

int main(int argc, char **argv)
{
	int *listener = mmap(NULL, sizeof(*listener), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct pollfd ready = { .events = POLLIN };
	int status;
	pid_t pid;

	if (argc < 4 || !parse(argv[1], argv[2])) {
		fprintf(stderr, "usage: inject HOW N PROGRAM [ARG...]\n");
		return 125;
	}
	/* They share their descriptors until the program is executed, and we wait for that. */
	pid = syscall(SYS_clone, CLONE_FILES | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		*listener = listen_to();
		if (*listener >= 0)
			execvp(argv[3], argv + 3);
		_exit(125);
	}
	ready.fd = *listener;
	while (waitpid(pid, &status, WNOHANG) == 0)
		if (poll(&ready, 1, 20) > 0 && (ready.revents & POLLIN))
			serve(*listener, pid);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
