/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * old-kernel [-u] [VERSION] COMMAND [ARGUMENT]... - Run a command under the
 * system calls of an older kernel.
 *
 * A seccomp filter returns ENOSYS for each system call that is newer than Linux
 * VERSION (3.14).  Before 4.3, prctl() rejects ambient capabilities,
 * before 4.6, unshare() rejects cgroup namespaces, and before 5.8, mount()
 * rejects options of a procfs, which is recognized by its flags.  With -u, no
 * process can create a user namespace (EPERM), not even root.
 *
 * The filter cannot emulate other behaviour of calls that old kernels have.
 * The versions are from syscalls(2).
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define V(major, minor)    ((major) << 16 | (minor))
#define ANSWER(value)      (SECCOMP_RET_ERRNO | (value))
#define AMBIENT            47 /* PR_CAP_AMBIENT */
#define AMBIENT_SECUREBITS 0xc0

#ifdef __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "which architecture?"
#endif

/* A range of system calls and the first version that has them. */
static const struct {
	unsigned first, last, version;
} calls[] = {
	{ SYS_renameat2, SYS_renameat2, V(3, 15) },
	{ SYS_seccomp, SYS_seccomp, V(3, 17) },
	{ SYS_getrandom, SYS_getrandom, V(3, 17) },
	{ SYS_memfd_create, SYS_memfd_create, V(3, 17) },
	{ SYS_bpf, SYS_bpf, V(3, 18) },
	{ SYS_execveat, SYS_execveat, V(3, 19) },
	{ SYS_userfaultfd, SYS_userfaultfd, V(4, 3) },
	{ SYS_membarrier, SYS_membarrier, V(4, 3) },
	{ SYS_mlock2, SYS_mlock2, V(4, 4) },
	{ SYS_copy_file_range, SYS_copy_file_range, V(4, 5) },
	{ SYS_preadv2, SYS_preadv2, V(4, 6) },
	{ SYS_pwritev2, SYS_pwritev2, V(4, 6) },
	{ SYS_pkey_mprotect, SYS_pkey_mprotect, V(4, 9) },
	{ SYS_pkey_alloc, SYS_pkey_alloc, V(4, 9) },
	{ SYS_pkey_free, SYS_pkey_free, V(4, 9) },
	{ SYS_statx, SYS_statx, V(4, 11) },
	{ SYS_io_pgetevents, SYS_io_pgetevents, V(4, 18) },
	{ SYS_rseq, SYS_rseq, V(4, 18) },
	/* From 424 on, all architectures use the same numbers. */
	{ 424, 427, V(5, 1) }, /* pidfd_send_signal, io_uring */
	{ 428, 433, V(5, 2) }, /* open_tree to fspick */
	{ 434, 435, V(5, 3) }, /* pidfd_open, clone3 */
	{ 436, 436, V(5, 9) }, /* close_range */
	{ 437, 438, V(5, 6) }, /* openat2, pidfd_getfd */
	{ 439, 439, V(5, 8) }, /* faccessat2 */
	{ 440, 440, V(5, 10) }, /* process_madvise */
	{ 441, 441, V(5, 11) }, /* epoll_pwait2 */
	{ 442, 442, V(5, 12) }, /* mount_setattr */
	{ 443, 443, V(5, 14) }, /* quotactl_fd */
	{ 444, 446, V(5, 13) }, /* landlock */
	{ 447, 447, V(5, 14) }, /* memfd_secret */
	{ 448, 448, V(5, 15) }, /* process_mrelease */
	{ 449, 449, V(5, 16) }, /* futex_waitv */
	{ 450, 450, V(5, 17) }, /* set_mempolicy_home_node */
	{ 451, 600, V(6, 5) }, /* cachestat ... */
};

static struct sock_filter program[256];
static unsigned length;

static void add_op(struct sock_filter f)
{
	program[length++] = f;
}

static void load(size_t offset)
{
	add_op((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					    (uint32_t)offset));
}

