/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/remote.h"

#include "base/task.h"
#include "cli/progress.h"
#include "cli/settings.h"

#include <unistd.h>

struct watched {
	struct node_remote remote; /* the caller's, with our callbacks */
	const char *what;
	struct progress *progress;
	size_t row;
	size_t total; /* bytes that wait; 0: none */
	struct buf *out;
	struct err *err;
	int ret;
};

/* Not before it begins: until then the terminal is ssh's, for a question. */
static void note_sent(void *ctx, size_t left)
{
	struct watched *w = ctx;

	if (left > w->total)
		w->total = left;
	if (left)
		progress_set(w->progress, w->row, "sending", w->total - left,
			     w->total);
	else
		progress_set(w->progress, w->row, w->what, 0, 0);
}

static void run_watched(void *ctx, size_t i)
{
	struct watched *w = ctx;

	(void)i;
	w->ret = node_remote_run(&w->remote, w->out, w->err);
}

static void tick_watched(void *ctx)
{
	progress_tick(((struct watched *)ctx)->progress);
}

int remote_run(struct node_remote *r, const char *what, struct buf *out,
	       struct err *err)
{
	struct watched w = {
		.what = what, .progress = progress_new(), .out = out, .err = err
	};

	r->stop = settings_catch_signals();
	r->asks = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
	w.remote = *r;
	w.remote.on_sent = note_sent;
	w.remote.sent_ctx = &w;
	w.row = progress_add(w.progress, r->name);
	if (!r->asks)
		progress_set(w.progress, w.row, what, 0, 0);
	task_each(1, 1, run_watched, tick_watched, &w);
	progress_free(w.progress);
	return w.ret;
}
