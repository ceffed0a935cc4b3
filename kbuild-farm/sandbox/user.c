/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sandbox/user.h"

#include "base/vec.h"
#include "sandbox/proc.h"

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
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The tmpfs of a sandbox has the directories `view`, which is the input root,
 * and `stage`.  The tmpfs is mounted twice: kfarmd holds descriptors of the
 * writable mount, which no process can reach by a path; jobs see a read-only
 * bind mount of `view`.  New entries are made in `stage` and renamed or
 * exchanged into place.
 */

/*
 * Mount points for the tmpfs before pivot_root(); the first that exists is
 * used.  A container image can consist of kfarmd alone, without /tmp.  The
 * tmpfs can cover /proc, because the sandbox does not use the procfs of the
 * node after it has entered its user namespace.
 */
static const char *const staging_dirs[] = { "/tmp", "/proc" };

/* clang-format off */
/*
 * Files outside of their inputs that tools of a kernel build open, found with
 * strace for gcc 12 to 16, clang 14, 19 and 21 to 23, objtool of Linux 7.2,
 * genksyms, gendwarfksyms, dtc and pahole:
 *
 *	/proc/self/exe		clang: its resource directory; ld.so: $ORIGIN.
 *				In the procfs; without a procfs, a link.
 *	/proc/self/maps		objtool.  In the procfs.
 *	/proc/self/fd/N		clang, gendwarfksyms, pahole: names of open
 *				files.  In the procfs.
 *	/etc/ld.so.cache, /etc/ld.so.preload
 *				ld.so.  Missing.
 *	/etc/os-release, /etc/debian_version, /etc/env.d/gcc, ...
 *				clang: the distribution.  Missing.
 *	/usr/lib/locale, /usr/share/locale
 *				gcc, as: messages.  Present if the toolchain's
 *				manifest contains them.
 *
 * With an empty /proc, /sys, /etc or /usr/share/locale, all of them produce the
 * same bytes and status; only objtool fails without /proc/self/maps.
 */
/* clang-format on */

#define SANDBOX_HOSTNAME "kfarm"

int sandbox_user_set_error(struct sandbox_msg *m, const char *layer,
			   const char *what)
{
	int error = errno;

	m->error = error;
	snprintf(m->layer, sizeof(m->layer), "%s", layer);
	snprintf(m->operation, sizeof(m->operation), "%s", what);
	return -error;
}

int sandbox_user_mount_tmpfs(const char *name, const char *target,
			     unsigned long flags, uint64_t bytes,
			     uint32_t files)
{
	char options[128];

	snprintf(options, sizeof(options), "size=%llu,nr_inodes=%lu,mode=0755",
		 (unsigned long long)bytes, (unsigned long)files);
	return mount(name, target, "tmpfs", flags | MS_NOSUID | MS_NODEV,
		     options);
}

