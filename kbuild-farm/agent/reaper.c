/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/reaper.h"

#include "agent/proc.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/str.h"

#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct watch {
	TAILQ_ENTRY(watch) link;
	pid_t pid;
	agent_reaper_fn *fn;
	void *ctx;
};

struct agent_reaper {
	struct event *sigchld;
	TAILQ_HEAD(, watch) watches;
};

static struct watch *find(struct agent_reaper *r, pid_t pid)
{
	struct watch *w;

	list_for_each(w, &r->watches, link) {
		if (w->pid == pid)
			return w;
	}
	return NULL;
}

static void collect(struct agent_reaper *r, pid_t pid)
{
	struct watch *w = find(r, pid);
	struct rusage used;
	int status;

	/* Not yet waited for, so its number still is its group's. */
	if (w)
		agent_proc_kill(pid);
	if (wait4(pid, &status, __WALL | __WNOTHREAD, &used) != pid || !w)
		return;
	TAILQ_REMOVE(&r->watches, w, link);
	w->fn(w->ctx, status, &used);
	free(w);
}

static void on_sigchld(evutil_socket_t fd, short what, void *arg)
{
	struct agent_reaper *r = arg;
	const int how = WEXITED | WNOHANG | WNOWAIT | __WALL | __WNOTHREAD;

	(void)fd;
	(void)what;
	for (;;) {
		siginfo_t info = { 0 };

		if (waitid(P_ALL, 0, &info, how) || !info.si_pid)
			return;
		collect(r, info.si_pid);
	}
}

struct agent_reaper *agent_reaper_new(struct event_base *base)
{
	struct agent_reaper *r = xcalloc(1, sizeof(*r));

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	TAILQ_INIT(&r->watches);
	r->sigchld = evsignal_new(base, SIGCHLD, on_sigchld, r);
	if (!r->sigchld || event_add(r->sigchld, NULL))
		str_out_of_memory();
	return r;
}

void agent_reaper_free(struct agent_reaper *r)
{
	struct watch *w;

	event_free(r->sigchld);
	while ((w = TAILQ_FIRST(&r->watches))) {
		TAILQ_REMOVE(&r->watches, w, link);
		free(w);
	}
	free(r);
}

void agent_reaper_watch(struct agent_reaper *r, pid_t pid, agent_reaper_fn *fn,
			void *ctx)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	*w = (struct watch){ .pid = pid, .fn = fn, .ctx = ctx };
	TAILQ_INSERT_TAIL(&r->watches, w, link);
}

void agent_reaper_end(struct agent_reaper *r, unsigned ms)
{
	uint64_t deadline = clock_ms() + ms;

	/* A process that is just being born may escape the first round. */
	while (agent_proc_kill_all()) {
		on_sigchld(-1, EV_SIGNAL, r);
		if (clock_ms() >= deadline)
			return;
		poll(NULL, 0, 2);
	}
}
