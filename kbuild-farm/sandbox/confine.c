/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sandbox/confine.h"

#include "base/vec.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Defined locally because <linux/landlock.h> of the oldest supported system
 * lacks the newer constants.
 */
#define SYS_CREATE_RULESET     444
#define SYS_ADD_RULE           445
#define SYS_RESTRICT_SELF      446
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH      1

#define FS_EXECUTE    (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE  (1ull << 2)
#define FS_READ_DIR   (1ull << 3)
#define FS_REMOVE_DIR (1ull << 4)
#define FS_REMOVE     (1ull << 5)
#define FS_MAKE_DIR   (1ull << 7)
#define FS_MAKE_REG   (1ull << 8)
#define FS_MAKE_SYM   (1ull << 12)
#define FS_ABI_1      ((1ull << 13) - 1)
#define FS_REFER      (1ull << 13) /* ABI 2 */
#define FS_TRUNCATE   (1ull << 14) /* ABI 3 */
#define FS_IOCTL_DEV  (1ull << 15) /* ABI 5 */
#define NET_TCP       3ull /* ABI 4: bind and connect */
#define SCOPES        3ull /* ABI 6: abstract sockets and signals */

struct landlock_ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct landlock_path_rule {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

int sandbox_confine_landlock_abi(void)
{
	long abi = syscall(SYS_CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static int allow_path(int ruleset, const char *path, uint64_t what)
{
	struct landlock_path_rule rule = { .allowed = what };
	int ret = 0;

	rule.parent = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent < 0)
		return -errno;
	if (syscall(SYS_ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0))
		ret = -errno;
	close(rule.parent);
	return ret;
}

int sandbox_confine_apply_landlock(int abi, const char *const *writable_dirs)
{
	struct landlock_ruleset all = {
		.fs = FS_ABI_1 | (abi >= 2 ? FS_REFER : 0) |
		      (abi >= 3 ? FS_TRUNCATE : 0) |
		      (abi >= 5 ? FS_IOCTL_DEV : 0),
		.net = abi >= 4 ? NET_TCP : 0,
		.scoped = abi >= 6 ? SCOPES : 0,
	};
	const uint64_t reads = FS_EXECUTE | FS_READ_FILE | FS_READ_DIR;
	const uint64_t writes = FS_WRITE_FILE | FS_READ_FILE | FS_READ_DIR |
				FS_REMOVE_DIR | FS_REMOVE | FS_MAKE_DIR |
				FS_MAKE_REG | FS_MAKE_SYM | FS_REFER |
				FS_TRUNCATE;
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	int ruleset, ret;

	if (!abi)
		return 0;
	ruleset = (int)syscall(SYS_CREATE_RULESET, &all, size, 0);
	if (ruleset < 0)
		return -errno;
	ret = allow_path(ruleset, "/", reads & all.fs);
	if (!ret)
		ret = allow_path(ruleset, "/dev",
				 (FS_WRITE_FILE | FS_TRUNCATE) & all.fs);
	for (; !ret && *writable_dirs; writable_dirs++)
		ret = allow_path(ruleset, *writable_dirs, writes & all.fs);
	if (!ret && syscall(SYS_RESTRICT_SELF, ruleset, 0))
		ret = -errno;
	close(ruleset);
	return ret;
}

#define NONE            UINT32_MAX
#define X32_SYSCALL_BIT 0x40000000u /* set in x32 calls on x86_64 */

/*
 * Linux before 4.14 lacks SECCOMP_RET_KILL_PROCESS and kills only the thread
 * that makes the denied call.
 */
#define KILL    SECCOMP_RET_KILL_PROCESS
#define REFUSE  (SECCOMP_RET_ERRNO | EPERM)
#define UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)

#define CLONE_NAMESPACES                                               \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

enum syscall_arch {
	ARCH_X86_64,
	ARCH_I386,
	ARCH_AARCH64,
	ARCH_ARM,
	ARCH_N_TABLES,
	/*
	 * riscv64 has no column in the tables, because its system call numbers
	 * are the same as those of aarch64 (asm-generic/unistd.h).
	 */
	ARCH_RISCV64 = ARCH_N_TABLES
};

struct denied_call {
	uint32_t action;
	uint32_t numbers[ARCH_N_TABLES];
};

static const struct denied_call denied_calls[] = {
#define CALL(action, name, x86_64, i386, aarch64, arm) \
	{ action, { x86_64, i386, aarch64, arm } },
#include "sandbox/syscalls.inc"
#undef CALL
};

static const uint32_t audit_arch[ARCH_N_TABLES + 1] = {
	[ARCH_X86_64] = AUDIT_ARCH_X86_64,   [ARCH_I386] = AUDIT_ARCH_I386,
	[ARCH_AARCH64] = AUDIT_ARCH_AARCH64, [ARCH_ARM] = AUDIT_ARCH_ARM,
	[ARCH_RISCV64] = AUDIT_ARCH_RISCV64,
};
static const uint32_t clone_numbers[ARCH_N_TABLES] = { 56, 120, 220, 120 };
static const uint32_t ioctl_numbers[ARCH_N_TABLES] = { 16, 54, 29, 54 };

struct bpf_program {
	struct sock_filter *ops;
	size_t n_ops;
};

static void add_bpf_op(struct bpf_program *p, struct sock_filter f)
{
	p->ops[p->n_ops++] = f;
}

static void load_seccomp_field(struct bpf_program *p, size_t offset)
{
	add_bpf_op(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						   (uint32_t)offset));
}

static void return_action(struct bpf_program *p, uint32_t action)
{
	add_bpf_op(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/*
 * Skip the next `n` instructions unless the comparison `how` of the loaded
 * value with `k` is true.
 */
static void skip_unless(struct bpf_program *p, uint16_t how, uint32_t k,
			uint8_t n)
{
	add_bpf_op(p, (struct sock_filter)BPF_JUMP(BPF_JMP | how | BPF_K, k, 0,
						   n));
}

/*
 * Load the lower half of argument `i`.  The lower half comes first, because all
 * supported architectures are little endian.
 */
static void load_syscall_arg(struct bpf_program *p, unsigned i)
{
	load_seccomp_field(p, offsetof(struct seccomp_data, args) + 8 * i);
}

/*
 * Deny clone() with a flag for a new namespace, and the ioctls TIOCSTI and
 * TIOCLINUX.  Other calls of clone() and ioctl() are allowed.
 */
static void filter_arguments(struct bpf_program *p, enum syscall_arch numbers)
{
	skip_unless(p, BPF_JEQ, clone_numbers[numbers], 4);
	load_syscall_arg(p, 0);
	skip_unless(p, BPF_JSET, CLONE_NAMESPACES, 1);
	return_action(p, REFUSE);
	return_action(p, SECCOMP_RET_ALLOW);

	skip_unless(p, BPF_JEQ, ioctl_numbers[numbers], 6);
	load_syscall_arg(p, 1);
	skip_unless(p, BPF_JEQ, TIOCSTI, 1);
	return_action(p, REFUSE);
	skip_unless(p, BPF_JEQ, TIOCLINUX, 1);
	return_action(p, REFUSE);
	return_action(p, SECCOMP_RET_ALLOW);
}

static void add_arch_filter(struct bpf_program *p, enum syscall_arch arch)
{
	enum syscall_arch numbers = arch == ARCH_RISCV64 ? ARCH_AARCH64 : arch;
	size_t skip;

	load_seccomp_field(p, offsetof(struct seccomp_data, arch));
	add_bpf_op(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
						   audit_arch[arch], 1, 0));
	skip = p->n_ops;
	add_bpf_op(p, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));

	load_seccomp_field(p, offsetof(struct seccomp_data, nr));
	if (arch == ARCH_X86_64) {
		skip_unless(p, BPF_JGE, X32_SYSCALL_BIT, 1);
		return_action(p, KILL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(denied_calls); i++) {
		if (denied_calls[i].numbers[numbers] == NONE)
			continue;
		skip_unless(p, BPF_JEQ, denied_calls[i].numbers[numbers], 1);
		return_action(p, denied_calls[i].action);
	}
	filter_arguments(p, numbers);
	return_action(p, SECCOMP_RET_ALLOW);
	p->ops[skip].k = (uint32_t)(p->n_ops - skip - 1);
}

int sandbox_confine_build_seccomp(
	struct sock_filter out[static SANDBOX_SECCOMP_OPS_MAX])
{
	struct bpf_program p = { .ops = out };

	_Static_assert(2 * (2 * ARRAY_SIZE(denied_calls) + 24) <
			       SANDBOX_SECCOMP_OPS_MAX,
		       "room for both architectures");
#if defined(__x86_64__) || defined(__i386__)
	add_arch_filter(&p, ARCH_X86_64);
	add_arch_filter(&p, ARCH_I386);
#elif defined(__aarch64__) || defined(__arm__)
	add_arch_filter(&p, ARCH_AARCH64);
	add_arch_filter(&p, ARCH_ARM);
#elif defined(__riscv) && __riscv_xlen == 64
	add_arch_filter(&p, ARCH_RISCV64);
#else
	(void)add_arch_filter;
	return -ENOSYS;
#endif
	return_action(&p, KILL);
	return (int)p.n_ops;
}

int sandbox_confine_apply_seccomp(const struct sock_filter *filter,
				  size_t n_filter)
{
	struct sock_fprog prog = {
		.len = (unsigned short)n_filter,
		.filter = (struct sock_filter *)filter,
	};

	if (!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
		return 0;
	/* Linux 3.5 to 3.16 have no seccomp(2); use prctl(2) instead. */
	if (errno == ENOSYS &&
	    !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0))
		return 0;
	return -errno;
}
