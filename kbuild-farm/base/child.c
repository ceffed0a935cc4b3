/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/child.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/str.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

struct child {
	TAILQ_ENTRY(child) entry;
	pid_t pid; /* process and process group */
	bool exited; /* `pid` was reaped; other processes may be in its group */
	child_exit_fn *on_exit; /* NULL if no callback is due */
	void *ctx;
	bool is_ending; /* added by child_adopt_ending() */
	/* times at which the group gets SIGTERM and SIGKILL, or UINT64_MAX */
	uint64_t term_ms, kill_ms;
};

struct children {
	struct event *signal;
	struct event *timer; /* expires when the next signal is due */
	bool subreaper; /* reap orphaned descendants, too */
	sigset_t mask_before; /* signal mask that children_free() restores */
	TAILQ_HEAD(, child) list;
};

/*
 * Reap the other processes of a child's process group, such as the cc1 of a
 * killed compiler driver.  If this process is a subreaper, it becomes their
 * parent when the child exits.  Returns true if no process of the group is left
 * to reap.
 */
static bool reap_group(pid_t group)
{
	pid_t pid;

	do
		pid = waitpid(-group, NULL, WNOHANG);
	while (pid > 0);
	return pid < 0;
}

/*
 * Reap a child if it has exited.  If the child is ending, first kill the rest
 * of its group: once the child is reaped, the kernel can reuse the number of
 * the group.  Returns false if the child still runs.
 */
static bool reap_leader(const struct child *child, int *status,
			struct rusage *ru)
{
	siginfo_t info = { 0 };

	if (child->is_ending &&
	    !waitid(P_PID, (id_t)child->pid, &info,
		    WEXITED | WNOHANG | WNOWAIT) &&
	    info.si_pid == child->pid)
		kill(-child->pid, SIGKILL);
	return wait4(child->pid, status, WNOHANG, ru) == child->pid;
}

/*
 * Return the first child that has exited and was not reported yet, or NULL.  A
 * reported child remains in the list until its group is empty.
 */
static struct child *take_exited(struct children *all, int *status,
				 struct rusage *ru)
{
	struct child *child, *next;

	list_for_each_safe(child, &all->list, entry, next) {
		if (!child->exited && reap_leader(child, status, ru)) {
			child->exited = true;
			return child;
		}
		if (child->exited && reap_group(child->pid)) {
			TAILQ_REMOVE(&all->list, child, entry);
			free(child);
		}
	}
	return NULL;
}

/*
 * Reap all exited children of this thread, which include orphaned descendants.
 * __WNOTHREAD excludes the children of other threads, because each thread waits
 * for the processes that it starts.  Returns true if some children still run.
 */
static bool reap_orphans(void)
{
	int ret;

	do {
		siginfo_t info = { 0 };

		ret = waitid(P_ALL, 0, &info,
			     WEXITED | WNOHANG | __WALL | __WNOTHREAD);
		if (!ret && !info.si_pid)
			return true;
	} while (!ret || errno == EINTR);
	return false;
}

static void on_sigchld(evutil_socket_t sig, short what, void *arg)
{
	struct children *all = arg;
	struct child *child;
	struct rusage ru;
	int status;

	(void)sig;
	(void)what;
	/*
	 * A callback may start or kill other children, so restart the search
	 * after each call.
	 */
	while ((child = take_exited(all, &status, &ru))) {
		uint64_t cpu_us =
			(uint64_t)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) *
				1000000 +
			(uint64_t)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec);

		if (child->on_exit)
			child->on_exit(child->ctx, status, cpu_us / 1000);
	}
	if (all->subreaper)
		reap_orphans();
}

/*
 * Send the signals that are due.  Returns the time of the next signal, or
 * UINT64_MAX.
 */
static uint64_t send_due_signals(struct children *all)
{
	uint64_t now = clock_ms(), next = UINT64_MAX;
	struct child *child;

	list_for_each(child, &all->list, entry) {
		uint64_t *due = child->term_ms < child->kill_ms ?
					&child->term_ms :
					&child->kill_ms;

		if (child->exited)
			continue;
		if (now >= *due) {
			kill(-child->pid,
			     due == &child->term_ms ? SIGTERM : SIGKILL);
			*due = UINT64_MAX;
			due = &child->kill_ms;
		}
		if (*due < next)
			next = *due;
	}
	return next;
}

