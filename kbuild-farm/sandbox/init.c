/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sandbox/init.h"

#include "base/clock.h"
#include "base/vec.h"
#include "sandbox/confine.h"
#include "sandbox/proc.h"
#include "sandbox/sandbox.h"
#include "sandbox/user.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * A job is PID 1 of its PID namespace.  When the job ends, the kernel kills all
 * its descendants and only then reports the end of the job.  As a consequence
 * of being PID 1, a job is not killed by signals from inside the namespace:
 * abort() ends it with SIGSEGV or SIGILL, and a write beyond the file size
 * limit fails with EFBIG.
 *
 * The user namespace of a job has no id mappings, so the capabilities of the
 * job do not apply to any file.  RLIMIT_NPROC counts the processes of each user
 * namespace separately, so a fork bomb does not prevent other jobs from
 * forking.  Without user namespaces, a separate uid has the same effect.
 *
 * sandbox/proc.c describes the procfs of a job.  Most containers deny its
 * mount.  For this case, the input root has a link /proc/self/exe to the
 * driver's real path, because ld.so needs the link for $ORIGIN.
 *
 * A job must not execute files that it has written.  The Landlock rule for "/"
 * allows the execution of all files, and no other rule can revoke this right
 * for a directory.  Therefore the directories of a job are mounted with
 * MS_NOEXEC.
 */

#define JOB_TMPFS_DIR  "/.kfarm"
#define OPEN_FILES_MAX 1024
/*
 * Value of RLIMIT_NPROC if jobs have neither separate user namespaces nor
 * separate uids.  The kernel then counts the processes of all jobs together.
 * The value suffices for all jobs and stops a fork bomb, but a fork bomb can
 * prevent other jobs from forking.
 */
#define USER_PROCESSES_MAX 4096

/*
 * Return true if the directory is empty.  Calls getdents64(2), because
 * readdir() would allocate memory.
 */
static bool is_dir_empty(int dir)
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
 * Mount a private /tmp for programs that ignore TMPDIR.  Leaves /tmp unchanged
 * if it does not exist, is not a directory, or contains files of the input
 * root.
 */
static int mount_job_tmp(struct sandbox_msg *m)
{
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int ret = 0;

	if (fd < 0)
		return 0;
	if (is_dir_empty(fd) &&
	    (fchdir(fd) || mount(SANDBOX_TMP_DIR, ".", NULL, MS_BIND, NULL)))
		ret = sandbox_user_set_error(m, "mount", "/tmp");
	close(fd);
	return ret;
}

static int mount_job_dir(const struct sandbox_job_exec *j,
			 struct sandbox_msg *m)
{
	static const char *const dirs[] = { SANDBOX_OUT_DIR, SANDBOX_TMP_DIR };
	const unsigned long read_only = MS_REMOUNT | MS_BIND | MS_RDONLY |
					MS_NOSUID | MS_NODEV | MS_NOEXEC;

	/* The procfs needs JOB_TMPFS_DIR while it is empty. */
	if (sandbox_proc_mount(j->proc))
		return sandbox_user_set_error(m, "proc", "mount");
	if (sandbox_user_mount_tmpfs("job", JOB_TMPFS_DIR, MS_NOEXEC,
				     j->limits->job_bytes,
				     j->limits->job_files))
		return sandbox_user_set_error(m, "mount", JOB_TMPFS_DIR);
	umask(022);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		if (mkdir(dirs[i], 0755) ||
		    mount(dirs[i], dirs[i], NULL, MS_BIND, NULL))
			return sandbox_user_set_error(m, "mount", dirs[i]);
	}
	/*
	 * Remount the tmpfs read-only: the job owns it but may write only to
	 * the two directories that are bind mounts.
	 */
	if (mount(NULL, JOB_TMPFS_DIR, NULL, read_only, NULL))
		return sandbox_user_set_error(m, "mount", "read-only");
	return mount_job_tmp(m);
}

/*
 * Copy the input file, if any, to the job's output directory.  The job can
 * change this private copy.
 */
static int copy_job_input(const struct sandbox_job_exec *j, int out,
			  struct sandbox_msg *m)
{
	int fd, ret = 0;
	off_t at = 0;
	ssize_t n;

