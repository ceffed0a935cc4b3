/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cell/seccomp.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NONE UINT32_MAX
#define X32  0x40000000u /* the bit of an x32 call under x86_64 */

/* Before Linux 4.14 this kills the thread that made the call. */
#define KILL    SECCOMP_RET_KILL_PROCESS
#define REFUSE  (SECCOMP_RET_ERRNO | EPERM)
#define UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)

#define CLONE_NEW                                                      \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

enum arch {
	X86_64,
	I386,
	AARCH64,
	ARM,
	ARCHES,
	/* It has the numbers of aarch64, those of asm-generic/unistd.h. */
	RISCV64 = ARCHES
};

struct call {
	uint32_t action;
	uint32_t number[ARCHES];
};

static const struct call calls[] = {
#define CALL(action, name, x86_64, i386, aarch64, arm) \
	{ action, { x86_64, i386, aarch64, arm } },
#include "cell/calls.inc"
#undef CALL
};

static const uint32_t audit[ARCHES + 1] = {
	[X86_64] = AUDIT_ARCH_X86_64,   [I386] = AUDIT_ARCH_I386,
	[AARCH64] = AUDIT_ARCH_AARCH64, [ARM] = AUDIT_ARCH_ARM,
	[RISCV64] = AUDIT_ARCH_RISCV64,
};
static const uint32_t clone_number[ARCHES] = { 56, 120, 220, 120 };
static const uint32_t ioctl_number[ARCHES] = { 16, 54, 29, 54 };

struct program {
	struct sock_filter *at;
	size_t n;
};

static void add_op(struct program *p, struct sock_filter f)
{
	p->at[p->n++] = f;
}

static void load_field(struct program *p, size_t offset)
{
	add_op(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					       (uint32_t)offset));
}

static void answer(struct program *p, uint32_t action)
{
	add_op(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* Unless the comparison holds, skip `n` instructions. */
static void unless(struct program *p, uint16_t how, uint32_t k, uint8_t n)
{
	add_op(p, (struct sock_filter)BPF_JUMP(BPF_JMP | how | BPF_K, k, 0, n));
}

/* The lower half of an argument: all of them are little endian. */
static void load_argument(struct program *p, unsigned i)
{
	load_field(p, offsetof(struct seccomp_data, args) + 8 * i);
}

/* Threads and processes, but no namespaces; ioctls, but no typing ahead. */
static void look_at_arguments(struct program *p, enum arch numbers)
{
	unless(p, BPF_JEQ, clone_number[numbers], 4);
	load_argument(p, 0);
	unless(p, BPF_JSET, CLONE_NEW, 1);
	answer(p, REFUSE);
	answer(p, SECCOMP_RET_ALLOW);

	unless(p, BPF_JEQ, ioctl_number[numbers], 6);
	load_argument(p, 1);
	unless(p, BPF_JEQ, TIOCSTI, 1);
	answer(p, REFUSE);
	unless(p, BPF_JEQ, TIOCLINUX, 1);
	answer(p, REFUSE);
	answer(p, SECCOMP_RET_ALLOW);
}

static void add_arch(struct program *p, enum arch arch)
{
	enum arch numbers = arch == RISCV64 ? AARCH64 : arch;
	size_t skip;

	load_field(p, offsetof(struct seccomp_data, arch));
	add_op(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
					       audit[arch], 1, 0));
	skip = p->n;
	add_op(p, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));

	load_field(p, offsetof(struct seccomp_data, nr));
	if (arch == X86_64) {
		unless(p, BPF_JGE, X32, 1);
		answer(p, KILL);
	}
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (calls[i].number[numbers] == NONE)
			continue;
		unless(p, BPF_JEQ, calls[i].number[numbers], 1);
		answer(p, calls[i].action);
	}
	look_at_arguments(p, numbers);
	answer(p, SECCOMP_RET_ALLOW);
	p->at[skip].k = (uint32_t)(p->n - skip - 1);
}

int cell_seccomp_make(struct sock_filter out[static CELL_SECCOMP_MAX])
{
	struct program p = { .at = out };

	_Static_assert(2 * (2 * sizeof(calls) / sizeof(*calls) + 24) <
			       CELL_SECCOMP_MAX,
		       "room for both architectures");
#if defined(__x86_64__) || defined(__i386__)
	add_arch(&p, X86_64);
	add_arch(&p, I386);
#elif defined(__aarch64__) || defined(__arm__)
	add_arch(&p, AARCH64);
	add_arch(&p, ARM);
#elif defined(__riscv) && __riscv_xlen == 64
	add_arch(&p, RISCV64);
#else
	(void)add_arch;
	return -ENOSYS;
#endif
	answer(&p, KILL);
	return (int)p.n;
}

int cell_seccomp_enter(const struct sock_filter *filter, size_t n)
{
	struct sock_fprog prog = {
		.len = (unsigned short)n,
		.filter = (struct sock_filter *)filter,
	};

	if (!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
		return 0;
	/* Linux 3.5 to 3.16 know it by another name. */
	if (errno == ENOSYS &&
	    !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0))
		return 0;
	return -errno;
}
