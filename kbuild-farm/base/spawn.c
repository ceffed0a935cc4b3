/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/spawn.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/which.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Everything from here to exec runs in the vfork()ed child, on the parent's
 * memory: system calls only, no allocation, no locks.
 */
static void limit(int resource, unsigned long long value)
{
	struct rlimit r = { .rlim_cur = value, .rlim_max = value };

	if (value)
		setrlimit(resource, &r);
}

/* Put the three descriptors in place without stepping on one another. */
static int place_descriptors(const struct spawn *what)
{
	const int *fd = what->fd;
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
	/* What we inherited without the flag; kernels before 5.11 cannot. */
	if (!what->as_we_were)
		close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	for (const int *p = what->pass; p && *p >= 0; p++)
		fcntl(*p, F_SETFD, 0);
	return 0;
}

static bool stays_ignored(int number)
{
	struct sigaction now;

	return number != SIGPIPE && !sigaction(number, NULL, &now) &&
	       now.sa_handler == SIG_IGN;
}

static void reset_signals(bool keep_ignored)
{
	static const int ours[] = { SIGPIPE, SIGINT,  SIGTERM, SIGHUP,
				    SIGQUIT, SIGCHLD, SIGUSR1, SIGUSR2 };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
		if (!keep_ignored || !stays_ignored(ours[i]))
			sigaction(ours[i], &dfl, NULL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int run_child(const struct spawn *what, const char *program,
		     pid_t parent)
{
	if (what->own_group && setpgid(0, 0))
		return errno;
	if (what->dies_with_us) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			return ESRCH;
	}
	if (what->cwd && chdir(what->cwd))
		return errno;
	if (place_descriptors(what))
		return errno;
	limit(RLIMIT_CPU, what->cpu_seconds);
	limit(RLIMIT_FSIZE, (unsigned long long)what->file_mib << 20);
	limit(RLIMIT_AS, (unsigned long long)what->memory_mib << 20);
	reset_signals(what->as_we_were);
	execve(program, what->argv, what->env ? what->env : environ);
	return errno;
}

int spawn_start(const struct spawn *what, pid_t *pid, struct err *err)
{
	const char *name = what->program ? what->program : what->argv[0];
	char *const *env = what->env ? what->env : environ;
	char *program = which(name, str_env(env, "PATH"));
	volatile int failed = 0;
	pid_t parent = getpid(), child;
	sigset_t all, before;

	if (!program)
		return err_set(err, ENOENT, "%s: not found in PATH", name);

	/* No handler of ours may run in the child on our memory. */
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

int spawn_wait(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return 127 << 8;
	}
	return status;
}

/* Read `fd` to its end: 0, -ETIMEDOUT, -EMSGSIZE or a negative errno. */
static int drain(int fd, size_t max, uint64_t deadline, struct buf *out)
{
	char block[1 << 14];

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now = clock_ms();
		ssize_t n;

		if (now >= deadline)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)(deadline - now)) <= 0)
			continue;
		n = read(fd, block, sizeof(block));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		if (n > 0 && out->len + (size_t)n > max)
			return -EMSGSIZE;
		if (n > 0)
			buf_add(out, block, (size_t)n);
	}
}

/* Its output has ended; wait for the program too, but not for ever. */
static int await_end(pid_t pid, uint64_t deadline)
{
	int fd = pidfd_open(pid, 0), ret = 0;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (fd >= 0 && !ret && !p.revents) {
		uint64_t now = clock_ms();

		if (now >= deadline)
			ret = -ETIMEDOUT;
		else if (poll(&p, 1, (int)(deadline - now)) < 0)
			p.revents = 0;
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

int spawn_capture(const struct spawn *what, size_t max, unsigned timeout_ms,
		  struct buf *out, int *status, struct err *err)
{
	struct spawn child = *what;
	uint64_t deadline = clock_ms() + timeout_ms;
	int ends[2];
	pid_t pid = -1;
	int ret;

	if (pipe2(ends, O_CLOEXEC))
		return err_errno(err, "pipe");
	child.fd[1] = ends[1];
	child.fd[2] = -1;
	child.own_group = true;
	ret = spawn_start(&child, &pid, err);
	close(ends[1]);
	if (!ret) {
		ret = drain(ends[0], max, deadline, out);
		if (!ret)
			ret = await_end(pid, deadline);
		if (ret) {
			kill(-pid, SIGKILL);
			err_set(err, -ret, "%s: %s", what->argv[0],
				strerror(-ret));
		}
		*status = spawn_wait(pid);
	}
	close(ends[0]);
	return ret;
}

char *spawn_status_text(int wait_status)
{
	if (WIFEXITED(wait_status))
		return xasprintf("exit status %d", WEXITSTATUS(wait_status));
	return xasprintf("killed by signal %d (%s)", WTERMSIG(wait_status),
			 strsignal(WTERMSIG(wait_status)));
}
