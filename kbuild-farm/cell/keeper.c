/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three processes, with no exec between: kfarmd forks a maker, which enters the
 * namespaces, clones the keeper and exits; the keeper clones the jobs.  All of
 * it is system calls, for kfarmd has threads.
 */
#include "cell/keeper.h"

#include "base/clock.h"
#include "cell/cell.h"
#include "cell/landlock.h"
#include "cell/user.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCK 3 /* where our socket is */

struct job {
	pid_t pid; /* 0: this place is free */
	uint32_t id;
	uint64_t began; /* clock_ms() */
	uint64_t deadline; /* 0: none */
	bool overdue;
};

/* One keeper is one process; a stack would be too small for these. */
static struct job jobs[CELL_KEEPER_JOBS];
static char text[CELL_ARGS_MAX];
static char *strings[CELL_KEEPER_STRINGS + 2];
static const struct cell_keeper_plan *plan;
static int landlock;
static bool own_user;
static struct cell_user_range users;

static void send_msg(const struct cell_msg *m)
{
	/* kfarmd is gone, and nobody else needs this cell. */
	if (cell_msg_send(SOCK, m, NULL, 0, NULL, 0))
		_exit(0);
}

/* ------------------------------------------------------------------ jobs */

static struct job *free_place(void)
{
	for (size_t i = 0; i < CELL_KEEPER_JOBS; i++) {
		if (!jobs[i].pid)
			return &jobs[i];
	}
	return NULL;
}

static void kill_job(uint32_t id)
{
	for (size_t i = 0; i < CELL_KEEPER_JOBS; i++) {
		if (jobs[i].pid && jobs[i].id == id)
			kill(jobs[i].pid, SIGKILL);
	}
}

static void report_unstarted(uint32_t id, int error, const char *what)
{
	struct cell_msg m = { .type = CELL_MSG_FAILED, .id = id };

	errno = error;
	cell_space_fail(&m, "pid", what);
	send_msg(&m);
	m = (struct cell_msg){ .type = CELL_MSG_ENDED, .id = id };
	send_msg(&m);
}

/* Cut the `n` strings of `text` from *at on: where they begin, or NULL. */
static bool take_strings(char **out, size_t n, char **at, const char *end)
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

/* The job in the message and `len` bytes of `text`. */
static bool read_job(struct cell_jail *j, const struct cell_msg *m, size_t len,
		     const struct cell_msg_extra *extra)
{
	char *at = text + m->cpu_bytes, *cwd, *copy = NULL;
	unsigned n = 0;

	if (!m->argc || m->argc > CELL_KEEPER_STRINGS ||
	    m->envc > CELL_KEEPER_STRINGS - m->argc || m->cpu_bytes > len)
		return false;
	j->cpus = m->cpu_bytes ? text : NULL;
	j->cpu_bytes = m->cpu_bytes;
	j->argv = strings;
	j->env = strings + m->argc + 1;
	if (!take_strings(&cwd, 1, &at, text + len) ||
	    (m->fds & 1u << CELL_MSG_COPY &&
	     !take_strings(&copy, 1, &at, text + len)) ||
	    !take_strings(j->argv, m->argc, &at, text + len) ||
	    !take_strings(j->env, m->envc, &at, text + len))
		return false;
	j->argv[m->argc] = NULL;
	j->env[m->envc] = NULL;
	j->cwd = cwd;
	j->copy = copy;
	for (unsigned i = 0; i < CELL_MSG_FDS; i++) {
		j->fd[i] = -1;
		if (!(m->fds & 1u << i))
			continue;
		if (n == extra->n)
			return false;
		j->fd[i] = extra->fd[n++];
	}
	return true;
}

static void start_job(const struct cell_msg *m, size_t len,
		      const struct cell_msg_extra *extra)
{
	const unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
				    SIGCHLD;
	struct cell_jail j = {
		.sock = SOCK,
		.id = m->id,
		.self_test = m->self_test,
		.limits = &plan->job,
		.filter = plan->filter,
		.filter_n = plan->filter_n,
		.landlock = landlock,
		.own_user = own_user,
	};
	struct job *job = free_place();
	long pid;

	if (!read_job(&j, m, len, extra)) {
		report_unstarted(m->id, extra->n ? EPROTO : EMFILE, "start");
		return;
	}
	if (!job) {
		report_unstarted(m->id, EAGAIN, "too many jobs");
		return;
	}
	/*
	 * It shares no memory with us, so that it can unshare the user
	 * namespace.
	 */
	j.user = cell_user_of_job(&users, (size_t)(job - jobs));
	pid = syscall(SYS_clone, flags, 0, 0, 0, 0);
	if (!pid)
		cell_jail_run(&j);
	if (pid < 0) {
		report_unstarted(m->id, errno, "clone");
		return;
	}
	*job = (struct job){
		.pid = (pid_t)pid,
		.id = m->id,
		.began = clock_ms(),
	};
	if (m->deadline_ms)
		job->deadline = job->began + m->deadline_ms;
}

static uint32_t to_ms(const struct rusage *used)
{
	int64_t us = (used->ru_utime.tv_sec + used->ru_stime.tv_sec) *
			     (int64_t)1000000 +
		     used->ru_utime.tv_usec + used->ru_stime.tv_usec;

	return (uint32_t)(us / 1000);
}

