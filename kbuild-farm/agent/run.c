/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/run.h"

#include "agent/proc.h"
#include "agent/reaper.h"
#include "base/clock.h"
#include "base/spawn.h"
#include "base/str.h"
#include "wire/msg.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define FILE_MIB   256
#define PATIENCE_S 1 /* for a pipe that somebody keeps open */

struct run_state {
	struct event *pipe[2]; /* NULL once read to the end */
	struct event *timer; /* the deadline, then our patience */
	struct event *done; /* so that done() never comes from a call */
	void (*fn)(void *ctx);
	void *ctx;
	uint64_t started; /* clock_ms() */
};

static void kill_for(struct agent_run *run, enum agent_run_end why)
{
	if (!run->pid || run->end != AGENT_RUN_ITSELF)
		return;
	run->end = why;
	agent_proc_kill(run->pid);
}

static void close_pipe(struct run_state *st, int i)
{
	if (!st->pipe[i])
		return;
	close(event_get_fd(st->pipe[i]));
	event_free(st->pipe[i]);
	st->pipe[i] = NULL;
}

static void check_done(struct agent_run *run)
{
	struct run_state *st = run->state;

	if (!run->pid && !st->pipe[0] && !st->pipe[1])
		event_active(st->done, EV_TIMEOUT, 0);
}

static void on_done(evutil_socket_t fd, short what, void *arg)
{
	struct agent_run *run = arg;

	(void)fd;
	(void)what;
	run->state->fn(run->state->ctx);
}

/* What is said beyond the limit is read and dropped, while it dies. */
static void on_pipe(evutil_socket_t fd, short what, void *arg)
{
	struct agent_run *run = arg;
	struct run_state *st = run->state;
	int i = st->pipe[0] && event_get_fd(st->pipe[0]) == fd ? 0 : 1;
	struct buf *said = &run->said[i];
	uint8_t block[1 << 16];
	ssize_t n = read(fd, block, sizeof(block));

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_pipe(st, i);
		check_done(run);
	} else if (said->len + (size_t)n > WIRE_DIAG_MAX) {
		kill_for(run, AGENT_RUN_TALKED);
	} else {
		buf_add(said, block, (size_t)n);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct agent_run *run = arg;

	(void)fd;
	(void)what;
	if (run->pid) {
		kill_for(run, AGENT_RUN_DEADLINE);
		return;
	}
	close_pipe(run->state, 0);
	close_pipe(run->state, 1);
	check_done(run);
}

static uint32_t to_ms(const struct timeval *tv)
{
	return (uint32_t)(tv->tv_sec * 1000 + tv->tv_usec / 1000);
}

static void on_exit_of(void *arg, int status, const struct rusage *used)
{
	struct agent_run *run = arg;
	struct timeval patience = { .tv_sec = PATIENCE_S };

	run->pid = 0;
	run->status = status;
	run->wall_ms = (uint32_t)(clock_ms() - run->state->started);
	run->cpu_ms = to_ms(&used->ru_utime) + to_ms(&used->ru_stime);
	run->peak_kib = (uint32_t)used->ru_maxrss;
	event_add(run->state->timer, &patience);
	check_done(run);
}

static struct event *must(struct event *ev)
{
	if (!ev)
		str_out_of_memory();
	return ev;
}

/* Both ends of the two pipes: reading in `ours`, writing in `theirs`. */
static int open_pipes(int ours[2], int theirs[2], struct err *err)
{
	for (int i = 0; i < 2; i++) {
		int fd[2];

		if (pipe2(fd, O_CLOEXEC)) {
			int ret = err_errno(err, "pipe");

			if (i)
				close(ours[0]);
			if (i)
				close(theirs[0]);
			return ret;
		}
		fcntl(fd[0], F_SETFL, O_NONBLOCK);
		ours[i] = fd[0];
		theirs[i] = fd[1];
	}
	return 0;
}

static struct agent_run *new_run(struct event_base *base,
				 const struct agent_run_plan *plan, pid_t pid,
				 const int fds[2])
{
	struct agent_run *run = xcalloc(1, sizeof(*run));
	struct run_state *st = xcalloc(1, sizeof(*st));
	struct timeval deadline = {
		.tv_sec = plan->deadline_ms / 1000,
		.tv_usec = plan->deadline_ms % 1000 * 1000,
	};

	run->pid = pid;
	run->state = st;
	st->fn = plan->done;
	st->ctx = plan->ctx;
	st->started = clock_ms();
	st->done = must(event_new(base, -1, 0, on_done, run));
	st->timer = must(evtimer_new(base, on_timer, run));
	event_add(st->timer, &deadline);
	for (int i = 0; i < 2; i++) {
		st->pipe[i] = must(event_new(base, fds[i], EV_READ | EV_PERSIST,
					     on_pipe, run));
		event_add(st->pipe[i], NULL);
	}
	return run;
}

int agent_run_start(struct agent_run **out, struct event_base *base,
		    struct agent_reaper *reaper,
		    const struct agent_run_plan *plan, struct err *err)
{
	int ours[2] = { -1, -1 }, theirs[2] = { -1, -1 }, ret;
	struct spawn what = {
		.argv = plan->argv,
		.env = plan->env,
		.cwd = plan->dir,
		.own_group = true,
		.dies_with_us = true,
		.cpu_seconds = plan->deadline_ms / 1000 + 1,
		.file_mib = FILE_MIB,
	};
	pid_t pid;

	ret = open_pipes(ours, theirs, err);
	if (ret)
		return ret;
	what.fd[0] = -1;
	what.fd[1] = theirs[0];
	what.fd[2] = theirs[1];
	ret = spawn_start(&what, &pid, err);
	close(theirs[0]);
	close(theirs[1]);
	if (ret) {
		close(ours[0]);
		close(ours[1]);
		return ret;
	}
	*out = new_run(base, plan, pid, ours);
	agent_reaper_watch(reaper, pid, on_exit_of, *out);
	return 0;
}

void agent_run_kill(struct agent_run *run)
{
	kill_for(run, AGENT_RUN_KILLED);
}

uint32_t agent_run_cpu_ms(const struct agent_run *run)
{
	return run->pid ? agent_proc_cpu_ms(run->pid) : run->cpu_ms;
}

void agent_run_free(struct agent_run *run)
{
	struct run_state *st = run->state;

	close_pipe(st, 0);
	close_pipe(st, 1);
	event_free(st->timer);
	event_free(st->done);
	free(st);
	buf_release(&run->said[0]);
	buf_release(&run->said[1]);
	free(run);
}
