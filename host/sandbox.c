/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the sandbox does not know this architecture"
#endif

static const int allowed[] = {
	SYS_read, SYS_write, SYS_close, SYS_recvmsg, SYS_recvfrom, SYS_sendmsg, SYS_sendto,
	SYS_accept4, SYS_setsockopt, SYS_shutdown, SYS_mmap, SYS_munmap, SYS_clock_gettime,
	SYS_ppoll, SYS_rt_sigreturn, SYS_restart_syscall, SYS_exit_group,
#ifdef SYS_poll
	SYS_poll,
#endif
};

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define OFFSET(field) offsetof(struct seccomp_data, field)
#define FILTER_MAX 64

struct filter {
	struct sock_filter code[FILTER_MAX];
	unsigned short length;
};

static void emit(struct filter *filter, struct sock_filter instruction)
{
	filter->code[filter->length++] = instruction;
}

static void emit_end(struct filter *filter, unsigned int what)
{
	emit(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what));
}

static void emit_allowed(struct filter *filter, const int *calls, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		emit(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							  (unsigned int)calls[i], 0, 1));
		emit_end(filter, SECCOMP_RET_ALLOW);
	}
}

_Static_assert(2 * LENGTH(allowed) + 5 <= FILTER_MAX, "filter too long");

int sandbox_enter(void)
{
	struct filter filter = { .length = 0 };
	struct sock_fprog program = { .filter = filter.code };

	emit(&filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, OFFSET(arch)));
	emit(&filter,
	     (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
	emit_end(&filter, SECCOMP_RET_KILL_PROCESS);
	emit(&filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, OFFSET(nr)));
	emit_allowed(&filter, allowed, LENGTH(allowed));
	emit_end(&filter, SECCOMP_RET_KILL_PROCESS);
	program.len = filter.length;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -errno;
	return 0;
}
