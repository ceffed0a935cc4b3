/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sandbox/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The files of a procfs (proc(5)), the information that each would give away,
 * and the reason why a job does not obtain it:
 *
 *	PID/		Processes of other jobs, of kfarmd and of the node.
 *			They are not in the PID namespace of the job.  With
 *			hidepid=2, a job could not even use the procfs of the
 *			sandbox init, which its own procfs covers.
 *	PID/mountinfo, mounts, mountstats
 *			Mount points and devices of the node.  pivot_root() has
 *			removed the mounts of the node from the namespace.
 *			These files list the tmpfs mounts of the sandbox, its
 *			procfs and the three device nodes.  For a device node,
 *			they show the type, source and options of the node's
 *			/dev, and the path in its file system.  If a path is
 *			longer than a name, as in a chroot whose /dev is on a
 *			disk, jobs have no procfs.
 *	PID/cgroup, cpuset
 *			The service or container that runs kfarmd.  The sandbox
 *			has a cgroup namespace (Linux 4.6), in which all paths
 *			are "/".  If a path is not "/", jobs have no procfs.
 *	PID/environ, cmdline, auxv
 *			Secrets of kfarmd, of which a job is a fork.  The exec
 *			replaces them before the client's program runs.
 *	PID/exe		The executable of kfarmd until the exec.  A script with
 *			the interpreter /proc/self/exe would run it and could
 *			then open it for writing, so the input root contains no
 *			executable scripts.  With this path as the loader of an
 *			ELF program, kfarmd would run in place of the program;
 *			Landlock denies it.
 *	PID/fd, cwd, root, map_files, task, ns
 *			Files of the job.  Its descriptors are /dev/null and
 *			pipes.  Links lead to files that the job has open, so
 *			the permissions and mounts of these files apply.  ns
 *			shows inode numbers; seccomp denies setns(2).
 *	PID/maps, smaps, stat, status, limits, io, sched, wchan, ...
 *			State of the job: addresses, CPU time, uids as in its
 *			user namespace, and the limits that kfarmd sets.  The
 *			start time in stat reveals the uptime of the node, as
 *			clock_gettime(2) does; Cpus_allowed in status reveals
 *			the number of CPUs, as sched_getaffinity(2) does.
 *	PID/net		The network namespace of the sandbox, with an unused
 *			loopback interface.
 *	PID/attr, loginuid, sessionid
 *			The name of the security profile, and numbers of the
 *			audit session that started kfarmd.
 *	PID/mem, oom_score_adj, uid_map, ...
 *			Writable files.  The procfs is mounted read-only.
 *	sys, net, mounts, cmdline, version, cpuinfo, meminfo, stat, uptime,
 *	loadavg, modules, keys, kallsyms, sched_debug, and all other names
 *			The node.  With subset=pid (Linux 5.8), these files do
 *			not exist.  On older kernels, the job covers each file
 *			with /dev/null and each directory with an empty one.
 */

#define OPTIONS "hidepid=2,subset=pid"

static int mount_procfs(enum sandbox_proc kind, const char *target)
{
	const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV |
				    MS_NOEXEC;

	return mount("proc", target, "proc", flags,
		     kind == SANDBOX_PROC_SUBSET ? OPTIONS : NULL);
}

static enum sandbox_proc prepared_kind;

void sandbox_proc_prepare(const char *target)
{
	if (!mount_procfs(SANDBOX_PROC_SUBSET, target))
		prepared_kind = SANDBOX_PROC_SUBSET;
	else if (!mount_procfs(SANDBOX_PROC_MASKED, target))
		prepared_kind = SANDBOX_PROC_MASKED;
}

/* Cover a file of /proc unless it belongs to a process or is a link. */
static int mask_file(const struct dirent64 *e)
{
	const char *mask = e->d_type == DT_DIR ? "/.kfarm" : "/dev/null";
	char path[sizeof(e->d_name) + 8];

	if (strchr(".0123456789", e->d_name[0]) || e->d_type == DT_LNK)
		return 0;
	snprintf(path, sizeof(path), "/proc/%s", e->d_name);
	/* ENOENT: the kernel has removed the file in the meantime. */
	if (mount(mask, path, NULL, MS_BIND, NULL) && errno != ENOENT)
		return -1;
	return 0;
}

/* Calls getdents64(2), because readdir() would allocate memory. */
static int mask_system_files(void)
{
	int dir = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct dirent64) char entries[4096];
	long n;

	while ((n = syscall(SYS_getdents64, dir, entries, sizeof(entries))) >
	       0) {
		for (long at = 0; at < n;) {
			const struct dirent64 *e = (const void *)(entries + at);

			if (mask_file(e))
				return -1;
			at += e->d_reclen;
		}
	}
	close(dir);
	return n ? -1 : 0;
}

int sandbox_proc_mount(enum sandbox_proc kind)
{
	if (kind != SANDBOX_PROC_NONE && mount_procfs(kind, "/proc"))
		return -1;
	return kind == SANDBOX_PROC_MASKED ? mask_system_files() : 0;
}

/*
 * Return true if the root of the mount, the fourth field of a line of
 * mountinfo, has at most one component.
 */
static bool is_root_short(const char *line)
{
	for (int i = 0; line && i < 3; i++)
		line = strchr(line + 1, ' ');
	return line && line[1] == '/' &&
	       line[2 + strcspn(line + 2, "/ ")] == ' ';
}

/* Return true if the path in a line of /proc/PID/cgroup is "/". */
static bool is_root_cgroup(const char *line)
{
	size_t len = strlen(line);

	return len >= 2 && !strcmp(line + len - 2, ":/");
}

/* Return true if the file has no line that `holds` rejects. */
static bool every_line_holds(const char *path, bool (*holds)(const char *line))
{
	static char text[1 << 14];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT;
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	if (n < 0 || len == sizeof(text) - 1)
		return false;
	text[len] = '\0';
	for (char *line = text, *end; (end = strchr(line, '\n'));
	     line = end + 1) {
		*end = '\0';
		if (!holds(line))
			return false;
	}
	return true;
}

/* Return true if the caller, PID 1 of a new namespace, can have a procfs. */
static bool try_mount(enum sandbox_proc kind)
{
	return !mount_procfs(kind, "/proc") &&
	       !access("/proc/self/maps", R_OK) &&
	       every_line_holds("/proc/self/mountinfo", is_root_short) &&
	       every_line_holds("/proc/self/cgroup", is_root_cgroup) &&
	       (kind == SANDBOX_PROC_SUBSET || !mask_system_files());
}

int sandbox_proc_choose(enum sandbox_proc *out)
{
	const unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | SIGCHLD;
	int status = 1;
	pid_t pid;

	*out = SANDBOX_PROC_NONE;
	if (prepared_kind == SANDBOX_PROC_NONE)
		return 0;
	pid = (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
	if (!pid)
		_exit(try_mount(prepared_kind) ? 0 : 1);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!status)
		*out = prepared_kind;
	else
		return umount2("/proc", MNT_DETACH);
	return 0;
}