int sandbox_user_unshare(struct sandbox_msg *m)
{
	static const struct {
		int flag;
		const char *name;
	} others[] = {
		{ CLONE_NEWNS, "mount" }, { CLONE_NEWPID, "pid" },
		{ CLONE_NEWIPC, "ipc" },  { CLONE_NEWUTS, "uts" },
		{ CLONE_NEWNET, "net" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (unshare(others[i].flag))
			return sandbox_user_set_error(m, others[i].name,
						      "unshare");
	}
	/*
	 * Hide the paths of the cgroups.  sandbox_proc_choose() checks the
	 * effect, so ignore an error: Linux before 4.6 has no such namespace.
	 */
	unshare(CLONE_NEWCGROUP);
	prctl(PR_SET_DUMPABLE, 0);
	return 0;
}

static int bind_device(const char *from, const char *to, struct sandbox_msg *m)
{
	int fd = open(to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0)
		return sandbox_user_set_error(m, "mount", to);
	close(fd);
	if (mount(from, to, NULL, MS_BIND, NULL))
		return sandbox_user_set_error(m, "mount", from);
	return 0;
}

/*
 * Bind-mount the input root on itself, read-only.  Bind-mount the node's device
 * nodes on files in the input root.  The caller has made the tmpfs the working
 * directory.
 */
static int mount_input_root(struct sandbox_msg *m)
{
	const unsigned long again = MS_REMOUNT | MS_BIND | MS_RDONLY |
				    MS_NOSUID | MS_NODEV;
	int ret;

	if (mount("view", "view", NULL, MS_BIND, NULL))
		return sandbox_user_set_error(m, "mount", "bind");
	ret = bind_device("/dev/null", "view/dev/null", m);
	if (!ret)
		ret = bind_device("/dev/zero", "view/dev/zero", m);
	if (!ret)
		ret = bind_device("/dev/urandom", "view/dev/urandom", m);
	if (!ret && mount(NULL, "view", NULL, again, NULL))
		return sandbox_user_set_error(m, "mount", "read-only");
	if (!ret)
		sandbox_proc_prepare("view/proc");
	return ret;
}

static int pivot_to_input_root(struct sandbox_msg *m)
{
	if (chdir("view"))
		return sandbox_user_set_error(m, "pivot_root", "chdir");
	/*
	 * With these arguments, pivot_root() mounts the old root on top of the
	 * new root.  Unmount the old root.
	 */
	if (syscall(SYS_pivot_root, ".", "."))
		return sandbox_user_set_error(m, "pivot_root", "pivot_root");
	if (umount2(".", MNT_DETACH))
		return sandbox_user_set_error(m, "pivot_root", "umount");
	if (chdir("/"))
		return sandbox_user_set_error(m, "pivot_root", "chdir");
	return 0;
}

static int open_mounted_dir(const char *path, int *fd, struct sandbox_msg *m)
{
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? sandbox_user_set_error(m, "mount", path) : 0;
}

/* Mount the tmpfs and make its root the working directory. */
static int enter_staging_tmpfs(const struct sandbox_user_limits *limits,
			       struct sandbox_msg *m)
{
	size_t i = 0;

	while (sandbox_user_mount_tmpfs("cell", staging_dirs[i], 0,
					limits->input_root_bytes,
					limits->input_root_files)) {
		if (errno != ENOENT || ++i == ARRAY_SIZE(staging_dirs))
			return sandbox_user_set_error(m, "mount", "tmpfs");
	}
	if (chdir(staging_dirs[i]))
		return sandbox_user_set_error(m, "mount", staging_dirs[i]);
	return 0;
}

/*
 * Hide the host name of the node.  The process has the required capability over
 * its UTS namespace, so EPERM comes from the seccomp filter of a container: the
 * filters of podman and Docker permit sethostname(2) only to containers with
 * CAP_SYS_ADMIN.  Jobs then see the host name of the container.
 */
static int hide_hostname(struct sandbox_msg *m)
{
	m->hostname_hidden = !sethostname(SANDBOX_HOSTNAME,
					  strlen(SANDBOX_HOSTNAME)) &&
			     !setdomainname("", 0);
	return m->hostname_hidden || errno == EPERM ?
		       0 :
		       sandbox_user_set_error(m, "uts", "sethostname");
}

int sandbox_user_mount_root(const struct sandbox_user_limits *limits, int *root,
			    int *stage, struct sandbox_msg *m)
{
	static const char *const dirs[] = { "view",      "stage",
					    "view/dev",  "view/.kfarm",
					    "view/proc", "view/tmp" };
	int ret;

	umask(022);
	ret = hide_hostname(m);
	if (ret)
		return ret;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return sandbox_user_set_error(m, "mount", "private mounts");
	ret = enter_staging_tmpfs(limits, m);
	if (ret)
		return ret;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (mkdir(dirs[i], 0755))
			return sandbox_user_set_error(m, "mount", dirs[i]);
	}
	/*
	 * Open both directories in the writable mount before the read-only
	 * mount covers `view` and pivot_root() detaches `stage`.
	 */
	ret = open_mounted_dir("view", root, m);
	if (!ret)
		ret = open_mounted_dir("stage", stage, m);
	if (!ret)
		ret = mount_input_root(m);
	return ret ? ret : pivot_to_input_root(m);
}

