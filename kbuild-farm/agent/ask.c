/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/ask.h"

#include "agent/inode.h"
#include "agent/run.h"
#include "base/str.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

/* Larger files of the toolchain are not what a driver reads. */
#define SMALL (64u << 10)

struct agent_ask {
	char *within; /* the toolchain's directory */
	struct cell *cell;
	struct event_base *base; /* of the calling thread alone */
	struct event *readable;
	struct event *late;
	bool lost;
	bool answered; /* the question under way */
};

/* ---------------------------------------------------------------- files */

static int put_kept(struct agent_ask *a, const struct agent_lease *l,
		    const struct compiler_entry *e, struct err *err)
{
	char *path = xasprintf("%s/%s", l->dir, e->path);
	struct wire_inode inode = agent_inode_of(e);
	const char *from = path;
	int ret;

	if (e->size > SMALL) {
		inode.size = 0;
		from = "/dev/null";
	}
	ret = agent_inode_put_from(a->cell, path, &inode, from, err);
	free(path);
	return ret;
}

static int put_program(struct agent_ask *a, const struct compiler_entry *e,
		       struct err *err)
{
	struct wire_inode inode = agent_inode_of(e);

	return agent_inode_put_from(a->cell, e->path, &inode, e->path, err);
}

static int fill_cell(struct agent_ask *a, const struct agent_lease *l,
		     const struct compiler_entries *program, const char *driver,
		     struct err *err)
{
	int ret = 0;

	for (size_t i = 0; i < l->record.entries.n && !ret; i++)
		ret = put_kept(a, l, &l->record.entries.v[i], err);
	for (size_t i = 0; i < program->n && !ret; i++)
		ret = put_program(a, &program->v[i], err);
	if (!ret)
		ret = cell_freeze(a->cell, driver, err);
	return ret;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct agent_ask *a = arg;

	(void)fd;
	(void)what;
	cell_read(a->cell);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct agent_ask *a = arg;

	(void)fd;
	(void)what;
	event_base_loopbreak(a->base);
}

static void on_lost(void *ctx, const char *why)
{
	struct agent_ask *a = ctx;

	(void)why;
	a->lost = true;
	if (a->readable)
		event_del(a->readable);
}

int agent_ask_new(struct agent_ask **out, const struct agent_lease *lease,
		  const struct compiler_entries *program, const char *driver,
		  const struct cell_limits *limits, struct err *err)
{
	struct agent_ask *a = xcalloc(1, sizeof(*a));
	struct cell_setup setup = { .limits = *limits,
				    .lost = on_lost,
				    .ctx = a };
	int ret = cell_new(&a->cell, &setup, err);

	a->within = xstrdup(lease->dir);
	if (!ret)
		ret = fill_cell(a, lease, program, driver, err);
	if (ret) {
		agent_ask_free(a);
		*out = NULL;
		return ret;
	}
	a->base = event_base_new();
	if (!a->base)
		str_out_of_memory();
	a->readable = event_new(a->base, cell_fd(a->cell), EV_READ | EV_PERSIST,
				on_readable, a);
	a->late = evtimer_new(a->base, on_late, a);
	if (!a->readable || !a->late || event_add(a->readable, NULL))
		str_out_of_memory();
	*out = a;
	return 0;
}

void agent_ask_free(struct agent_ask *a)
{
	if (!a)
		return;
	cell_free(a->cell);
	if (a->base) {
		event_free(a->readable);
		event_free(a->late);
		event_base_free(a->base);
	}
	free(a->within);
	free(a);
}

/* ------------------------------------------------------------- questions */

static void on_answer(void *ctx)
{
	struct agent_ask *a = ctx;

	a->answered = true;
	event_base_loopbreak(a->base);
}

/* -EMSGSIZE, or its status and its output. */
static int take_answer(struct agent_run *run, const char *name, size_t max,
		       struct buf *out, int *status, struct err *err)
{
	const struct cell_end *end = &run->end;
	const struct buf *got = &run->output[0];

	if (run->overflowed || got->len > max)
		return err_set(err, EMSGSIZE, "%s: %s", name,
			       strerror(EMSGSIZE));
	if (end->why == CELL_END_FAILED)
		return err_set(err, end->error ? end->error : EIO,
			       "%s does not run here: %s", name, end->detail);
	if (end->why != CELL_END_ITSELF)
		return err_set(err, EIO, "%s: its sandbox is gone", name);
	buf_add_bytes(out, buf_bytes(got));
	*status = end->status;
	return 0;
}

static int put_question(void *ctx, char *const *argv, char *const *env,
			size_t max, unsigned timeout_ms, struct buf *out,
			int *status, struct err *err)
{
	const struct timeval patience = { timeout_ms / 1000,
					  timeout_ms % 1000 * 1000 };
	struct agent_ask *a = ctx;
	struct cell_job job = { .argv = argv, .cwd = CELL_TMP, .stdin_fd = -1 };
	struct strv with = { 0 };
	struct agent_run *run;
	int ret;

	if (a->lost)
		return err_set(err, EIO, "%s: its sandbox is gone", argv[0]);
	strv_add_all(&with, env);
	strv_add(&with, "TMPDIR=" CELL_TMP);
	job.env = with.v;
	a->answered = false;
	ret = agent_run_start(&run, a->base, a->cell, &job, NULL, on_answer, a,
			      err);
	strv_release(&with);
	if (ret)
		return ret;
	event_add(a->late, &patience);
	event_base_dispatch(a->base);
	event_del(a->late);
	ret = a->answered ? take_answer(run, argv[0], max, out, status, err) :
			    err_set(err, ETIMEDOUT, "%s: %s", argv[0],
				    strerror(ETIMEDOUT));
	agent_run_free(run);
	return ret;
}

struct compiler_runner agent_ask_runner(struct agent_ask *a)
{
	return (struct compiler_runner){ .run = put_question,
					 .ctx = a,
					 .within = a->within };
}
