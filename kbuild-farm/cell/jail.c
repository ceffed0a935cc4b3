/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job is PID 1 of its own namespace, so that killing it ends all it started
 * before its end is reported.  The price: signals from inside do not kill it;
 * abort() ends as SIGSEGV or SIGILL, a file that grows too large as EFBIG.
 *
 * Its user namespace has nobody mapped: it owns nothing there, and RLIMIT_NPROC
 * counts it alone, so that a fork bomb stops no other job from forking.  Where
 * there are none it is a user of its own, with the same effect.
 *
 * There is no /proc: it tells of the node (mountinfo, cgroup), cannot be
 * mounted inside most containers, and costs a mount a job.  ld.so wants it for
 * $ORIGIN: /proc/self/exe is a link in the view to where the driver lies.
 *
 * Landlock cannot take back what "/" allows, so that nothing written is
 * executed is a flag of the mounts.
 */
#include "cell/jail.h"

#include "cell/cell.h"
#include "cell/landlock.h"
#include "cell/seccomp.h"
#include "cell/selftest.h"
#include "cell/space.h"
#include "cell/user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define JOB_DIR    "/.kfarm"
#define FILES_OPEN 1024
/*
 * Where processes are counted per user and not per job: enough for all of the
 * user's, so that it ends a bomb, if at the cost of the other jobs.
 */
#define ALL_PROCESSES 4096

/* ------------------------------------------------------------ its files */

/* Is there anything in this directory?  readdir() would allocate. */
static bool is_empty(int dir)
{
	union {
		struct dirent64 align;
		char bytes[512];
	} room;

	for (;;) {
		long n = syscall(SYS_getdents64, dir, &room, sizeof(room));

		if (n <= 0)
			return !n;
		for (long at = 0; at < n;) {
			const struct dirent64 *e = (const void *)(room.bytes +
								  at);

			if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
				return false;
			at += e->d_reclen;
		}
	}
}

/*
 * A /tmp of its own for programs that do not look at TMPDIR.  A view with
 * something below /tmp, or a link there, keeps what it has.
 */
static int mount_tmp(struct cell_msg *m)
{
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return 0;
	if (is_empty(fd) &&
	    (fchdir(fd) || mount(CELL_TMP, ".", NULL, MS_BIND, NULL)))
		ret = cell_space_fail(m, "mount", "/tmp");
	close(fd);
	return ret;
}

static int mount_job_dir(const struct cell_jail *j, struct cell_msg *m)
{
	static const char *const dirs[] = { CELL_OUT, CELL_TMP };
	const unsigned long read_only = MS_REMOUNT | MS_BIND | MS_RDONLY |
					MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (cell_space_tmpfs("job", JOB_DIR, MS_NOEXEC, j->limits->job_bytes,
			     j->limits->job_files))
		return cell_space_fail(m, "mount", JOB_DIR);
	umask(022);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		if (mkdir(dirs[i], 0755) ||
		    mount(dirs[i], dirs[i], NULL, MS_BIND, NULL))
			return cell_space_fail(m, "mount", dirs[i]);
	}
	/* The job owns it; these two apart, there is nothing to be made. */
	if (mount(NULL, JOB_DIR, NULL, read_only, NULL))
		return cell_space_fail(m, "mount", "read-only");
	return mount_tmp(m);
}

/* What it is to work on is its own as what it makes. */
static int copy_given(const struct cell_jail *j, int out, struct cell_msg *m)
{
	int fd, ret = 0;
	off_t at = 0;
	ssize_t n;

	if (j->fd[CELL_MSG_COPY] < 0)
		return 0;
	fd = openat(out, j->copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0644);
	if (fd < 0)
		return cell_space_fail(m, "copy", j->copy);
	do
		n = sendfile(fd, j->fd[CELL_MSG_COPY], &at, 1 << 30);
	while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		ret = cell_space_fail(m, "copy", j->copy);
	close(fd);
	return ret;
}

/* Descriptors from 3 on close with the exec; none of ours lies below. */
static int place_descriptors(const struct cell_jail *j, struct cell_msg *m)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0)
		return cell_space_fail(m, "mount", "/dev/null");
	for (int i = 0; i < 3; i++) {
		if (dup2(j->fd[i] < 0 ? null : j->fd[i], i) < 0)
			return cell_space_fail(m, "exec", "descriptors");
	}
	return 0;
}

