/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sandbox/check.h"

#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define EXIT_STATUS_BASE 10 /* exit status for selftest_layers[0] */

/* Return true if the file can be opened. */
static bool can_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool is_unprivileged_user(void)
{
	return getuid() && geteuid() && getgid() && getegid();
}

static bool is_pid_1(void)
{
	return getpid() == 1 && !getppid();
}

static bool has_private_root(void)
{
	return !can_open("/proc/self/environ", O_RDONLY) &&
	       !can_open("/etc/passwd", O_RDONLY) &&
	       !can_open("/sys", O_RDONLY) && can_open("/dev/null", O_RDWR);
}

static bool can_write_job_dirs_only(void)
{
	return !can_open("/kfarm-escape", O_WRONLY | O_CREAT) &&
	       errno == EROFS &&
	       can_open(SANDBOX_OUT_DIR "/x", O_WRONLY | O_CREAT) &&
	       can_open(SANDBOX_TMP_DIR "/x", O_WRONLY | O_CREAT);
}

static bool has_sandbox_hostname(void)
{
	struct utsname u;

	return !uname(&u) && !strcmp(u.nodename, "kfarm");
}

static bool has_no_network(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static bool has_no_privileges(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &head, caps))
		return false;
	for (int i = 0; i < 2; i++) {
		if (caps[i].effective || caps[i].permitted ||
		    caps[i].inheritable)
			return false;
	}
	return prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0;
}

static bool has_no_new_privs(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static bool has_rlimits(void)
{
	struct rlimit core, files;

	return !getrlimit(RLIMIT_CORE, &core) && !core.rlim_max &&
	       !getrlimit(RLIMIT_FSIZE, &files) &&
	       files.rlim_max != RLIM_INFINITY;
}

static bool has_seccomp_filter(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2;
}

static const struct {
	const char *name;
	bool (*holds)(void);
} selftest_layers[] = {
	{ "user", is_unprivileged_user },
	{ "pid", is_pid_1 },
	{ "pivot_root", has_private_root },
	{ "mount", can_write_job_dirs_only },
	{ "uts", has_sandbox_hostname },
	{ "net", has_no_network },
	{ "capabilities", has_no_privileges },
	{ "no_new_privs", has_no_new_privs },
	{ "rlimits", has_rlimits },
	{ "seccomp", has_seccomp_filter },
	{ "seccomp", NULL }, /* the filter did not end the process */
};

#define N_LAYERS (sizeof(selftest_layers) / sizeof(*selftest_layers))

void sandbox_check_run_selftest(void)
{
	for (int i = 0; i < (int)N_LAYERS; i++) {
		if (selftest_layers[i].holds && !selftest_layers[i].holds())
			_exit(EXIT_STATUS_BASE + i);
	}
	/* The seccomp filter ends the process at this call. */
	unshare(CLONE_NEWUSER);
	_exit(EXIT_STATUS_BASE + (int)N_LAYERS - 1);
}

const char *sandbox_check_layer_name(int status)
{
	if (status < EXIT_STATUS_BASE ||
	    status >= EXIT_STATUS_BASE + (int)N_LAYERS)
		return NULL;
	return selftest_layers[status - EXIT_STATUS_BASE].name;
}