static void answer(uint32_t what)
{
	add_op((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what));
}

/* Skip `n` instructions unless the comparison `how` with `k` holds. */
static void unless(uint16_t how, uint32_t k, uint8_t n)
{
	add_op((struct sock_filter)BPF_JUMP(BPF_JMP | how | BPF_K, k, 0, n));
}

static void argument(unsigned i)
{
	load(offsetof(struct seccomp_data, args) + 8 * i);
}

static void add_calls(unsigned version)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (calls[i].version <= version)
			continue;
		unless(BPF_JGE, calls[i].first, 2);
		add_op((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K,
						    calls[i].last, 1, 0));
		answer(ANSWER(ENOSYS));
	}
}

/* Emulate cap_task_prctl() of kernels before Linux 4.3. */
static void add_ambient(void)
{
	unless(BPF_JEQ, SYS_prctl, 8);
	argument(0);
	unless(BPF_JEQ, AMBIENT, 1);
	answer(ANSWER(EINVAL));
	unless(BPF_JEQ, PR_SET_SECUREBITS, 3);
	argument(1);
	unless(BPF_JSET, AMBIENT_SECUREBITS, 1);
	answer(ANSWER(EPERM));
	answer(SECCOMP_RET_ALLOW);
}

/* unshare() returns EINVAL for a flag that the kernel does not know. */
static void add_cgroup_namespace(void)
{
	unless(BPF_JEQ, SYS_unshare, 4);
	argument(0);
	unless(BPF_JSET, CLONE_NEWCGROUP, 1);
	answer(ANSWER(EINVAL));
	load(offsetof(struct seccomp_data, nr));
}

/* Only kfarm's mount of a procfs is a new mount that is read-only. */
static void add_procfs_options(void)
{
	unless(BPF_JEQ, SYS_mount, 6);
	argument(4);
	unless(BPF_JGT, 0, 3);
	argument(3);
	unless(BPF_JEQ, MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, 1);
	answer(ANSWER(EINVAL));
	answer(SECCOMP_RET_ALLOW);
}

static void add_namespaces(void)
{
	/*
	 * A filter cannot read the flags of clone3(), so the filter disables
	 * it.
	 */
	unless(BPF_JEQ, SYS_clone3, 1);
	answer(ANSWER(ENOSYS));
	add_op((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
					    SYS_clone, 1, 0));
	unless(BPF_JEQ, SYS_unshare, 3);
	argument(0);
	unless(BPF_JSET, CLONE_NEWUSER, 1);
	answer(ANSWER(EPERM));
}

static int install(unsigned version, int refuse)
{
	struct sock_fprog prog = { .filter = program };

	load(offsetof(struct seccomp_data, arch));
	add_op((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1,
					    0));
	answer(SECCOMP_RET_ALLOW);
	load(offsetof(struct seccomp_data, nr));
	add_calls(version);
	if (version < V(4, 3))
		add_ambient();
	if (version < V(4, 6))
		add_cgroup_namespace();
	if (version < V(5, 8))
		add_procfs_options();
	if (refuse)
		add_namespaces();
	answer(SECCOMP_RET_ALLOW);
	prog.len = (unsigned short)length;
	/*
	 * An ordinary user needs no_new_privs.  Root keeps working setuid
	 * programs.
	 */
	if (geteuid() && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0);
}

int main(int argc, char **argv)
{
	unsigned major = 3, minor = 14;
	int refuse = argc > 1 && !strcmp(argv[1], "-u");
	char rest;

	argv += 1 + refuse;
	if (*argv && sscanf(*argv, "%u.%u%c", &major, &minor, &rest) == 2)
		argv++;
	if (!*argv) {
		fputs("usage: old-kernel [-u] [VERSION] COMMAND...\n", stderr);
		return 1;
	}
	if (install(V(major, minor), refuse)) {
		perror("old-kernel");
		return 1;
	}
	execvp(*argv, argv);
	perror(*argv);
	return 127;
}
