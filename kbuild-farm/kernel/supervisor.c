/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/supervisor.h"

#include "base/fs.h"
#include "base/process.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILL_TIMEOUT_US 250000
#define KILL_TRIES      400
#define KILL_US         1000
/* wait up to ten seconds for orphans */
#define ORPHAN_POLLS 1000
#define ORPHAN_US    10000

/* The signals sent to the group, in this order. */
static const int stop_signals[] = { SIGINT, SIGTERM, SIGKILL };
#define N_STOP_SIGNALS ARRAY_SIZE(stop_signals)

#define N_CAUGHT_SIGNALS \
	ARRAY_SIZE(((struct kernel_supervisor *)0)->signal_events)

static void send_next_signal(struct kernel_supervisor *m)
{
	static const struct timeval patience = { .tv_usec = KILL_TIMEOUT_US };

	if (m->group_pid <= 0 || m->n_signals_sent >= N_STOP_SIGNALS)
		return;
	kill(-m->group_pid, stop_signals[m->n_signals_sent++]);
	if (m->n_signals_sent < N_STOP_SIGNALS)
		evtimer_add(m->kill_timer, &patience);
}

static void on_kill_timeout(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	send_next_signal(ctx);
}

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
	struct kernel_supervisor *m = ctx;

	(void)what;
	if (number == SIGCHLD)
		return; /* only wakes the event loop */
	/* The second signal kills the group at once. */
	if (m->stop_signal) {
		m->n_signals_sent = N_STOP_SIGNALS - 1;
		send_next_signal(m);
	} else {
		m->stop_signal = number;
		kernel_supervisor_stop(m);
	}
}

void kernel_supervisor_stop(struct kernel_supervisor *m)
{
	bool first = !m->stopping;

	m->stopping = true;
	if (first && m->on_stop)
		m->on_stop(m->ctx);
	send_next_signal(m);
}

int kernel_supervisor_init(struct kernel_supervisor *m, struct event_base *base,
			   struct err *err)
{
	static const int caught[] = { SIGCHLD, SIGINT, SIGQUIT, SIGTERM,
				      SIGHUP };

	*m = (struct kernel_supervisor){ .base = base };
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	m->kill_timer = evtimer_new(base, on_kill_timeout, m);
	if (!m->kill_timer)
		return err_set(err, ENOMEM, "cannot create timer");
	for (size_t i = 0; i < N_CAUGHT_SIGNALS; i++) {
		if (caught[i] != SIGCHLD && spawn_is_ignored(caught[i]))
			continue;
		m->signal_events[i] = evsignal_new(base, caught[i], on_signal,
						   m);
		if (!m->signal_events[i] ||
		    evsignal_add(m->signal_events[i], NULL))
			return err_set(err, ENOMEM, "cannot watch signal %d",
				       caught[i]);
	}
	return 0;
}

/*
 * If make is killed, the makes that it started continue.  Send SIGTERM to them,
 * and wait for their end up to a time limit.  On SIGTERM, they delete partially
 * written targets.
 */
static void end_orphans(struct kernel_supervisor *m)
{
	kill(-m->group_pid, SIGTERM);
	for (int i = 0; i < ORPHAN_POLLS; i++) {
		while (waitpid(-m->group_pid, NULL, WNOHANG) > 0)
			;
		if (kill(-m->group_pid, 0))
			return;
		event_base_loop(m->base, EVLOOP_NONBLOCK);
		usleep(ORPHAN_US);
	}
}

int kernel_supervisor_run(struct kernel_supervisor *m, const struct spawn *what,
			  int *status, struct err *err)
{
	struct spawn group = *what;
	int ret;

	if (m->stopping)
		return -EINTR;
	group.own_group = true;
	ret = spawn_start(&group, &m->group_pid, err);
	if (ret) {
		m->group_pid = 0;
		return ret;
	}
	if (m->rundir)
		kernel_rundir_note_make(m->rundir, m->group_pid);
	*status = 127 << 8;
	while (waitpid(m->group_pid, status, WNOHANG) == 0) {
		if (event_base_loop(m->base, EVLOOP_ONCE) < 0)
			break;
	}
	/*
	 * A signal sent to both kfarm and make can end make before kfarm
	 * handles the signal, so handle pending events first.
	 */
	if (*status)
		event_base_loop(m->base, EVLOOP_NONBLOCK);
	evtimer_del(m->kill_timer);
	if (!m->stopping && WIFSIGNALED(*status))
		end_orphans(m);
	/* make has ended: kill the rest of its group without waiting. */
	if (m->stopping)
		kill(-m->group_pid, SIGKILL);
	m->group_pid = 0;
	m->n_signals_sent = 0;
	return m->stopping ? -EINTR : 0;
}

int kernel_supervisor_capture(struct kernel_supervisor *m,
			      const struct spawn *what, size_t max,
			      struct buf *out, int *status, struct err *err)
{
	struct spawn child = *what;
	int ret = fs_memfd_new(bytes_of("", 0), &child.stdio_fds[1], err);

	if (!ret)
		ret = kernel_supervisor_run(m, &child, status, err);
	if (!ret)
		ret = fs_memfd_read(child.stdio_fds[1], max, out, err);
	if (child.stdio_fds[1] >= 0)
		close(child.stdio_fds[1]);
	return ret;
}

int kernel_supervisor_wait(struct kernel_supervisor *m, const bool *flag)
{
	while (!*flag && !m->stopping) {
		if (event_base_loop(m->base, EVLOOP_ONCE) < 0)
			break;
	}
	return m->stopping ? -EINTR : 0;
}

void kernel_supervisor_kill_descendants(void)
{
	for (int i = 0; i < KILL_TRIES; i++) {
		struct strv names = { 0 };
		pid_t ended;
		long pid;

		/*
		 * This process, a subreaper, inherits the children of dead
		 * descendants.
		 */
		fs_list("/proc", &names);
		for (size_t n = 0; n < names.n; n++) {
			if (!str_parse_number(names.v[n], 2, 1L << 30, &pid) &&
			    process_parent_pid((pid_t)pid) == getpid())
				kill((pid_t)pid, SIGKILL);
		}
		strv_release(&names);
		do
			ended = waitpid(-1, NULL, WNOHANG);
		while (ended > 0);
		if (ended < 0)
			return;
		/*
		 * Wait until the kernel has made this process the parent of the
		 * killed processes' children.
		 */
		usleep(KILL_US);
	}
}

void kernel_supervisor_release(struct kernel_supervisor *m)
{
	for (size_t i = 0; i < N_CAUGHT_SIGNALS; i++) {
		if (m->signal_events[i])
			event_free(m->signal_events[i]);
	}
	if (m->kill_timer)
		event_free(m->kill_timer);
	*m = (struct kernel_supervisor){ 0 };
}
