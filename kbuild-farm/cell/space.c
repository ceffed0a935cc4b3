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
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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
