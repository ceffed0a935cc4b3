/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/ask.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Larger files of the toolchain are not what a driver reads. */
#define SMALL (64u << 10)

struct agent_ask {
	char *within; /* the toolchain's directory */
	struct cell *cell;
	/* The question under way. */
	bool ended;
	struct cell_end end;
};

/* ---------------------------------------------------------------- files */

/* `size` 0: an empty one in its place. */
static int put_file(struct agent_ask *a, const char *path, const char *from,
		    uint64_t size, bool executable, struct err *err)
{
	int fd = open(size ? from : "/dev/null", O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return err_errno(err, "%s", from);
	ret = cell_put_file(a->cell, path, fd, size, executable, 0, err);
	close(fd);
	return ret;
}

static int put_kept(struct agent_ask *a, const struct agent_lease *l,
		    const struct compiler_entry *e, struct err *err)
{
	char *path = xasprintf("%s/%s", l->dir, e->path);
	uint64_t size = e->size <= SMALL ? e->size : 0;
	int ret;

	if (e->kind == COMPILER_LINK)
		ret = cell_put_link(a->cell, path, e->target, err);
	else if (e->kind == COMPILER_DIR)
		ret = cell_put_dir(a->cell, path, err);
	else
		ret = put_file(a, path, path, size, e->executable, err);
	free(path);
	return ret;
}

static int put_program(struct agent_ask *a, const struct compiler_entry *e,
		       struct err *err)
{
	if (e->kind == COMPILER_LINK)
		return cell_put_link(a->cell, e->path, e->target, err);
	if (e->kind == COMPILER_DIR)
		return cell_put_dir(a->cell, e->path, err);
	return put_file(a, e->path, e->path, e->size, e->executable, err);
}

static int fill(struct agent_ask *a, const struct agent_lease *l,
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

static void on_lost(void *ctx, const char *why)
{
	struct agent_ask *a = ctx;

	(void)why;
	a->ended = true;
	a->end.why = CELL_END_LOST;
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
		ret = fill(a, lease, program, driver, err);
	if (ret) {
		agent_ask_free(a);
		a = NULL;
	}
	*out = a;
	return ret;
}

void agent_ask_free(struct agent_ask *a)
{
	if (!a)
		return;
	cell_free(a->cell);
	free(a->within);
	free(a);
}

/* ------------------------------------------------------------- questions */

static void on_done(void *ctx, struct cell_run *run, const struct cell_end *end)
{
	struct agent_ask *a = ctx;

	(void)run;
	a->ended = true;
	a->end = *end;
}

/* What is there to be read; -EMSGSIZE: more than `max`. */
static int drain(int fd, size_t max, struct buf *said)
{
	for (;;) {
		uint8_t block[1 << 14];
		ssize_t n = read(fd, block, sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		if (said && said->len + (size_t)n > max)
			return -EMSGSIZE;
		if (said)
			buf_add(said, block, (size_t)n);
	}
}

/* An end of file would make poll() return at once, for ever: 10 ms. */
static int follow(struct agent_ask *a, struct cell_run *run, size_t max,
		  uint64_t deadline, struct buf *said)
{
	static const struct timespec rest = { .tv_nsec = 10000000 };
	struct pollfd p[] = {
		{ .fd = cell_fd(a->cell), .events = POLLIN },
		{ .fd = cell_run_pipe(run, 0), .events = POLLIN },
		{ .fd = cell_run_pipe(run, 1), .events = POLLIN },
	};
	int ret = 0;

	while (!a->ended && !ret) {
		uint64_t now = clock_ms();

		if (now >= deadline)
			return -ETIMEDOUT;
		poll(p, 3, (int)(deadline - now));
		if (!p[0].revents && ((p[1].revents | p[2].revents) & POLLHUP))
			nanosleep(&rest, NULL);
		cell_read(a->cell);
		ret = drain(p[1].fd, max, said);
		drain(p[2].fd, max, NULL);
	}
	return ret ? ret : drain(p[1].fd, max, said);
}

static int ended(const struct agent_ask *a, const char *name, int *status,
		 struct err *err)
{
	switch (a->end.why) {
	case CELL_END_ITSELF:
		*status = a->end.status;
		return 0;
	case CELL_END_FAILED:
		return err_set(err, a->end.error ? a->end.error : EIO,
			       "%s does not run here: %s", name, a->end.detail);
	default:
		return err_set(err, EIO, "%s: its sandbox is gone", name);
	}
}

static int ask(void *ctx, char *const *argv, char *const *env, size_t max,
	       unsigned timeout_ms, struct buf *said, int *status,
	       struct err *err)
{
	struct agent_ask *a = ctx;
	struct cell_job job = { .argv = argv,
				.cwd = CELL_TMP,
				.stdin_fd = -1,
				.done = on_done,
				.ctx = a };
	struct strv with = { 0 };
	struct cell_run *run;
	int ret;

	if (a->end.why == CELL_END_LOST)
		return err_set(err, EIO, "%s: its sandbox is gone", argv[0]);
	strv_add_all(&with, env);
	strv_add(&with, "TMPDIR=" CELL_TMP);
	job.env = with.v;
	a->ended = false;
	ret = cell_start(a->cell, &job, &run, err);
	strv_release(&with);
	if (ret)
		return ret;
	ret = follow(a, run, max, clock_ms() + timeout_ms, said);
	cell_run_free(run);
	if (ret)
		return err_set(err, -ret, "%s: %s", argv[0], strerror(-ret));
	return ended(a, argv[0], status, err);
}

struct compiler_runner agent_ask_runner(struct agent_ask *a)
{
	return (struct compiler_runner){ .run = ask,
					 .ctx = a,
					 .within = a->within };
}
