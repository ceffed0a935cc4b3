/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tmpfs of a cell is mounted twice.  kfarmd holds descriptors of the
 * writable mount, which is nowhere in the tree any more; jobs see a read-only
 * bind of its directory `view`.  New entries are made in `stage`, beside it,
 * and renamed or exchanged into place.
 */
#include "cell/space.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * systemd's list (UIDS-GIDS) leaves 1879048192 to 2147483647 free, and 60578
 * to 61183 below the 16 bits that a container may have.
 */
#define NOBODYS_ID       1879075686
#define NOBODYS_SMALL_ID 61006

/* Where the new root is assembled: any directory that every system has. */
#define BASE "/tmp"

#define HOST_NAME "kfarm"

int cell_space_fail(struct cell_msg *m, const char *layer, const char *what)
{
	int error = errno;

	m->error = error;
	snprintf(m->layer, sizeof(m->layer), "%s", layer);
	snprintf(m->what, sizeof(m->what), "%s", what);
	return -error;
}

void cell_space_reset_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int cell_space_tmpfs(const char *name, const char *at, unsigned long flags,
		     uint64_t bytes, uint32_t files)
{
	char options[128];

	snprintf(options, sizeof(options), "size=%llu,nr_inodes=%lu,mode=0755",
		 (unsigned long long)bytes, (unsigned long)files);
	return mount(name, at, "tmpfs", flags | MS_NOSUID | MS_NODEV, options);
}

/* As system calls: the C library's would tell other threads. */
static int become(unsigned uid, unsigned gid)
{
	if (syscall(SYS_setresgid, gid, gid, gid) ||
	    syscall(SYS_setresuid, uid, uid, uid))
		return -1;
	return 0;
}

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

/* Map CELL_INNER_ID of a process's user namespace; `proc` is its directory. */
static int map_ids(int proc, unsigned uid, unsigned gid)
{
	char line[64];

	/* Absent before Linux 3.19, where it is not needed. */
	if (write_text(proc, "setgroups", "deny") && errno != ENOENT)
		return -1;
	snprintf(line, sizeof(line), "%d %u 1\n", CELL_INNER_ID, gid);
	if (write_text(proc, "gid_map", line))
		return -1;
	snprintf(line, sizeof(line), "%d %u 1\n", CELL_INNER_ID, uid);
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

/* Is there such a user, or group, in the user namespace that we are in? */
static bool exists(unsigned long id, const char *map)
{
	char text[4096], *at = text, *end;
	int fd = open(map, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
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

/* The user that the superuser becomes; 0 where there is no other. */
static unsigned choose_id(void)
{
	static const unsigned ids[] = { NOBODYS_ID, NOBODYS_SMALL_ID };

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		if (exists(ids[i], "/proc/self/uid_map") &&
		    exists(ids[i], "/proc/self/gid_map"))
			return ids[i];
	}
	return 0;
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
 * forbid that to others, and it then becomes nobody in there.
 */
static int enter_as_root(unsigned id, struct cell_msg *m)
{
	int tell[2], proc, ret;
	pid_t child;

	proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0 || pipe2(tell, O_CLOEXEC))
		return cell_space_fail(m, "user", "/proc/self");
	if (syscall(SYS_setgroups, 0, NULL))
		return cell_space_fail(m, "user", "setgroups");
	child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!child)
		map_parent(tell[0], proc, id);
	if (child < 0)
		return cell_space_fail(m, "user", "clone");
	ret = unshare(CLONE_NEWUSER) ? cell_space_fail(m, "user", "unshare") :
				       0;
	if (!ret && write(tell[1], "x", 1) != 1)
		ret = cell_space_fail(m, "user", "pipe");
	close(tell[0]);
	close(tell[1]);
	close(proc);
	if (ret)
		return ret;
	ret = wait_for_map(child, m);
	if (!ret && become(CELL_INNER_ID, CELL_INNER_ID))
		ret = cell_space_fail(m, "user", "setresuid");
	return ret;
}

int cell_space_enter(struct cell_msg *m)
{
	static const struct {
		int flag;
		const char *name;
	} others[] = {
		{ CLONE_NEWNS, "mount" }, { CLONE_NEWPID, "pid" },
		{ CLONE_NEWIPC, "ipc" },  { CLONE_NEWUTS, "uts" },
		{ CLONE_NEWNET, "net" },
	};
	unsigned id;
	int ret;

	/* Of all that runs on the node, jobs are to go first. */
	write_text(AT_FDCWD, "/proc/self/oom_score_adj", "600");
	id = geteuid() ? 0 : choose_id();
	ret = id ? enter_as_root(id, m) : enter_as_user(m);
	if (ret)
		return ret;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if (unshare(others[i].flag))
			return cell_space_fail(m, others[i].name, "unshare");
	}
	prctl(PR_SET_DUMPABLE, 0);
	return 0;
}