/*
 * There are two ways to make jobs unprivileged on the node.  In a user
 * namespace, the sandbox init has all capabilities over its namespaces and no
 * capability over the namespaces of the node.  Without a user namespace, the
 * capabilities of the sandbox init apply to the node.  The sandbox init retains
 * them, but it executes no other program and receives messages only from
 * kfarmd, which is root.  A job drops the capabilities before its exec.  The
 * job has a separate uid, so that RLIMIT_NPROC counts its processes separately
 * and it owns no file on the node.
 */

/*
 * systemd's list of uids (UIDS-GIDS) leaves two ranges unused: 1879048192 to
 * 2147352575, and 60706 to 61183.  The second range is for containers in which
 * only uids below 65536 are mapped.
 *
 * The 16-bit range for jobs also includes 60578 to 60705, which newer versions
 * of systemd allocate to login screens.  A conflict is unlikely: this range is
 * used only if larger uids are not mapped, as in a container, which usually has
 * no login screen.
 */
#define SANDBOX_UID          1879075686
#define SANDBOX_UID_16BIT    61006
#define JOB_UID_FIRST        1880096768u
#define N_JOB_UIDS           (1u << 27)
#define JOB_UID_16BIT_FIRST  60578u
#define N_JOB_UIDS_16BIT     (SANDBOX_UID_16BIT - JOB_UID_16BIT_FIRST)
#define JOB_UIDS_PER_SANDBOX 1024u /* equals SANDBOX_INIT_JOBS_MAX */

#ifndef PR_CAP_AMBIENT /* Linux 4.3 */
#define PR_CAP_AMBIENT        47
#define PR_CAP_AMBIENT_IS_SET 1
#endif

/* On 32-bit processors, the calls without the suffix "32" take 16-bit ids. */
#ifdef SYS_setresuid32
#define SYS_SETRESUID SYS_setresuid32
#define SYS_SETRESGID SYS_setresgid32
#else
#define SYS_SETRESUID SYS_setresuid
#define SYS_SETRESGID SYS_setresgid
#endif

/*
 * Use system calls, because setresuid() and setresgid() of the C library take
 * locks to change the ids of all threads.
 */
static int set_user_and_group(unsigned id)
{
	if (syscall(SYS_SETRESGID, id, id, id) ||
	    syscall(SYS_SETRESUID, id, id, id))
		return -1;
	return 0;
}

int sandbox_user_become(unsigned id, struct sandbox_msg *m)
{
	return id && set_user_and_group(id) ?
		       sandbox_user_set_error(m, "uid", "setresuid") :
		       0;
}

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

/*
 * Limit the capabilities that executed programs can gain to those in `which`.
 */
static int limit_bounding_set(uint64_t which)
{
	for (int cap = 0; cap < 64; cap++) {
		if (which >> cap & 1 || !prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			continue;
		/* EINVAL: the kernel has no capability `cap` or above */
		return errno == EINVAL && cap ? 0 : -1;
	}
	return 0;
}

/*
 * Set and lock the secure bits.  Omit the bits for ambient capabilities on a
 * kernel without ambient capabilities (before Linux 4.3), which rejects them.
 */
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

int sandbox_user_drop_capabilities(unsigned id, struct sandbox_msg *m)
{
	if (limit_bounding_set(0))
		return sandbox_user_set_error(m, "capabilities", "bounding");
	if (lock_secure_bits())
		return sandbox_user_set_error(m, "capabilities", "securebits");
	if (set_capabilities(0))
		return sandbox_user_set_error(m, "capabilities", "capset");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return sandbox_user_set_error(m, "no_new_privs", "prctl");
	/* Verify that the previous ids cannot be restored. */
	if (id && (!syscall(SYS_SETRESUID, -1, 0, -1) ||
		   !syscall(SYS_SETRESGID, -1, 0, -1))) {
		errno = EPERM;
		return sandbox_user_set_error(m, "uid",
					      "old ids can be restored");
	}
	return 0;
}

/* Capabilities for making a sandbox and starting jobs. */
#define CAP(name) (1ull << CAP_##name)
#define RETAINED_CAPABILITIES \
	(CAP(SYS_ADMIN) | CAP(SETUID) | CAP(SETGID) | CAP(SETPCAP) | CAP(KILL))

/* Read the permitted capabilities of this process. */
static int read_capabilities(uint64_t *which)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &head, caps))
		return -1;
	*which = caps[0].permitted | (uint64_t)caps[1].permitted << 32;
	return 0;
}

