/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/make.h"

#include "base/fs.h"
#include "base/process.h"
#include "base/str.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_US 250000
#define KILLS       400
#define KILL_US     1000
/* Ten seconds in all. */
#define ORPHAN_LOOKS 1000
#define ORPHAN_US    10000

/* The signals that the group gets, one after the other. */
static const int harder[] = { SIGINT, SIGTERM, SIGKILL };
#define HARDEST (sizeof(harder) / sizeof(*harder))

#define SIGNALS (sizeof(((struct kernel_maker *)0)->signals) / sizeof(void *))

static void ask_to_end(struct kernel_maker *m)
{
	static const struct timeval patience = { .tv_usec = PATIENCE_US };

	if (m->pid <= 0 || m->asked >= HARDEST)
		return;
	kill(-m->pid, harder[m->asked++]);
	if (m->asked < HARDEST)
		evtimer_add(m->patience, &patience);
}

static void on_patience(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	ask_to_end(ctx);
}

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
	struct kernel_maker *m = ctx;

	(void)what;
	if (number == SIGCHLD)
		return; /* it only wakes the loop */
	/* The second signal is for real. */
	if (m->stopped_by) {
		m->asked = HARDEST - 1;
		ask_to_end(m);
	} else {
		m->stopped_by = number;
		kernel_maker_stop(m);
	}
}

void kernel_maker_stop(struct kernel_maker *m)
{
	bool first = !m->stopping;

	m->stopping = true;
	if (first && m->on_stop)
		m->on_stop(m->ctx);
	ask_to_end(m);
}

int kernel_maker_init(struct kernel_maker *m, struct event_base *base,
		      struct err *err)
{
	static const int caught[] = { SIGCHLD, SIGINT, SIGQUIT, SIGTERM,
				      SIGHUP };

	*m = (struct kernel_maker){ .base = base };
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	m->patience = evtimer_new(base, on_patience, m);
	if (!m->patience)
		return err_set(err, ENOMEM, "event loop: no timer");
	for (size_t i = 0; i < SIGNALS; i++) {
		if (caught[i] != SIGCHLD && spawn_ignores(caught[i]))
			continue;
		m->signals[i] = evsignal_new(base, caught[i], on_signal, m);
		if (!m->signals[i] || evsignal_add(m->signals[i], NULL))
			return err_set(err, ENOMEM, "event loop: no signal %d",
				       caught[i]);
	}
	return 0;
}

/*
 * make was killed, and the makes that it had started go on by themselves: asked
 * to end, they take away what they have made only in part.
 */
static void end_orphans(struct kernel_maker *m)
{
	kill(-m->pid, SIGTERM);
	for (int i = 0; i < ORPHAN_LOOKS; i++) {
		while (waitpid(-m->pid, NULL, WNOHANG) > 0)
			;
		if (kill(-m->pid, 0))
			return;
		event_base_loop(m->base, EVLOOP_NONBLOCK);
		usleep(ORPHAN_US);
	}
}

static void wait_for_group(struct kernel_maker *m, int *status)
{
	while (waitpid(m->pid, status, WNOHANG) == 0) {
		if (event_base_loop(m->base, EVLOOP_ONCE) < 0)
			break;
	}
	evtimer_del(m->patience);
	if (!m->stopping && WIFSIGNALED(*status))
		end_orphans(m);
	/* make has ended; the rest of its group is killed, not waited for. */
	if (m->stopping)
		kill(-m->pid, SIGKILL);
	m->pid = 0;
	m->asked = 0;
}

int kernel_maker_run(struct kernel_maker *m, const struct spawn *what,
		     int *status, struct err *err)
{
	struct spawn group = *what;
	int ret;

	if (m->stopping)
		return -EINTR;
	group.own_group = true;
	ret = spawn_start(&group, &m->pid, err);
	if (ret) {
		m->pid = 0;
		return ret;
	}
	if (m->rundir)
		kernel_rundir_note_make(m->rundir, m->pid);
	*status = 127 << 8;
	wait_for_group(m, status);
	return m->stopping ? -EINTR : 0;
}

int kernel_maker_capture(struct kernel_maker *m, const struct spawn *what,
			 size_t max, struct buf *out, int *status,
			 struct err *err)
{
	struct spawn child = *what;
	int ret = fs_memory(bytes_of("", 0), &child.fd[1], err);

	if (!ret)
		ret = kernel_maker_run(m, &child, status, err);
	if (!ret)
		ret = fs_memory_read(child.fd[1], max, out, err);
	if (child.fd[1] >= 0)
		close(child.fd[1]);
	return ret;
}

int kernel_maker_wait(struct kernel_maker *m, const bool *flag)
{
	while (!*flag && !m->stopping) {
		if (event_base_loop(m->base, EVLOOP_ONCE) < 0)
			break;
	}
	return m->stopping ? -EINTR : 0;
}

/* Children of children come to us once their parents are dead. */
static void kill_children(void)
{
	struct strv names = { 0 };
	long pid;

	fs_list("/proc", &names);
	for (size_t i = 0; i < names.n; i++) {
		if (!str_number(names.v[i], 2, 1L << 30, &pid) &&
		    process_parent((pid_t)pid) == getpid())
			kill((pid_t)pid, SIGKILL);
	}
	strv_release(&names);
}

void kernel_maker_kill_rest(void)
{
	for (int i = 0; i < KILLS; i++) {
		pid_t pid;

		kill_children();
		do
			pid = waitpid(-1, NULL, WNOHANG);
		while (pid > 0);
		if (pid < 0)
			return;
		/* Children of those just killed come to us in a moment. */
		usleep(KILL_US);
	}
}

void kernel_maker_release(struct kernel_maker *m)
{
	for (size_t i = 0; i < SIGNALS; i++) {
		if (m->signals[i])
			event_free(m->signals[i]);
	}
	if (m->patience)
		event_free(m->patience);
	*m = (struct kernel_maker){ 0 };
}
