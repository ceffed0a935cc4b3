/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/spawn.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/which.h"
#include "base/work-timer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* maximum size of the whole stdout of a program that spawn_first_line() runs */
#define LINE_MAX_BYTES (1u << 16)

/* interval of checks of limits->stop and, without a pidfd, of the exit */
#define POLL_INTERVAL_MS 100

/*
 * The limit on open files before spawn_raise_file_limit().  It is global
 * because the limit belongs to the process.
 */
static struct rlimit inherited_files;
static bool file_limit_raised;

void spawn_raise_file_limit(void)
{
	struct rlimit r;

	if (file_limit_raised || getrlimit(RLIMIT_NOFILE, &inherited_files))
		return;
	r = inherited_files;
	r.rlim_cur = r.rlim_max;
	file_limit_raised = !setrlimit(RLIMIT_NOFILE, &r);
}

unsigned long long spawn_file_limit(void)
{
	struct rlimit r = { RLIM_INFINITY, RLIM_INFINITY };

	if (file_limit_raised)
		return inherited_files.rlim_cur;
	getrlimit(RLIMIT_NOFILE, &r);
	return r.rlim_cur;
}

/*
 * The functions from here to run_child() run in the vfork()ed child on the
 * parent's memory.  They may make system calls, but must not allocate memory or
 * take locks.
 */
static void set_limit(int resource, unsigned long long value)
{
	struct rlimit r = { .rlim_cur = value, .rlim_max = value };

	if (value)
		setrlimit(resource, &r);
}

void spawn_restore_file_limit(void)
{
	if (file_limit_raised)
		setrlimit(RLIMIT_NOFILE, &inherited_files);
}

/*
 * Set FD_CLOEXEC for each open descriptor above 2.  Before Linux 5.11,
 * close_range() cannot do so.  Use /proc/self/fd, which lists only the open
 * descriptors, because a loop over all possible descriptors, which can be a
 * million, takes too long.
 */
static void mark_open_fds(void)
{
	int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct dirent64) char block[2048];
	ssize_t n;

	while (dir >= 0 && (n = getdents64(dir, block, sizeof(block))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *one = (void *)(block + at);
			int fd = atoi(one->d_name);

			if (fd > 2)
				fcntl(fd, F_SETFD, FD_CLOEXEC);
			at += one->d_reclen;
		}
	}
	if (dir >= 0)
		close(dir);
}

/*
 * Copy `stdio_fds` to 0, 1 and 2.  Each descriptor is first duplicated to a
 * number above 2, because a descriptor that is itself 0, 1 or 2 could be
 * overwritten before it is copied.
 */
static int set_up_stdio(const struct spawn *what)
{
	const int *fd = what->stdio_fds;
	int safe[3];

	for (int i = 0; i < 3; i++) {
		safe[i] = fd[i] < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) :
				      fd[i];
		if (safe[i] < 0)
			return -1;
		safe[i] = fcntl(safe[i], F_DUPFD_CLOEXEC, 3);
		if (safe[i] < 0)
			return -1;
	}
	for (int i = 0; i < 3; i++) {
		if (dup2(safe[i], i) < 0)
			return -1;
	}
	/* This process may have inherited descriptors without FD_CLOEXEC. */
	if (!what->transparent && close_range(3, ~0u, CLOSE_RANGE_CLOEXEC))
		mark_open_fds();
	for (const int *p = what->passed_fds; p && *p >= 0; p++)
		fcntl(*p, F_SETFD, 0);
	return 0;
}

bool spawn_is_ignored(int signal_number)
{
	struct sigaction now;

	return !sigaction(signal_number, NULL, &now) &&
	       now.sa_handler == SIG_IGN;
}

