/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cell/selftest.h"

#include "cell/cell.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FIRST 10 /* exit statuses below are somebody else's */

/* Can this file be opened? */
static bool can_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool is_nobody(void)
{
	return getuid() && geteuid() && getgid() && getegid();
}

static bool is_first(void)
{
	return getpid() == 1 && !getppid();
}

static bool has_own_root(void)
{
	return !can_open("/proc/self/environ", O_RDONLY) &&
	       !can_open("/etc/passwd", O_RDONLY) &&
	       !can_open("/sys", O_RDONLY) && can_open("/dev/null", O_RDWR);
}

static bool writes_only_its_directories(void)
{
	return !can_open("/kfarm-escape", O_WRONLY | O_CREAT) &&
	       errno == EROFS && can_open(CELL_OUT "/x", O_WRONLY | O_CREAT) &&
	       can_open(CELL_TMP "/x", O_WRONLY | O_CREAT);
}

static bool is_renamed(void)
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

static bool gains_none(void)
{
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

static bool is_limited(void)
{
	struct rlimit core, files;

	return !getrlimit(RLIMIT_CORE, &core) && !core.rlim_max &&
	       !getrlimit(RLIMIT_FSIZE, &files) &&
	       files.rlim_max != RLIM_INFINITY;
}

static bool is_filtered(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2;
}

static const struct {
	const char *name;
	bool (*holds)(void);
} layers[] = {
	{ "user", is_nobody },
	{ "pid", is_first },
	{ "pivot_root", has_own_root },
	{ "mount", writes_only_its_directories },
	{ "uts", is_renamed },
	{ "net", has_no_network },
	{ "capabilities", has_no_privileges },
	{ "no_new_privs", gains_none },
	{ "rlimits", is_limited },
	{ "seccomp", is_filtered },
	{ "seccomp", NULL }, /* the filter is not this one */
};

#define LAYERS (sizeof(layers) / sizeof(*layers))

void cell_selftest_try(void)
{
	for (int i = 0; i < (int)LAYERS; i++) {
		if (layers[i].holds && !layers[i].holds())
			_exit(FIRST + i);
	}
	/* The filter ends us here. */
	unshare(CLONE_NEWUSER);
	_exit(FIRST + (int)LAYERS - 1);
}

const char *cell_selftest_layer(int status)
{
	if (status < FIRST || status >= FIRST + (int)LAYERS)
		return NULL;
	return layers[status - FIRST].name;
}
