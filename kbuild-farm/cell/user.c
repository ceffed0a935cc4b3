/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two ways to be nobody.  In a user namespace the cell has all capabilities
 * over its own namespaces and none over the node's.  Without one those that
 * it takes are the node's: the keeper holds them as long as it lives, but runs
 * nothing but this program and hears nobody but kfarmd, which is root; a job
 * has lost them before its exec.  Its user is its own, so that
 * RLIMIT_NPROC counts it alone and nothing on the node belongs to it.
 */
#include "cell/user.h"

#include "cell/space.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * systemd's list (UIDS-GIDS) leaves 1879048192 to 2147483647 free, and 60578
 * to 61183 below the 16 bits that a container may have.
 */
#define NOBODYS_ID       1879075686
#define NOBODYS_SMALL_ID 61006
#define JOBS_FIRST       1880096768u
#define JOBS_USERS       (1u << 27)
#define JOBS_SMALL_FIRST 60578u
#define JOBS_SMALL_USERS (NOBODYS_SMALL_ID - JOBS_SMALL_FIRST)
#define JOBS_OF_A_CELL   1024u /* CELL_KEEPER_JOBS */

#ifndef PR_CAP_AMBIENT /* Linux 4.3 */
#define PR_CAP_AMBIENT        47
#define PR_CAP_AMBIENT_IS_SET 1
#endif

/* The calls of the first 32-bit processors have 16 bits for a user. */
#ifdef SYS_setresuid32
#define SETRESUID SYS_setresuid32
#define SETRESGID SYS_setresgid32
#else
#define SETRESUID SYS_setresuid
#define SETRESGID SYS_setresgid
#endif

/* As system calls: the C library's would tell other threads. */
static int become(unsigned id)
{
	if (syscall(SETRESGID, id, id, id) || syscall(SETRESUID, id, id, id))
		return -1;
	return 0;
}

int cell_user_become(unsigned id, struct cell_msg *m)
{
	return id && become(id) ? cell_space_fail(m, "uid", "setresuid") : 0;
}

unsigned cell_user_of_job(const struct cell_user_range *jobs, size_t i)
{
	return jobs->n ? jobs->first + (jobs->start + (unsigned)i) % jobs->n :
			 0;
}

/* ------------------------------------------------------- capabilities */

static int set_capabilities(uint64_t which)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2] = {
		{ .effective = (uint32_t)which, .permitted = (uint32_t)which },
		{ .effective = (uint32_t)(which >> 32),
		  .permitted = (uint32_t)(which >> 32) },
	};

	return (int)syscall(SYS_capset, &head, caps);
}

/* No program that is executed gets any but these. */
static int bound_capabilities(uint64_t which)
{
	for (int cap = 0; cap < 64; cap++) {
		if (which >> cap & 1 || !prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			continue;
		/* There are no more. */
		return errno == EINVAL && cap ? 0 : -1;
	}
	return 0;
}

/* Ambient capabilities are of Linux 4.3; no kernel takes bits unknown to it. */
static int lock_secure_bits(void)
{
	const unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED |
				   SECBIT_NO_SETUID_FIXUP |
				   SECBIT_NO_SETUID_FIXUP_LOCKED |
				   SECBIT_KEEP_CAPS_LOCKED;
	const unsigned long ambient = SECBIT_NO_CAP_AMBIENT_RAISE |
				      SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0) < 0 &&
	    errno == EINVAL)
		return prctl(PR_SET_SECUREBITS, bits, 0, 0, 0);
	return prctl(PR_SET_SECUREBITS, bits | ambient, 0, 0, 0);
}

int cell_user_drop(unsigned id, struct cell_msg *m)
{
	if (bound_capabilities(0))
		return cell_space_fail(m, "capabilities", "bounding");
	if (lock_secure_bits())
		return cell_space_fail(m, "capabilities", "securebits");
	if (set_capabilities(0))
		return cell_space_fail(m, "capabilities", "capset");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return cell_space_fail(m, "no_new_privs", "prctl");
	/* Nothing brings back what it was. */
	if (id && (!syscall(SETRESUID, -1, 0, -1) ||
		   !syscall(SETRESGID, -1, 0, -1))) {
		errno = EPERM;
		return cell_space_fail(m, "uid", "it can be left");
	}
	return 0;
}

/* --------------------------------------------------------------- without */

/* Those that making a cell and starting jobs takes. */
#define CAP(name) (1ull << CAP_##name)
#define KEPT \
	(CAP(SYS_ADMIN) | CAP(SETUID) | CAP(SETGID) | CAP(SETPCAP) | CAP(KILL))

int cell_user_limit(bool low_port)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct had[2];
	uint64_t keep = KEPT | (low_port ? CAP(NET_BIND_SERVICE) : 0);

	if (geteuid())
		return 0;
	/* Who may not bound them has no_new_privs, which is as good. */
	if (syscall(SYS_capget, &head, had) ||
	    (bound_capabilities(keep) && errno != EPERM))
		return -errno;
	keep &= had[0].permitted | (uint64_t)had[1].permitted << 32;
	if (set_capabilities(keep) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return 0;
}

static int enter_without(unsigned id, struct cell_msg *m)
{
	/* They stay when we become another user. */
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NOROOT, 0,
		  0, 0))
		return cell_space_fail(m, "uid", "securebits");
	if (become(id))
		return cell_space_fail(m, "uid", "setresuid");
	if (bound_capabilities(KEPT) || set_capabilities(KEPT))
		return cell_space_fail(m, "uid", "capset");
	return 0;
}