static bool has_capabilities(uint64_t which)
{
	uint64_t permitted;

	return !read_capabilities(&permitted) && !(which & ~permitted);
}

int sandbox_user_limit_capabilities(bool low_port)
{
	uint64_t had, keep = RETAINED_CAPABILITIES |
			     (low_port ? CAP(NET_BIND_SERVICE) : 0);

	if (geteuid())
		return 0;
	/*
	 * Ignore EPERM for a process that may not change its bounding set:
	 * no_new_privs, which is set below, suffices.
	 */
	if (read_capabilities(&had) ||
	    (limit_bounding_set(keep) && errno != EPERM))
		return -errno;
	keep &= had;
	if (set_capabilities(keep) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return 0;
}

static int enter_without_userns(unsigned id, struct sandbox_msg *m)
{
	/* Retain the capabilities when the uid changes. */
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NOROOT, 0,
		  0, 0))
		return sandbox_user_set_error(m, "uid", "securebits");
	if (set_user_and_group(id))
		return sandbox_user_set_error(m, "uid", "setresuid");
	if (limit_bounding_set(RETAINED_CAPABILITIES) ||
	    set_capabilities(RETAINED_CAPABILITIES))
		return sandbox_user_set_error(m, "uid", "capset");
	return 0;
}

static int write_proc_file(int dir, const char *name, const char *text)
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

/*
 * Map SANDBOX_USER_INSIDE_UID to `uid` and `gid` in the user namespace of the
 * process with the /proc directory `proc`.
 */
static int write_id_maps(int proc, unsigned uid, unsigned gid)
{
	char line[64];

	/*
	 * Linux before 3.19 has no file "setgroups" and permits a gid_map
	 * without it.
	 */
	if (write_proc_file(proc, "setgroups", "deny") && errno != ENOENT)
		return -1;
	snprintf(line, sizeof(line), "%d %u 1\n", SANDBOX_USER_INSIDE_UID, gid);
	if (write_proc_file(proc, "gid_map", line))
		return -1;
	snprintf(line, sizeof(line), "%d %u 1\n", SANDBOX_USER_INSIDE_UID, uid);
	return write_proc_file(proc, "uid_map", line);
}

/*
 * Enter a user namespace and map the current ids.  The function needs no
 * privileges, but root also calls it if choose_sandbox_uid() finds no uid.
 */
static int enter_as_user(struct sandbox_msg *m)
{
	unsigned uid = geteuid(), gid = getegid();
	int proc;

	/*
	 * Make the process dumpable: otherwise root owns its files in
	 * /proc/self, and the process could not write its id maps.
	 */
	prctl(PR_SET_DUMPABLE, 1);
	if (unshare(CLONE_NEWUSER))
		return sandbox_user_set_error(m, "user", "unshare");
	proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0 || write_id_maps(proc, uid, gid))
		return sandbox_user_set_error(m, "user", "id maps");
	close(proc);
	return 0;
}

/*
 * Return true if `id` is mapped in the current user namespace according to the
 * file `map`.  A kernel without user namespaces lacks the file and maps all
 * ids.
 */
static bool is_id_mapped(unsigned long id, const char *map)
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

static bool is_uid_and_gid_mapped(unsigned long id)
{
	return is_id_mapped(id, "/proc/self/uid_map") &&
	       is_id_mapped(id, "/proc/self/gid_map");
}