	if (j->fds[SANDBOX_MSG_FD_INPUT] < 0)
		return 0;
	fd = openat(out, j->input_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0644);
	if (fd < 0)
		return sandbox_user_set_error(m, "copy", j->input_name);
	do
		n = sendfile(fd, j->fds[SANDBOX_MSG_FD_INPUT], &at, 1 << 30);
	while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		ret = sandbox_user_set_error(m, "copy", j->input_name);
	close(fd);
	return ret;
}

static int set_rlimit(int resource, uint64_t value)
{
	struct rlimit r;

	if (getrlimit(resource, &r))
		return -1;
	if (r.rlim_max > value)
		r.rlim_max = (rlim_t)value;
	r.rlim_cur = r.rlim_max;
	return setrlimit(resource, &r);
}

static int drop_privileges(const struct sandbox_job_exec *j,
			   struct sandbox_msg *m)
{
	static const char *const writable[] = { SANDBOX_OUT_DIR,
						SANDBOX_TMP_DIR, NULL };
	const struct sandbox_job_exec_limits *l = j->limits;
	bool counted = j->job_userns || j->job_uid;
	const uint64_t most = (rlim_t)-1;
	int ret;

	if (j->job_userns && unshare(CLONE_NEWUSER))
		return sandbox_user_set_error(m, "user", "unshare");
	if (set_rlimit(RLIMIT_CORE, 0) ||
	    set_rlimit(RLIMIT_NOFILE, OPEN_FILES_MAX) ||
	    set_rlimit(RLIMIT_MEMLOCK, 1 << 16) ||
	    set_rlimit(RLIMIT_MSGQUEUE, 0) || set_rlimit(RLIMIT_RTPRIO, 0) ||
	    set_rlimit(RLIMIT_FSIZE, l->file_bytes) ||
	    set_rlimit(RLIMIT_AS,
		       l->memory_bytes < most ? l->memory_bytes : most) ||
	    set_rlimit(RLIMIT_NPROC,
		       counted ? l->max_processes : USER_PROCESSES_MAX))
		return sandbox_user_set_error(m, "rlimits", "setrlimit");
	ret = sandbox_user_drop_capabilities(j->job_uid, m);
	if (ret)
		return ret;
	ret = sandbox_confine_apply_landlock(j->landlock_abi, writable);
	if (ret) {
		errno = -ret;
		return sandbox_user_set_error(m, "landlock", "landlock");
	}
	ret = sandbox_confine_apply_seccomp(j->filter, j->n_filter);
	if (ret) {
		errno = -ret;
		return sandbox_user_set_error(m, "seccomp", "seccomp");
	}
	return 0;
}

/* Reset all signal handlers and unblock all signals. */
static void restore_default_signals(void)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int prepare_job_env(const struct sandbox_job_exec *j, int *out,
			   struct sandbox_msg *m)
{
	const char *failed = NULL;
	int null, ret;

	restore_default_signals();
	setsid();
	if (j->prepare)
		failed = j->prepare(j->prepare_arg);
	if (failed)
		return sandbox_user_set_error(m, "prepare", failed);
	ret = sandbox_user_become(j->job_uid, m);
	if (!ret)
		ret = mount_job_dir(j, m);
	if (ret)
		return ret;
	*out = open(SANDBOX_OUT_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*out < 0)
		return sandbox_user_set_error(m, "mount", SANDBOX_OUT_DIR);
	ret = copy_job_input(j, *out, m);
	if (ret)
		return ret;
	if (chdir(j->cwd))
		return sandbox_user_set_error(m, "cwd", j->cwd);
	/*
	 * Set up descriptors 0 to 2.  The descriptors in j->fds are above 2, so
	 * dup2() overwrites none of them; the exec closes them.
	 */
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0)
		return sandbox_user_set_error(m, "mount", "/dev/null");
	for (int i = 0; i < 3; i++) {
		if (dup2(j->fds[i] < 0 ? null : j->fds[i], i) < 0)
			return sandbox_user_set_error(m, "exec", "descriptors");
	}
	return drop_privileges(j, m);
}

