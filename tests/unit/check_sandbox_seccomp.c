/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "../lib/test.h"

#include "sandbox/confine.h"

#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define KILL SECCOMP_RET_KILL_PROCESS
#define PASS SECCOMP_RET_ALLOW

static struct sock_filter filter[SANDBOX_SECCOMP_OPS_MAX];
static int n;

static void set_up(void)
{
	n = sandbox_confine_build_seccomp(filter);
	ck_assert_int_gt(n, 0);
	ck_assert_int_le(n, SANDBOX_SECCOMP_OPS_MAX);
}

/* Emulate the kernel for the instructions that the filter uses. */
static uint32_t run(const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (int i = 0; i < n; i++) {
		const struct sock_filter *f = &filter[i];
		bool holds = false;

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)data + f->k, sizeof(a));
			continue;
		case BPF_RET | BPF_K:
			return f->k;
		case BPF_JMP | BPF_JA:
			i += (int)f->k;
			continue;
		case BPF_JMP | BPF_JEQ | BPF_K:
			holds = a == f->k;
			break;
		case BPF_JMP | BPF_JGE | BPF_K:
			holds = a >= f->k;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			holds = a & f->k;
			break;
		default:
			ck_abort_msg("instruction %#x", f->code);
		}
		i += holds ? f->jt : f->jf;
	}
	ck_abort_msg("the filter has no end");
	return 0;
}

#if defined(__x86_64__) || defined(__i386__)
#define ON_X86 1
#define LARGE  AUDIT_ARCH_X86_64
#define SMALL  AUDIT_ARCH_I386
#define OTHER  AUDIT_ARCH_AARCH64
#else
#define ON_X86 0
#define LARGE  AUDIT_ARCH_AARCH64
#define SMALL  AUDIT_ARCH_ARM
#define OTHER  AUDIT_ARCH_X86_64
#endif

/* { x86_64, i386 } and { aarch64, arm } numbers, and the filter's action. */
static const struct {
	int x86[2], arm[2];
	uint32_t action;
} calls[] = {
	{ { 0, 3 }, { 63, 3 }, PASS }, /* read */
	{ { 59, 11 }, { 221, 11 }, PASS }, /* execve */
	{ { 257, 295 }, { 56, 322 }, PASS }, /* openat */
	{ { 9, 192 }, { 222, 192 }, PASS }, /* mmap */
	{ { 61, 114 }, { 260, 114 }, PASS }, /* wait4 */
	{ { 101, 26 }, { 117, 26 }, KILL }, /* ptrace */
	{ { 165, 21 }, { 40, 21 }, KILL }, /* mount */
	{ { 272, 310 }, { 97, 337 }, KILL }, /* unshare */
	{ { 308, 346 }, { 268, 375 }, KILL }, /* setns */
	{ { 321, 357 }, { 280, 386 }, KILL }, /* bpf */
	{ { 425, 425 }, { 425, 425 }, KILL }, /* io_uring_setup */
	{ { 41, 359 }, { 198, 281 }, SECCOMP_RET_ERRNO | EPERM }, /* socket */
	{ { 112, 66 }, { 157, 66 }, SECCOMP_RET_ERRNO | EPERM }, /* setsid */
	{ { 109, 57 }, { 154, 57 }, SECCOMP_RET_ERRNO | EPERM }, /* setpgid */
	{ { 435, 435 }, { 435, 435 }, SECCOMP_RET_ERRNO | ENOSYS }, /* clone3 */
};

FIXTURE(set_up, NULL);
TIMEOUT(120);

TEST_EACH(calls_are_filtered_by_the_numbers_of_each_architecture, calls)
{
	for (int small = 0; small < 2; small++) {
		struct seccomp_data d = { .arch = small ? SMALL : LARGE };

		d.nr = ON_X86 ? row->x86[small] : row->arm[small];
		ck_assert_uint_eq(run(&d), row->action);
		d.arch = OTHER;
		ck_assert_uint_eq(run(&d), KILL);
	}
}

TEST(an_x32_system_call_kills_the_process)
{
	struct seccomp_data d = {
		.arch = AUDIT_ARCH_X86_64,
		.nr = 0x40000000,
	};

	ck_assert_uint_eq(run(&d), KILL);
}

TEST(clone_can_create_processes_but_not_namespaces)
{
	static const uint64_t rejected[] = {
		CLONE_NEWNS,  CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET,
		CLONE_NEWIPC, CLONE_NEWUTS,  CLONE_NEWCGROUP,
	};
	static const int numbers[][2] = { { 56, 120 }, { 220, 120 } };

	for (int small = 0; small < 2; small++) {
		struct seccomp_data d = { .arch = small ? SMALL : LARGE };

		d.nr = numbers[!ON_X86][small];
		d.args[0] = CLONE_VM | CLONE_VFORK | 17;
		ck_assert_uint_eq(run(&d), PASS);
		for (size_t i = 0; i < sizeof(rejected) / sizeof(*rejected);
		     i++) {
			d.args[0] = rejected[i] | 17;
			ck_assert_uint_eq(run(&d), SECCOMP_RET_ERRNO | EPERM);
		}
	}
}

TEST(tcgets_and_tiocgwinsz_are_allowed_but_tiocsti_is_rejected)
{
	static const int numbers[][2] = { { 16, 54 }, { 29, 54 } };

	for (int small = 0; small < 2; small++) {
		struct seccomp_data d = { .arch = small ? SMALL : LARGE };

		d.nr = numbers[!ON_X86][small];
		d.args[1] = TCGETS;
		ck_assert_uint_eq(run(&d), PASS);
		d.args[1] = TIOCGWINSZ;
		ck_assert_uint_eq(run(&d), PASS);
		d.args[1] = TIOCSTI;
		ck_assert_uint_eq(run(&d), SECCOMP_RET_ERRNO | EPERM);
		/* The kernel ignores the upper half of the command. */
		d.args[1] = TIOCSTI | (uint64_t)1 << 32;
		ck_assert_uint_eq(run(&d), SECCOMP_RET_ERRNO | EPERM);
	}
}

TEST(the_kernel_accepts_and_enforces_the_filter)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (sandbox_confine_apply_seccomp(filter, (size_t)n))
			_exit(1);
		if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || errno != EPERM)
			_exit(2);
		unshare(0);
		_exit(3);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "%#x",
		      status);
}