/*
 * Return the unprivileged uid for the sandbox of a kfarmd that runs as root, or
 * 0 if neither SANDBOX_UID nor SANDBOX_UID_16BIT is mapped.
 */
static unsigned choose_sandbox_uid(void)
{
	static const unsigned ids[] = { SANDBOX_UID, SANDBOX_UID_16BIT };

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		if (is_uid_and_gid_mapped(ids[i]))
			return ids[i];
	}
	return 0;
}

/*
 * Choose a range of uids for jobs and the offset of this sandbox in it.  The
 * offset is derived from the PID of this process: in a sufficiently large
 * range, concurrent sandboxes use different uids until the PIDs wrap around.
 * Returns false if no range is mapped.
 */
static bool choose_job_uids(struct sandbox_uid_range *jobs)
{
	static const struct sandbox_uid_range ranges[] = {
		{ .first_uid = JOB_UID_FIRST, .n_uids = N_JOB_UIDS },
		{ .first_uid = JOB_UID_16BIT_FIRST,
		  .n_uids = N_JOB_UIDS_16BIT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		const struct sandbox_uid_range *r = &ranges[i];

		if (!is_uid_and_gid_mapped(r->first_uid) ||
		    !is_uid_and_gid_mapped(r->first_uid + r->n_uids - 1))
			continue;
		*jobs = *r;
		jobs->start_offset = (unsigned)((uint64_t)getpid() *
						JOB_UIDS_PER_SANDBOX %
						r->n_uids);
		return true;
	}
	return false;
}

/*
 * Enter a user namespace as root.  The namespace is created while the process
 * is privileged, because the system may forbid other users to create one.  Then
 * the process changes to an unprivileged uid.  If even root cannot create a
 * user namespace, sets *refused and leaves the process unchanged.
 */
static int enter_as_root(unsigned id, bool *refused, struct sandbox_msg *m)
{
	int tell[2], proc, ret, status = 0;
	pid_t child;
	char c;

	proc = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0 || pipe2(tell, O_CLOEXEC))
		return sandbox_user_set_error(m, "user", "/proc/self");
	child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (!child) {
		/*
		 * The child remains outside the namespace and maps the parent's
		 * ids when the parent writes to the pipe.
		 */
		close(tell[1]);
		ret = read(tell[0], &c, 1) == 1 ? write_id_maps(proc, id, id) :
						  1;
		_exit(ret ? errno : 0);
	}
	if (child < 0)
		return sandbox_user_set_error(m, "user", "clone");
	ret = unshare(CLONE_NEWUSER) ?
		      sandbox_user_set_error(m, "user", "unshare") :
		      0;
	*refused = ret;
	if (!ret && write(tell[1], "x", 1) != 1)
		ret = sandbox_user_set_error(m, "user", "pipe");
	close(tell[0]);
	close(tell[1]);
	close(proc);
	if (ret) {
		waitpid(child, NULL, 0);
		return ret;
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	if (errno)
		return sandbox_user_set_error(m, "user", "id maps");
	if (set_user_and_group(SANDBOX_USER_INSIDE_UID))
		return sandbox_user_set_error(m, "user", "setresuid");
	return 0;
}

int sandbox_user_enter(struct sandbox_uid_range *jobs, struct sandbox_msg *m)
{
	bool refused = false;
	unsigned id;
	int ret;

	*jobs = (struct sandbox_uid_range){ 0 };
	/*
	 * Make the OOM killer select the sandbox init and its jobs before the
	 * other processes of the node.
	 */
	write_proc_file(AT_FDCWD, "/proc/self/oom_score_adj", "600");
	id = geteuid() ? 0 : choose_sandbox_uid();
	if (!id)
		return enter_as_user(m);
	if (syscall(SYS_setgroups, 0, NULL))
		return sandbox_user_set_error(m, "user", "setgroups");
	ret = enter_as_root(id, &refused, m);
	if (refused && has_capabilities(RETAINED_CAPABILITIES) &&
	    choose_job_uids(jobs))
		ret = enter_without_userns(id, m);
	return ret;
}