/* All processes of a namespace are gone before its first one is. */
static void send_end(struct job *job, int status, const struct rusage *used)
{
	struct cell_msg m = {
		.type = CELL_MSG_ENDED,
		.id = job->id,
		.status = status,
		.overdue = job->overdue,
		.cpu_ms = to_ms(used),
		.wall_ms = (uint32_t)(clock_ms() - job->began),
		.peak_kib = (uint32_t)used->ru_maxrss,
	};

	job->pid = 0;
	send_msg(&m);
}

static void reap_jobs(int signals)
{
	struct signalfd_siginfo info;
	struct rusage used;
	int status;
	pid_t pid;

	while (read(signals, &info, sizeof(info)) == sizeof(info))
		;
	while ((pid = wait4(-1, &status, WNOHANG | __WALL, &used)) > 0) {
		for (size_t i = 0; i < CELL_KEEPER_JOBS; i++) {
			if (jobs[i].pid == pid)
				send_end(&jobs[i], status, &used);
		}
	}
}

/* Kill what is overdue: ms until the next one will be, -1: none. */
static int check_deadlines(void)
{
	uint64_t now = clock_ms(), next = UINT64_MAX;

	for (size_t i = 0; i < CELL_KEEPER_JOBS; i++) {
		struct job *job = &jobs[i];

		if (!job->pid || !job->deadline || job->overdue)
			continue;
		if (job->deadline <= now) {
			job->overdue = true;
			kill(job->pid, SIGKILL);
		} else if (job->deadline - now < next) {
			next = job->deadline - now;
		}
	}
	if (next == UINT64_MAX)
		return -1;
	return next > 60000 ? 60000 : (int)next;
}

/* ------------------------------------------------------------------ loop */

static void on_message(void)
{
	struct cell_msg_extra extra;
	struct cell_msg m;
	ssize_t n = cell_msg_receive(SOCK, &m, text, sizeof(text), &extra,
				     MSG_DONTWAIT);

	if (n == -EAGAIN)
		return;
	if (n < 0)
		_exit(0);
	if (m.type == CELL_MSG_START)
		start_job(&m, (size_t)n, &extra);
	else if (m.type == CELL_MSG_KILL)
		kill_job(m.id);
	cell_msg_close(&extra);
}

static void loop(int signals)
{
	for (;;) {
		struct pollfd p[] = {
			{ .fd = SOCK, .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
		};

		if (poll(p, 2, check_deadlines()) < 0 && errno != EINTR)
			_exit(1);
		if (p[1].revents)
			reap_jobs(signals);
		if (p[0].revents)
			on_message();
	}
}

static int watch_children(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void broken(struct cell_msg *m)
{
	m->type = CELL_MSG_BROKEN;
	cell_msg_send(SOCK, m, NULL, 0, NULL, 0);
	_exit(1);
}

/* May a job have a user namespace of its own? */
static bool may_nest(void)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	int status = 1;

	if (!pid)
		_exit(unshare(CLONE_NEWUSER) ? 1 : 0);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return !status;
}

static void keeper(void)
{
	struct cell_msg m = { .type = CELL_MSG_READY };
	struct cell_msg_extra extra;
	int fds[2], signals = watch_children();

	/*
	 * The maker has exited by now, so our parent is the subreaper, if there
	 * is one: when it dies, we die.
	 */
	if (cell_msg_receive(SOCK, &m, NULL, 0, &extra, 0) < 0 ||
	    m.type != CELL_MSG_GO)
		_exit(0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "kfarm-cell");
	m = (struct cell_msg){ .type = CELL_MSG_READY };
	if (signals < 0) {
		cell_space_fail(&m, "pid", "signalfd");
		broken(&m);
	}
	if (cell_space_build(&plan->space, &fds[0], &fds[1], &m))
		broken(&m);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) {
		cell_space_fail(&m, "no_new_privs", "prctl");
		broken(&m);
	}
	landlock = cell_landlock_abi();
	own_user = plan->counts && !users.n && may_nest();
	m.own_user = own_user;
	m.own_uid = users.n > 0;
	m.landlock = (uint32_t)landlock;
	if (cell_msg_send(SOCK, &m, NULL, 0, fds, 2))
		_exit(0);
	close(fds[0]);
	close(fds[1]);
	loop(signals);
}

/* ------------------------------------------------------------------ birth */

/* Nothing of the program that forked us stays open. */
static void shed_descriptors(int sock)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int at = fcntl(sock, F_DUPFD_CLOEXEC, 10);

	for (int i = 0; i < 3 && null >= 0; i++)
		dup2(null, i);
	dup3(at, SOCK, O_CLOEXEC);
	if (!syscall(SYS_close_range, SOCK + 1, ~0u, 0))
		return;
	/* Before Linux 5.9 */
	for (long i = SOCK + 1; i < sysconf(_SC_OPEN_MAX) && i < 1 << 20; i++)
		close((int)i);
}

void cell_keeper_main(const struct cell_keeper_plan *what)
{
	struct cell_msg m = { 0 };
	long pid;

	plan = what;
	cell_space_reset_signals();
	shed_descriptors(what->sock);
	setsid();
	if (cell_user_enter(&users, &m) || cell_space_enter(&m))
		broken(&m);
	pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	if (pid < 0) {
		cell_space_fail(&m, "pid", "clone");
		broken(&m);
	}
	if (!pid)
		keeper();
	_exit(0);
}