static void reset_signals(bool keep_ignored)
{
	static const int handled[] = { SIGPIPE, SIGXFSZ, SIGINT,
				       SIGTERM, SIGHUP,  SIGQUIT,
				       SIGCHLD, SIGUSR1, SIGUSR2 };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (size_t i = 0; i < ARRAY_SIZE(handled); i++) {
		/*
		 * kfarm itself ignores SIGPIPE and SIGXFSZ, even if its parent
		 * does not.  The program must get the default actions.
		 */
		if (!keep_ignored || handled[i] == SIGPIPE ||
		    handled[i] == SIGXFSZ || !spawn_is_ignored(handled[i]))
			sigaction(handled[i], &dfl, NULL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Start a session.  The kernel gives it a scheduling group with the nice value
 * 0, so copy that of the group of this process, if the kernel has such groups
 * (sched(7), "The autogroup feature").
 */
static int start_session(void)
{
	static const char path[] = "/proc/self/autogroup";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char line[64] = "";
	const char *nice;
	bool readable = fd >= 0 && read(fd, line, sizeof(line) - 1) > 0;

	if (fd >= 0)
		close(fd);
	if (setsid() < 0)
		return -1;
	nice = readable ? strstr(line, "nice ") : NULL;
	fd = nice ? open(path, O_WRONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return 0;
	/* The kernel can reject the value; the session then keeps 0. */
	nice += strlen("nice ");
	if (write(fd, nice, strlen(nice)) < 0)
		errno = 0;
	close(fd);
	return 0;
}

static int run_child(const struct spawn *what, const char *program,
		     pid_t parent)
{
	int death_signal = what->killed_with_parent     ? SIGKILL :
			   what->terminated_with_parent ? SIGTERM :
							  0;

	if (what->own_group && setpgid(0, 0))
		return errno;
	if (what->own_session && start_session())
		return errno;
	if (death_signal) {
		prctl(PR_SET_PDEATHSIG, death_signal);
		if (getppid() != parent)
			return ESRCH;
	}
	if (what->cwd && chdir(what->cwd))
		return errno;
	if (set_up_stdio(what))
		return errno;
	spawn_restore_file_limit();
	set_limit(RLIMIT_CPU, what->cpu_s);
	set_limit(RLIMIT_FSIZE, (unsigned long long)what->file_mib << 20);
	set_limit(RLIMIT_AS, (unsigned long long)what->memory_mib << 20);
	reset_signals(what->transparent);
	execve(program, what->argv, what->env ? what->env : environ);
	return errno;
}

int spawn_start(const struct spawn *what, pid_t *pid, struct err *err)
{
	const char *name = what->program ? what->program : what->argv[0];
	char *const *env = what->env ? what->env : environ;
	char *program = which(name, str_find_env(env, "PATH"));
	volatile int failed = 0;
	pid_t parent = getpid(), child;
	sigset_t all, before;

	if (!program)
		return err_set(err, ENOENT, "%s: not found in PATH", name);

	/*
	 * The child shares the memory of the parent, so no signal handler of
	 * the parent may run in the child.
	 */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	child = vfork();
	if (!child) {
		failed = run_child(what, program, parent);
		_exit(127);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	free(program);

	if (child < 0)
		return err_errno(err, "start %s", name);
	if (failed) {
		spawn_wait(child);
		errno = failed;
		if (what->cwd && access(what->cwd, X_OK))
			return err_errno(err, "start %s in %s", name,
					 what->cwd);
		errno = failed;
		return err_errno(err, "start %s", name);
	}
	*pid = child;
	return 0;
}

static bool has_exited(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) ||
	       info.si_pid;
}

bool spawn_await_exit(pid_t pid, unsigned ms)
{
	struct pollfd p = { pidfd_open(pid, 0), POLLIN, 0 };
	uint64_t end = clock_ms() + ms, now;
	bool exited;

	while (!(exited = has_exited(pid)) && (now = clock_ms()) < end) {
		uint64_t left = end - now;

		/* Without a pidfd, poll() only sleeps for the interval. */
		if (p.fd < 0 && left > POLL_INTERVAL_MS)
			left = POLL_INTERVAL_MS;
		poll(&p, 1, (int)left);
	}
	if (p.fd >= 0)
		close(p.fd);
	return exited;
}

int spawn_wait(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 127 << 8;
	}
	return status;
}

/*
 * The output of a running program.  fd[0] and fd[1] are the pipes from its
 * stdout and stderr; each is -1 if the output is discarded or the pipe is
 * closed.  fd[2] is the program's pidfd, or -1 if pidfd_open() has failed.
 */
struct collected {
	struct pollfd fd[3];
	pid_t pid;
	bool exited;
	struct buf *outputs[2];
	size_t max_bytes;
	struct work_timer timer;
	const atomic_bool *stop;
};

static void close_end(struct pollfd *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}

static int read_pipe(struct collected *c, int i)
{
	char block[1 << 14];
	ssize_t n = read(c->fd[i].fd, block, sizeof(block));

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0) {
		close_end(&c->fd[i]);
		return 0;
	}
	if (c->outputs[i]->len + (size_t)n > c->max_bytes)
		return -EMSGSIZE;
	buf_add(c->outputs[i], block, (size_t)n);
	return 0;
}

/*
 * Read the rest of the output of an exited program.  Do not wait for the end of
 * the file: a child that the program has left behind can hold the pipe open.
 */
static int drain_pipe(struct collected *c, int i)
{
	int ret = 0;

	if (c->fd[i].fd >= 0 && fcntl(c->fd[i].fd, F_SETFL, O_NONBLOCK))
		return -errno;
	while (!ret && c->fd[i].fd >= 0)
		ret = read_pipe(c, i);
	return ret == -EAGAIN ? 0 : ret;
}

/* Collect the output until the process has exited. */
static int collect_output(struct collected *c)
{
	int ret = 0;

	while (!ret && !c->exited) {
		bool ends_unseen = c->fd[2].fd < 0;
		unsigned left = work_timer_wait_ms(&c->timer);

		if (c->stop && atomic_load(c->stop))
			return -EINTR;
		if (!left && work_timer_has_expired(&c->timer))
			return -ETIMEDOUT;
		if ((c->stop || ends_unseen) && left > POLL_INTERVAL_MS)
			left = POLL_INTERVAL_MS;
		if (poll(c->fd, 3, (int)left) <= 0 && !ends_unseen)
			continue;
		for (int i = 0; i < 2 && !ret; i++) {
			if (c->fd[i].revents)
				ret = read_pipe(c, i);
		}
		if (c->fd[2].revents || ends_unseen)
			c->exited = has_exited(c->pid);
	}
	for (int i = 0; i < 2 && !ret; i++)
		ret = drain_pipe(c, i);
	return ret;
}

int spawn_collect(const struct spawn *what, const struct spawn_limits *limits,
		  struct buf *out, struct buf *err_out, int *status,
		  struct err *err)
{
	struct spawn child = *what;
	struct collected c = { .outputs = { out, err_out },
			       .max_bytes = limits->max_bytes,
			       .stop = limits->stop };
	pid_t pid = 0;
	int ret = 0;

	child.own_group = true;
	for (int i = 0; i < 3; i++)
		c.fd[i] = (struct pollfd){ -1, POLLIN, 0 };
	for (int i = 0; i < 2; i++) {
		int ends[2] = { -1, -1 };

		if (c.outputs[i] && !ret && pipe2(ends, O_CLOEXEC))
			ret = err_errno(err, "pipe");
		c.fd[i].fd = ends[0];
		child.stdio_fds[1 + i] = ends[1];
	}
	if (!ret)
		ret = spawn_start(&child, &pid, err);
	for (int i = 1; i < 3; i++) {
		if (child.stdio_fds[i] >= 0)
			close(child.stdio_fds[i]);
	}
	if (!ret) {
		c.pid = pid;
		c.fd[2].fd = pidfd_open(pid, 0);
		work_timer_start(&c.timer, pid, WORK_TIMER_TREE,
				 limits->timeout_ms);
		ret = collect_output(&c);
		if (ret) {
			kill(-pid, SIGKILL);
			err_set(err, -ret, "%s: %s", what->argv[0],
				strerror(-ret));
		}
		*status = spawn_wait(pid);
	}
	for (int i = 0; i < 3; i++)
		close_end(&c.fd[i]);
	return ret;
}

int spawn_collect_stdout(const struct spawn *what, size_t max_bytes,
			 unsigned timeout_ms, struct buf *out, int *status,
			 struct err *err)
{
	struct spawn_limits limits = { max_bytes, timeout_ms, NULL };

	return spawn_collect(what, &limits, out, NULL, status, err);
}

int spawn_first_line(char *const *argv, char *const *env, unsigned timeout_ms,
		     char **out, struct err *err)
{
	struct spawn what = { .argv = argv,
			      .env = env,
			      .stdio_fds = { -1, -1, -1 } };
	struct buf text = { 0 };
	int status = 0;
	int ret = spawn_collect_stdout(&what, LINE_MAX_BYTES, timeout_ms, &text,
				       &status, err);

	*out = NULL;
	if (!ret && !status)
		*out = xstrndup(buf_str(&text), strcspn(buf_str(&text), "\n"));
	buf_release(&text);
	return ret;
}

char *spawn_status_text(int wait_status)
{
	if (WIFEXITED(wait_status))
		return xasprintf("exit status %d", WEXITSTATUS(wait_status));
	return xasprintf("killed by signal %d (%s)", WTERMSIG(wait_status),
			 strsignal(WTERMSIG(wait_status)));
}

int capture_run(void *stop, const char *cwd, char *const *argv,
		char *const *env, struct buf *out, struct buf *err_out,
		struct err *err)
{
	const struct spawn what = { .argv = argv,
				    .env = env,
				    .cwd = cwd,
				    .stdio_fds = { -1, -1, -1 },
				    .killed_with_parent = true };
	const struct spawn_limits limits = { 64u << 20, 120000, stop };
	int status;
	int ret = spawn_collect(&what, &limits, out, err_out, &status, err);

	if (!ret && status) {
		char *text = spawn_status_text(status);

		ret = err_set(err, EINVAL, "%s: %s", argv[0], text);
		free(text);
	}
	return ret;
}