/* ---------------------------------------------------------- what it may */

static int limit(int resource, uint64_t value)
{
	struct rlimit r;

	if (getrlimit(resource, &r))
		return -1;
	if (r.rlim_max > value)
		r.rlim_max = (rlim_t)value;
	r.rlim_cur = r.rlim_max;
	return setrlimit(resource, &r);
}

static int set_limits(const struct cell_jail_limits *l, bool counted,
		      struct cell_msg *m)
{
	uint32_t processes = counted ? l->processes : ALL_PROCESSES;
	const uint64_t most = (rlim_t)-1;

	if (limit(RLIMIT_CORE, 0) || limit(RLIMIT_NOFILE, FILES_OPEN) ||
	    limit(RLIMIT_MEMLOCK, 1 << 16) || limit(RLIMIT_MSGQUEUE, 0) ||
	    limit(RLIMIT_RTPRIO, 0) || limit(RLIMIT_FSIZE, l->file_bytes) ||
	    limit(RLIMIT_AS, l->memory_bytes < most ? l->memory_bytes : most) ||
	    limit(RLIMIT_NPROC, processes))
		return cell_space_fail(m, "rlimits", "setrlimit");
	return 0;
}

static int confine(const struct cell_jail *j, struct cell_msg *m)
{
	static const char *const writable[] = { CELL_OUT, CELL_TMP, NULL };
	int ret;

	if (j->own_user && unshare(CLONE_NEWUSER))
		return cell_space_fail(m, "user", "unshare");
	ret = set_limits(j->limits, j->own_user || j->user, m);
	if (!ret)
		ret = cell_user_drop(j->user, m);
	if (ret)
		return ret;
	ret = cell_landlock_enter(j->landlock, writable);
	if (ret) {
		errno = -ret;
		return cell_space_fail(m, "landlock", "landlock");
	}
	ret = cell_seccomp_enter(j->filter, j->filter_n);
	if (ret) {
		errno = -ret;
		return cell_space_fail(m, "seccomp", "seccomp");
	}
	return 0;
}

/* -------------------------------------------------------------- its life */

static int prepare_cell(const struct cell_jail *j, int *out, struct cell_msg *m)
{
	int ret;

	cell_space_reset_signals();
	setsid();
	if (j->cpus && syscall(SYS_sched_setaffinity, 0, j->cpu_bytes, j->cpus))
		return cell_space_fail(m, "cpus", "sched_setaffinity");
	ret = cell_user_become(j->user, m);
	if (!ret)
		ret = mount_job_dir(j, m);
	if (ret)
		return ret;
	*out = open(CELL_OUT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out < 0)
		return cell_space_fail(m, "mount", CELL_OUT);
	ret = copy_given(j, *out, m);
	if (!ret && chdir(j->cwd))
		ret = cell_space_fail(m, "cwd", j->cwd);
	if (!ret)
		ret = place_descriptors(j, m);
	return ret ? ret : confine(j, m);
}

/*
 * A program that was just put may still be open for writing for a moment, in a
 * process that some thread is starting.
 */
static void execute(const struct cell_jail *j)
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	for (int i = 0; i < 100; i++) {
		execve(j->argv[0], j->argv, j->env);
		if (errno != ETXTBSY)
			return;
		nanosleep(&pause, NULL);
	}
}

void cell_jail_run(const struct cell_jail *j)
{
	struct cell_msg m = { .type = CELL_MSG_STARTED, .id = j->id };
	int out = -1;
	int ret = prepare_cell(j, &out, &m);

	if (!ret)
		ret = cell_msg_send(j->sock, &m, NULL, 0, &out, 1);
	if (!ret && j->self_test)
		cell_selftest_try();
	if (!ret) {
		execute(j);
		cell_space_fail(&m, "exec", j->argv[0]);
	}
	m.type = CELL_MSG_FAILED;
	cell_msg_send(j->sock, &m, NULL, 0, NULL, 0);
	_exit(127);
}