static void on_signal_due(evutil_socket_t fd, short what, void *arg)
{
	struct children *all = arg;
	uint64_t next = send_due_signals(all), now = clock_ms();
	uint64_t ms = next > now ? next - now : 0;

	(void)fd;
	(void)what;
	if (next < UINT64_MAX)
		event_add(all->timer,
			  &(struct timeval){
				  .tv_sec = (time_t)(ms / 1000),
				  .tv_usec = (suseconds_t)(ms % 1000) * 1000 });
}

struct children *children_new(struct event_base *base)
{
	struct children *all = xcalloc(1, sizeof(*all));
	sigset_t chld;

	TAILQ_INIT(&all->list);
	all->signal = evsignal_new(base, SIGCHLD, on_sigchld, all);
	all->timer = event_new(base, -1, 0, on_signal_due, all);
	if (!all->signal || !all->timer || event_add(all->signal, NULL))
		str_out_of_memory();
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	pthread_sigmask(SIG_UNBLOCK, &chld, &all->mask_before);
	return all;
}

void children_reap_orphans(struct children *all)
{
	all->subreaper = true;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void children_free(struct children *all)
{
	struct child *child;

	if (!all)
		return;
	list_for_each(child, &all->list, entry) {
		if (!child->exited)
			kill(-child->pid, SIGKILL);
	}
	while ((child = TAILQ_FIRST(&all->list))) {
		if (!child->exited)
			spawn_wait(child->pid);
		reap_group(child->pid);
		TAILQ_REMOVE(&all->list, child, entry);
		free(child);
	}
	event_free(all->signal);
	event_free(all->timer);
	pthread_sigmask(SIG_SETMASK, &all->mask_before, NULL);
	free(all);
}

static struct child *add_child(struct children *all, pid_t pid)
{
	struct child *child = xcalloc(1, sizeof(*child));

	child->pid = pid;
	child->term_ms = child->kill_ms = UINT64_MAX;
	TAILQ_INSERT_TAIL(&all->list, child, entry);
	return child;
}

pid_t child_pid(const struct child *child)
{
	return child->pid;
}

void child_adopt(struct children *all, pid_t pid)
{
	add_child(all, pid);
}

void child_adopt_ending(struct children *all, pid_t pid, unsigned term_ms,
			unsigned kill_ms)
{
	struct child *child = add_child(all, pid);
	uint64_t now = clock_ms();

	child->is_ending = true;
	child->term_ms = now + term_ms;
	child->kill_ms = now + kill_ms;
	on_signal_due(-1, 0, all);
}

bool children_has(const struct children *all, pid_t pid)
{
	const struct child *child;

	list_for_each(child, &all->list, entry) {
		if (child->pid == pid)
			return true;
	}
	return false;
}

bool children_wait(struct children *all, unsigned timeout_ms)
{
	uint64_t end = clock_ms() + timeout_ms;
	struct rusage ru;
	sigset_t chld;
	int status;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &chld, NULL);
	for (;;) {
		struct child *child;
		struct timespec left = { 0 };
		uint64_t now = clock_ms(), next = send_due_signals(all);

		do
			child = take_exited(all, &status, &ru);
		while (child);
		if (now >= end || (TAILQ_EMPTY(&all->list) &&
				   !(all->subreaper && reap_orphans())))
			break;
		if (next > end)
			next = end;
		next = next > now ? next - now : 0;
		left.tv_nsec = (long)(next % 1000) * 1000000;
		left.tv_sec = (time_t)(next / 1000);
		sigtimedwait(&chld, NULL, &left);
	}
	pthread_sigmask(SIG_UNBLOCK, &chld, NULL);
	return TAILQ_EMPTY(&all->list);
}

int child_start(struct children *all, const struct spawn *what,
		child_exit_fn *on_exit, void *ctx, struct child **out,
		struct err *err)
{
	struct spawn spawn = *what;
	struct child *child;
	pid_t pid;
	int ret;

	spawn.own_group = true;
	spawn.killed_with_parent = true;
	ret = spawn_start(&spawn, &pid, err);
	if (ret)
		return ret;
	child = add_child(all, pid);
	child->on_exit = on_exit;
	child->ctx = ctx;
	*out = child;
	return 0;
}

void child_kill_notify(struct child *child)
{
	kill(-child->pid, SIGKILL);
}

void child_kill(struct child *child)
{
	child->on_exit = NULL;
	child_kill_notify(child);
}