/* ------------------------------------------------------------------ root */

static int make_dirs(struct cell_msg *m)
{
	static const char *const dirs[] = { BASE "/view", BASE "/stage",
					    BASE "/view/dev",
					    BASE "/view/.kfarm",
					    BASE "/view/tmp" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		if (mkdir(dirs[i], 0755))
			return cell_space_fail(m, "mount", dirs[i]);
	}
	return 0;
}

static int bind_node(const char *from, const char *to, struct cell_msg *m)
{
	int fd = open(to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0)
		return cell_space_fail(m, "mount", to);
	close(fd);
	if (mount(from, to, NULL, MS_BIND, NULL))
		return cell_space_fail(m, "mount", from);
	return 0;
}

/* The view becomes a read-only mount of its own, with the nodes on top. */
static int mount_view(struct cell_msg *m)
{
	const unsigned long again = MS_REMOUNT | MS_BIND | MS_RDONLY |
				    MS_NOSUID | MS_NODEV;
	int ret;

	if (mount(BASE "/view", BASE "/view", NULL, MS_BIND, NULL))
		return cell_space_fail(m, "mount", "bind");
	ret = bind_node("/dev/null", BASE "/view/dev/null", m);
	if (!ret)
		ret = bind_node("/dev/zero", BASE "/view/dev/zero", m);
	if (!ret)
		ret = bind_node("/dev/urandom", BASE "/view/dev/urandom", m);
	if (!ret && mount(NULL, BASE "/view", NULL, again, NULL))
		return cell_space_fail(m, "mount", "read-only");
	return ret;
}

static int pivot(struct cell_msg *m)
{
	if (chdir(BASE "/view"))
		return cell_space_fail(m, "pivot_root", "chdir");
	/* pivot_root() puts the old root on top of the new one; unmount it. */
	if (syscall(SYS_pivot_root, ".", "."))
		return cell_space_fail(m, "pivot_root", "pivot_root");
	if (umount2(".", MNT_DETACH))
		return cell_space_fail(m, "pivot_root", "umount");
	if (chdir("/"))
		return cell_space_fail(m, "pivot_root", "chdir");
	return 0;
}

static int open_dir(const char *path, int *fd, struct cell_msg *m)
{
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? cell_space_fail(m, "mount", path) : 0;
}

int cell_space_build(const struct cell_space_limits *limits, int *root,
		     int *stage, struct cell_msg *m)
{
	int ret;

	umask(022);
	if (sethostname(HOST_NAME, strlen(HOST_NAME)) || setdomainname("", 0))
		return cell_space_fail(m, "uts", "sethostname");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return cell_space_fail(m, "mount", "private mounts");
	if (cell_space_tmpfs("cell", BASE, 0, limits->view_bytes,
			     limits->view_files))
		return cell_space_fail(m, "mount", "tmpfs");
	ret = make_dirs(m);
	/* Before the read-only mount hides them. */
	if (!ret)
		ret = open_dir(BASE "/view", root, m);
	if (!ret)
		ret = open_dir(BASE "/stage", stage, m);
	if (!ret)
		ret = mount_view(m);
	return ret ? ret : pivot(m);
}