/*
 * The self-test runs inside a job and checks all layers except ipc, job-user
 * and landlock.
 */

/* Set by the sandbox init; its forks, the jobs, inherit the values. */
static bool hostname_hidden;
static enum sandbox_proc job_proc;

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
	return !can_open("/proc/sys/kernel/ostype", O_RDONLY) &&
	       !can_open("/etc/passwd", O_RDONLY) &&
	       !can_open("/sys", O_RDONLY) && can_open("/dev/null", O_RDWR);
}

/* Return true if /proc is read-only and shows the PID namespace of the job. */
static bool has_private_proc(void)
{
	char pid[2] = "";

	if (job_proc == SANDBOX_PROC_NONE)
		return !can_open("/proc/self/maps", O_RDONLY);
	return readlink("/proc/self", pid, sizeof(pid)) == 1 && *pid == '1' &&
	       can_open("/proc/self/maps", O_RDONLY) &&
	       !can_open("/proc/self/mem", O_RDWR) && errno == EROFS;
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

	return !hostname_hidden || (!uname(&u) && !strcmp(u.nodename, "kfarm"));
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
	{ "proc", has_private_proc },
	{ "mount", can_write_job_dirs_only },
	{ "uts", has_sandbox_hostname },
	{ "net", has_no_network },
	{ "capabilities", has_no_privileges },
	{ "no_new_privs", has_no_new_privs },
	{ "rlimits", has_rlimits },
	{ "seccomp", has_seccomp_filter },
	{ "seccomp", NULL }, /* the filter did not end the process */
};

void sandbox_init_run_selftest(void)
{
	for (int i = 0; i < (int)ARRAY_SIZE(selftest_layers); i++) {
		if (selftest_layers[i].holds && !selftest_layers[i].holds())
			_exit(EXIT_STATUS_BASE + i);
	}
	/* The seccomp filter ends the process at this call. */
	unshare(CLONE_NEWUSER);
	_exit(EXIT_STATUS_BASE + (int)ARRAY_SIZE(selftest_layers) - 1);
}

const char *sandbox_init_layer_name(int status)
{
	if (status < EXIT_STATUS_BASE ||
	    status >= EXIT_STATUS_BASE + (int)ARRAY_SIZE(selftest_layers))
		return NULL;
	return selftest_layers[status - EXIT_STATUS_BASE].name;
}

/*
 * Turn this process into the job.  Never returns: after a failure it sends
 * START_FAILED and exits.
 */
static void run_sandbox_job(const struct sandbox_job_exec *j)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	struct sandbox_msg m = { .type = SANDBOX_MSG_STARTED, .id = j->id };
	int out = -1;
	int ret = prepare_job_env(j, &out, &m);

	if (!ret)
		ret = sandbox_msg_send(j->sock, &m, NULL, 0, &out, 1);
	if (!ret && j->self_test)
		sandbox_init_run_selftest();
	if (!ret) {
		/*
		 * A program that was just added to the input root can still be
		 * open for writing in a child that another thread of kfarmd has
		 * forked.  Retry for 0.2 s.
		 */
		for (int i = 0; i < 100; i++) {
			execve(j->argv[0], j->argv, j->env);
			if (errno != ETXTBSY)
				break;
			nanosleep(&pause, NULL);
		}
		sandbox_user_set_error(&m, "exec", j->argv[0]);
	}
	m.type = SANDBOX_MSG_START_FAILED;
	sandbox_msg_send(j->sock, &m, NULL, 0, NULL, 0);
	_exit(127);
}

/*
 * kfarmd forks an intermediate process, which enters the namespaces, clones the
 * sandbox init and exits; the sandbox init clones the jobs.  Until a job
 * executes its program, all these processes are forks of a program with
 * threads, and therefore neither allocate memory nor take a lock.
 */

#define SOCKET_FD 3 /* descriptor of the socket to kfarmd */

struct init_job {
	pid_t pid; /* 0: this entry is free */
	uint32_t id;
	uint64_t start_ms; /* clock_ms() */
	uint64_t paused_ms; /* clock_ms() of PAUSE; 0: not paused */
};

/*
 * State of the sandbox init.  It is global because it is too large for the
 * stack.
 */
