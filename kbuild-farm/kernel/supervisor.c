/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/supervisor.h"

#include "base/fs.h"
#include "base/process.h"
#include "base/str.h"
#include "base/vec.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
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

/* List the children of this process.  The caller frees *out. */
static void list_own_children(pid_t **out, size_t *n)
{
	struct strv names = { 0 };
	siginfo_t info;
	long pid;

	/* The search takes milliseconds, so skip it if no child exists. */
	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT))
		return;
	fs_list("/proc", &names);
	for (size_t i = 0; i < names.n; i++) {
		if (!str_parse_number(names.v[i], 2, 1L << 30, &pid) &&
		    process_parent_pid((pid_t)pid) == getpid())
			*VEC_ADD(*out, *n) = (pid_t)pid;
	}
	strv_release(&names);
}

int kernel_supervisor_init(struct kernel_supervisor *m, struct event_base *base,
			   struct err *err)
{
	static const int caught[] = { SIGCHLD, SIGINT, SIGQUIT, SIGTERM,
				      SIGHUP };

	*m = (struct kernel_supervisor){ .base = base };
	signal(SIGPIPE, SIG_IGN);
	list_own_children(&m->inherited, &m->n_inherited);
	prctl(PR_GET_CHILD_SUBREAPER, &m->was_subreaper);
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
 * Return true if the child has exited, with its status in *info.  Does not reap
 * the child.
 */
static bool is_waitable(pid_t pid, siginfo_t *info)
{
	*info = (siginfo_t){ 0 };
	return waitid(P_PID, (id_t)pid, info, WEXITED | WNOHANG | WNOWAIT) ||
	       info->si_pid;
}

/* Wait until the group is empty, up to a time limit. */
static void await_orphans(struct kernel_supervisor *m)
{
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
	bool orphaned;
	siginfo_t info;
	int ret;

	if (m->stopping)
		return -EINTR;
	/*
	 * In a background group of this session, a program that reads the
	 * terminal, for example for a passphrase, would stop for ever.  Without
	 * a terminal, it fails.
	 */
	group.own_session = true;
	ret = spawn_start(&group, &m->group_pid, err);
	if (ret) {
		m->group_pid = 0;
		return ret;
	}
	if (m->rundir)
		kernel_rundir_note_make(m->rundir, m->group_pid);
	*status = 127 << 8;
	while (!is_waitable(m->group_pid, &info)) {
		if (event_base_loop(m->base, EVLOOP_ONCE) < 0)
			break;
	}
	/*
	 * A signal sent to both kfarm and make can end make before kfarm
	 * handles the signal, so handle pending events first.
	 */
	if (info.si_status)
		event_base_loop(m->base, EVLOOP_NONBLOCK);
	evtimer_del(m->kill_timer);
	orphaned = !m->stopping &&
		   (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED);
	/*
	 * Signal the rest of the group before make is reaped, because the group
	 * can then be empty and another group can get its number.  If make is
	 * killed, the makes that it started continue.  On SIGTERM, they delete
	 * partially written targets.
	 */
	if (m->stopping || orphaned)
		kill(-m->group_pid, orphaned ? SIGTERM : SIGKILL);
	waitpid(m->group_pid, status, WNOHANG);
	if (orphaned)
		await_orphans(m);
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

static bool is_inherited(const struct kernel_supervisor *m, pid_t pid)
{
	for (size_t i = 0; i < m->n_inherited; i++) {
		if (m->inherited[i] == pid)
			return true;
	}
	return false;
}

void kernel_supervisor_kill_descendants(const struct kernel_supervisor *m)
{
	for (int i = 0; i < KILL_TRIES; i++) {
		pid_t *children = NULL;
		size_t n = 0, n_own = 0;

		/*
		 * This process, a subreaper, inherits the children of dead
		 * descendants.
		 */
		list_own_children(&children, &n);
		for (size_t k = 0; k < n; k++) {
			if (is_inherited(m, children[k]))
				continue;
			kill(children[k], SIGKILL);
			waitpid(children[k], NULL, WNOHANG);
			n_own++;
		}
		free(children);
		if (!n_own)
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
	prctl(PR_SET_CHILD_SUBREAPER, m->was_subreaper);
	free(m->inherited);
	*m = (struct kernel_supervisor){ 0 };
}
