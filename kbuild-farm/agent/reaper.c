/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/reaper.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct agent_reaper {
	struct event *sigchld;
};

/*
 * Children of other threads are left to these: a thread that starts a
 * process waits for it.  Returns 0, or -1 with errno when there are none.
 */
static int collect(void)
{
	int ret;

	do {
		siginfo_t info = { 0 };

		ret = waitid(P_ALL, 0, &info,
			     WEXITED | WNOHANG | __WALL | __WNOTHREAD);
		if (!ret && !info.si_pid)
			return 0;
	} while (!ret || errno == EINTR);
	return ret;
}

static void on_sigchld(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	collect();
}

struct agent_reaper *agent_reaper_new(struct event_base *base)
{
	struct agent_reaper *r = xcalloc(1, sizeof(*r));

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	r->sigchld = evsignal_new(base, SIGCHLD, on_sigchld, r);
	if (!r->sigchld || event_add(r->sigchld, NULL))
		str_out_of_memory();
	return r;
}

void agent_reaper_free(struct agent_reaper *r)
{
	event_free(r->sigchld);
	free(r);
}

void agent_reaper_end(struct agent_reaper *r, unsigned ms)
{
	uint64_t deadline = clock_ms() + ms;

	(void)r;
	while (!collect() && clock_ms() < deadline)
		poll(NULL, 0, 2);
}