static struct init_job init_jobs[SANDBOX_INIT_JOBS_MAX];
/* aligned, because the text begins with the argument of `prepare` */
static _Alignas(max_align_t) char init_message_text[SANDBOX_ARGS_MAX];
static char *message_strings[SANDBOX_INIT_STRINGS_MAX + 2];
static const struct sandbox_init_setup *init_config;
static int landlock_abi;
static bool job_userns;
static struct sandbox_uid_range job_uid_range;

static void send_or_exit(const struct sandbox_msg *m)
{
	/* If the send fails, kfarmd closed the socket and needs no sandbox. */
	if (sandbox_msg_send(SOCKET_FD, m, NULL, 0, NULL, 0))
		_exit(0);
}

static void report_start_failure(uint32_t id, int error, const char *what)
{
	struct sandbox_msg m = { .type = SANDBOX_MSG_START_FAILED, .id = id };

	errno = error;
	sandbox_user_set_error(&m, "pid", what);
	send_or_exit(&m);
	m = (struct sandbox_msg){ .type = SANDBOX_MSG_ENDED, .id = id };
	send_or_exit(&m);
}

/*
 * Set out[0] to out[n - 1] to the NUL-terminated strings that begin at *at, and
 * advance *at.  Returns false if fewer than `n` strings end before `end`.
 */
static bool split_strings(char **out, size_t n, char **at, const char *end)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strnlen(*at, (size_t)(end - *at));

		if (*at + len == end)
			return false;
		out[i] = *at;
		*at += len + 1;
	}
	return true;
}

/*
 * Decode the message and the `len` bytes of its text into a job.  Returns false
 * if the message is malformed.
 */
static bool parse_job(struct sandbox_job_exec *j, const struct sandbox_msg *m,
		      size_t len, const struct sandbox_msg_ancillary *extra)
{
	char *at = init_message_text + m->prepare_bytes, *cwd, *copy = NULL;
	unsigned n = 0;

	if (!m->argc || m->argc > SANDBOX_INIT_STRINGS_MAX ||
	    m->envc > SANDBOX_INIT_STRINGS_MAX - m->argc ||
	    m->prepare_bytes > len)
		return false;
	j->prepare = m->prepare;
	j->prepare_arg = init_message_text;
	j->argv = message_strings;
	j->env = message_strings + m->argc + 1;
	if (!split_strings(&cwd, 1, &at, init_message_text + len) ||
	    (m->fd_mask & 1u << SANDBOX_MSG_FD_INPUT &&
	     !split_strings(&copy, 1, &at, init_message_text + len)) ||
	    !split_strings(j->argv, m->argc, &at, init_message_text + len) ||
	    !split_strings(j->env, m->envc, &at, init_message_text + len))
		return false;
	j->argv[m->argc] = NULL;
	j->env[m->envc] = NULL;
	j->cwd = cwd;
	j->input_name = copy;
	for (unsigned i = 0; i < SANDBOX_MSG_FDS_MAX; i++) {
		j->fds[i] = -1;
		if (!(m->fd_mask & 1u << i))
			continue;
		if (n == extra->n_fds)
			return false;
		j->fds[i] = extra->fds[n++];
	}
	return true;
}

