/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cell/cell.h"

#include "base/clock.h"
#include "base/spawn.h"
#include "cell/selftest.h"
#include "cell/state.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#define PATIENCE_MS 10000

struct outcome {
	struct cell_end end;
	bool done;
};

static void on_done(void *ctx, struct cell_run *run, const struct cell_end *end)
{
	struct outcome *o = ctx;

	(void)run;
	o->end = *end;
	o->done = true;
}

static int wait_for_end(struct cell *cell, const struct outcome *o)
{
	uint64_t deadline = clock_ms() + PATIENCE_MS;

	while (!o->done) {
		struct pollfd p = { .fd = cell_fd(cell), .events = POLLIN };
		uint64_t now = clock_ms();

		if (now >= deadline)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)(deadline - now)) > 0)
			cell_read(cell);
	}
	return 0;
}

/* What the job that tried to get out found. */
static int judge_selftest(const struct cell_end *end, struct err *err)
{
	const char *layer = NULL;
	char *text;

	if (end->why == CELL_END_FAILED)
		return err_set(err, end->error, "no sandbox: %.150s",
			       end->detail);
	if (end->why != CELL_END_ITSELF)
		return err_set(err, EIO, "no sandbox: the cell died");
	if (WIFSIGNALED(end->status) && WTERMSIG(end->status) == SIGSYS)
		return 0;
	if (WIFEXITED(end->status))
		layer = cell_selftest_layer(WEXITSTATUS(end->status));
	if (layer)
		return err_set(err, EPERM, "no sandbox: %s: does not hold",
			       layer);
	text = spawn_status_text(end->status);
	err_set(err, EIO, "no sandbox: its first job: %s", text);
	free(text);
	return -EIO;
}

static int run_selftest(struct cell *cell, struct err *err)
{
	char *argv[] = { "selftest", NULL }, *env[] = { NULL };
	struct outcome o = { 0 };
	struct cell_job job = {
		.argv = argv,
		.env = env,
		.cwd = CELL_TMP,
		.stdin_fd = -1,
		.done = on_done,
		.ctx = &o,
	};
	struct cell_run *run = NULL;
	int ret;

	cell->self_test = true;
	ret = cell_start(cell, &job, &run, err);
	if (ret)
		return ret;
	ret = wait_for_end(cell, &o);
	cell_run_free(run);
	if (ret)
		return err_set(err, -ret, "no sandbox: its first job hangs");
	return judge_selftest(&o.end, err);
}

void cell_check(struct cell_check *out)
{
	const struct cell_setup setup = {
		.limits = { .view_bytes = 1 << 20, .view_files = 64 },
	};
	struct cell *cell = NULL;
	struct err err = { 0 };
	int ret = cell_new(&cell, &setup, &err);

	*out = (struct cell_check){ 0 };
	if (!ret)
		ret = run_selftest(cell, &err);
	out->fit = !ret;
	if (ret)
		snprintf(out->why, sizeof(out->why), "%.*s",
			 (int)sizeof(out->why) - 1, err.text);
	else
		snprintf(out->layers, sizeof(out->layers), "%s",
			 cell_layers(cell));
	cell_free(cell);
}