/* ------------------------------------------------------ user namespaces */

static int write_text(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, len);
	close(fd);
	if (n >= 0 && (size_t)n != len)
		errno = EIO;
	return n == (ssize_t)len ? 0 : -1;
}

/* Map CELL_USER_INNER of a process's user namespace; `proc` is its directory.
 */
static int map_ids(int proc, unsigned uid, unsigned gid)
{
	char line[64];

	/* Absent before Linux 3.19, where it is not needed. */
	if (write_text(proc, "setgroups", "deny") && errno != ENOENT)
		return -1;
	snprintf(line, sizeof(line), "%d %u 1\n", CELL_USER_INNER, gid);
	if (write_text(proc, "gid_map", line))
		return -1;
	snprintf(line, sizeof(line), "%d %u 1\n", CELL_USER_INNER, uid);
	return write_text(proc, "uid_map", line);
}

/* An ordinary user: mapped to what it is, by itself. */
static int enter_as_user(struct cell_msg *m)
{
	unsigned uid = geteuid(), gid = getegid();
	int proc;

	/* The files of /proc/self are ours only then. */
	prctl(PR_SET_DUMPABLE, 1);
	if (unshare(CLONE_NEWUSER))
		return cell_space_fail(m, "user", "unshare");
	proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0 || map_ids(proc, uid, gid))
		return cell_space_fail(m, "user", "map of users");
	close(proc);
	return 0;
}

/*
 * Is there such a user, or group, in the user namespace that we are in?  A
 * kernel that knows none of these has no such file, and all users.
 */
static bool exists(unsigned long id, const char *map)
{
	char text[4096], *at = text, *end;
	int fd = open(map, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT && !access("/proc/self/status", F_OK);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return false;
	text[n] = '\0';
	for (;;) {
		unsigned long long first = strtoull(at, &end, 10), count;

		if (end == at)
			return false;
		strtoull(end, &at, 10);
		count = strtoull(at, &at, 10);
		if (id >= first && id - first < count)
			return true;
	}
}

static bool has_id(unsigned long id)
{
	return exists(id, "/proc/self/uid_map") &&
	       exists(id, "/proc/self/gid_map");
}

/* The user that the superuser becomes; 0 where there is no other. */
static unsigned choose_id(void)
{
	static const unsigned ids[] = { NOBODYS_ID, NOBODYS_SMALL_ID };

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		if (has_id(ids[i]))
			return ids[i];
	}
	return 0;
}

/* Cells that live at the same time have ranges of their own, as far as the
 * numbers go: our PID is no other maker's. */
static bool choose_job_ids(struct cell_user_range *jobs)
{
	static const struct cell_user_range ranges[] = {
		{ .first = JOBS_FIRST, .n = JOBS_USERS },
		{ .first = JOBS_SMALL_FIRST, .n = JOBS_SMALL_USERS },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		const struct cell_user_range *r = &ranges[i];

		if (!has_id(r->first) || !has_id(r->first + r->n - 1))
			continue;
		*jobs = *r;
		jobs->start = (unsigned)((uint64_t)getpid() * JOBS_OF_A_CELL %
					 r->n);
		return true;
	}
	return false;
}

/* A child that stays outside: maps us when it is told to. */
static void map_parent(int told, int parent, unsigned id)
{
	char c;
	int ret = 1;

	if (read(told, &c, 1) == 1)
		ret = map_ids(parent, id, id);
	_exit(ret ? errno : 0);
}

static int wait_for_map(pid_t child, struct cell_msg *m)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	return errno ? cell_space_fail(m, "user", "map of users") : 0;
}

/*
 * The superuser: the namespace is made with its power, since a system may
 * forbid that to others, and it then becomes nobody in there.  *refused when
 * it may make none: then it is as before.
 */
static int enter_as_root(unsigned id, bool *refused, struct cell_msg *m)
{
	int tell[2], proc, ret;
	pid_t child;

	proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0 || pipe2(tell, O_CLOEXEC))
		return cell_space_fail(m, "user", "/proc/self");
	child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!child) {
		close(tell[1]);
		map_parent(tell[0], proc, id);
	}
	if (child < 0)
		return cell_space_fail(m, "user", "clone");
	ret = unshare(CLONE_NEWUSER) ? cell_space_fail(m, "user", "unshare") :
				       0;
	*refused = ret;
	if (!ret && write(tell[1], "x", 1) != 1)
		ret = cell_space_fail(m, "user", "pipe");
	close(tell[0]);
	close(tell[1]);
	close(proc);
	if (ret) {
		waitpid(child, NULL, 0);
		return ret;
	}
	ret = wait_for_map(child, m);
	if (!ret && become(CELL_USER_INNER))
		ret = cell_space_fail(m, "user", "setresuid");
	return ret;
}

int cell_user_enter(struct cell_user_range *jobs, struct cell_msg *m)
{
	bool refused = false;
	unsigned id;
	int ret;

	*jobs = (struct cell_user_range){ 0 };
	/* Of all that runs on the node, jobs are to go first. */
	write_text(AT_FDCWD, "/proc/self/oom_score_adj", "600");
	id = geteuid() ? 0 : choose_id();
	if (!id)
		return enter_as_user(m);
	if (syscall(SYS_setgroups, 0, NULL))
		return cell_space_fail(m, "user", "setgroups");
	ret = enter_as_root(id, &refused, m);
	if (refused && choose_job_ids(jobs))
		ret = enter_without(id, m);
	return ret;
}