static void start_sandbox_job(const struct sandbox_msg *m, size_t len,
			      const struct sandbox_msg_ancillary *extra)
{
	const unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
				    SIGCHLD;
	struct sandbox_job_exec j = {
		.sock = SOCKET_FD,
		.id = m->id,
		.self_test = m->self_test,
		.limits = &init_config->job_limits,
		.filter = init_config->filter,
		.n_filter = init_config->n_filter,
		.landlock_abi = landlock_abi,
		.job_userns = job_userns,
		.proc = job_proc,
	};
	struct init_job *job = NULL;
	long pid;

	for (size_t i = 0; i < SANDBOX_INIT_JOBS_MAX && !job; i++) {
		if (!init_jobs[i].pid)
			job = &init_jobs[i];
	}

	if (!parse_job(&j, m, len, extra)) {
		report_start_failure(m->id, extra->n_fds ? EPROTO : EMFILE,
				     "start");
		return;
	}
	if (!job) {
		report_start_failure(m->id, EAGAIN, "too many jobs");
		return;
	}
	/*
	 * Without user namespaces, each entry of init_jobs has a separate uid,
	 * if the range is large enough.
	 */
	if (job_uid_range.n_uids)
		j.job_uid = job_uid_range.first_uid +
			    (job_uid_range.start_offset +
			     (unsigned)(job - init_jobs)) %
				    job_uid_range.n_uids;
	/*
	 * Clone without CLONE_VM: a process that shares its memory cannot
	 * unshare its user namespace.
	 */
	pid = syscall(SYS_clone, flags, 0, 0, 0, 0);
	if (!pid)
		run_sandbox_job(&j);
	if (pid < 0) {
		report_start_failure(m->id, errno, "clone");
		return;
	}
	*job = (struct init_job){
		.pid = (pid_t)pid,
		.id = m->id,
		.start_ms = clock_ms(),
	};
}

/*
 * Send ENDED.  The kernel reports the end of a job, which is PID 1, only after
 * all other processes of its PID namespace have ended.
 */
static void report_job_end(struct init_job *job, int status,
			   const struct rusage *used)
{
	int64_t us = (used->ru_utime.tv_sec + used->ru_stime.tv_sec) *
			     (int64_t)1000000 +
		     used->ru_utime.tv_usec + used->ru_stime.tv_usec;
	uint64_t end_ms = job->paused_ms ? job->paused_ms : clock_ms();
	struct sandbox_msg m = {
		.type = SANDBOX_MSG_ENDED,
		.id = job->id,
		.status = status,
		.cpu_ms = (uint32_t)(us / 1000),
		.wall_ms = (uint32_t)(end_ms - job->start_ms),
		.peak_kib = (uint32_t)used->ru_maxrss,
	};

	job->pid = 0;
	send_or_exit(&m);
}

static void reap_exited_jobs(int signals)
{
	struct signalfd_siginfo info;
	struct rusage used;
	int status;
	pid_t pid;

	while (read(signals, &info, sizeof(info)) == sizeof(info))
		;
	while ((pid = wait4(-1, &status, WNOHANG | __WALL, &used)) > 0) {
		for (size_t i = 0; i < SANDBOX_INIT_JOBS_MAX; i++) {
			if (init_jobs[i].pid == pid)
				report_job_end(&init_jobs[i], status, &used);
		}
	}
}

/*
 * Stop or continue the process group of a job.  The seccomp filter prevents the
 * processes of the job from leaving the group.  A job that has not called
 * setsid() yet is a single process in the process group of the sandbox init; in
 * this case, signal only this process.
 */
static void set_job_paused(struct init_job *job, bool paused)
{
	int signal = paused ? SIGSTOP : SIGCONT;
	uint64_t now = clock_ms();

	if (paused == (job->paused_ms != 0))
		return;
	if (!paused)
		job->start_ms += now - job->paused_ms;
	job->paused_ms = paused ? now : 0;
	if (kill(-job->pid, signal))
		kill(job->pid, signal);
}

static void handle_job_message(struct init_job *job, uint32_t type)
{
	if (type == SANDBOX_MSG_KILL)
		kill(job->pid, SIGKILL);
	else if (type == SANDBOX_MSG_PAUSE || type == SANDBOX_MSG_RESUME)
		set_job_paused(job, type == SANDBOX_MSG_PAUSE);
}

static void on_message(void)
{
	struct sandbox_msg_ancillary extra;
	struct sandbox_msg m;
	ssize_t n = sandbox_msg_receive(SOCKET_FD, &m, init_message_text,
					sizeof(init_message_text), &extra,
					MSG_DONTWAIT);

	if (n == -EAGAIN)
		return;
	if (n < 0)
		_exit(0);
	if (m.type == SANDBOX_MSG_START)
		start_sandbox_job(&m, (size_t)n, &extra);
	for (size_t i = 0;
	     m.type != SANDBOX_MSG_START && i < SANDBOX_INIT_JOBS_MAX; i++) {
		if (init_jobs[i].pid && init_jobs[i].id == m.id)
			handle_job_message(&init_jobs[i], m.type);
	}
	sandbox_msg_close_fds(&extra);
}

static void report_setup_failure(struct sandbox_msg *m)
{
	m->type = SANDBOX_MSG_SETUP_FAILED;
	sandbox_msg_send(SOCKET_FD, m, NULL, 0, NULL, 0);
	_exit(1);
}

/* Return true if a child can create a user namespace. */
static bool can_nest_userns(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	int status = 1;

	if (!pid)
		_exit(unshare(CLONE_NEWUSER) ? 1 : 0);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return !status;
}

static void run_init(void)
{
	struct sandbox_msg m = { .type = SANDBOX_MSG_READY };
	struct sandbox_msg_ancillary extra;
	int fds[2], signals;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);

	/*
	 * SET_UP arrives after the intermediate process has exited.  If kfarmd
	 * is a subreaper, kfarmd is now the parent of this process, and
	 * PR_SET_PDEATHSIG ends this process when kfarmd exits.
	 */
	if (sandbox_msg_receive(SOCKET_FD, &m, NULL, 0, &extra, 0) < 0 ||
	    m.type != SANDBOX_MSG_SET_UP)
		_exit(0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "kfarm-cell");
	m = (struct sandbox_msg){ .type = SANDBOX_MSG_READY };
	if (signals < 0) {
		sandbox_user_set_error(&m, "pid", "signalfd");
		report_setup_failure(&m);
	}
	if (sandbox_user_mount_root(&init_config->namespace_limits, &fds[0],
				    &fds[1], &m))
		report_setup_failure(&m);
	if (sandbox_proc_choose(&job_proc)) {
		sandbox_user_set_error(&m, "proc", "umount");
		report_setup_failure(&m);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		sandbox_user_set_error(&m, "no_new_privs", "prctl");
		report_setup_failure(&m);
	}
	landlock_abi = sandbox_confine_landlock_abi();
	job_userns = init_config->nproc_per_userns && !job_uid_range.n_uids &&
		     can_nest_userns();
	m.job_userns = job_userns;
	m.job_uid = job_uid_range.n_uids > 0;
	m.landlock_abi = (uint32_t)landlock_abi;
	m.proc = job_proc != SANDBOX_PROC_NONE;
	hostname_hidden = m.hostname_hidden;
	if (sandbox_msg_send(SOCKET_FD, &m, NULL, 0, fds, 2))
		_exit(0);
	close(fds[0]);
	close(fds[1]);
	for (;;) {
		struct pollfd p[] = {
			{ .fd = SOCKET_FD, .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
		};

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			_exit(1);
		if (p[1].revents)
			reap_exited_jobs(signals);
		if (p[0].revents)
			on_message();
	}
}

static void close_fds_above(int fd)
{
	if (!syscall(SYS_close_range, fd + 1, ~0u, 0))
		return;
	/* Linux before 5.9 has no close_range(2). */
	for (long i = fd + 1; i < sysconf(_SC_OPEN_MAX) && i < 1 << 20; i++)
		close((int)i);
}

/*
 * Move the socket to SOCKET_FD, close all other descriptors inherited from
 * kfarmd, and open /dev/null as descriptors 0 to 2.  Open /dev/null last,
 * because kfarmd may have reached its limit on open descriptors.
 */
static void close_inherited_fds(int sock)
{
	int null;

	if (sock != SOCKET_FD)
		dup3(sock, SOCKET_FD, O_CLOEXEC);
	close_fds_above(SOCKET_FD);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3 && null >= 0; i++)
		dup2(null, i);
	if (null > SOCKET_FD)
		close(null);
}

void sandbox_init_main(const struct sandbox_init_setup *setup)
{
	struct sandbox_msg m = { 0 };
	long pid;

	init_config = setup;
	restore_default_signals();
	close_inherited_fds(setup->sock);
	setsid();
	if (sandbox_user_enter(&job_uid_range, &m) || sandbox_user_unshare(&m))
		report_setup_failure(&m);
	pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid < 0) {
		sandbox_user_set_error(&m, "pid", "clone");
		report_setup_failure(&m);
	}
	if (!pid)
		run_init();
	_exit(0);
}
