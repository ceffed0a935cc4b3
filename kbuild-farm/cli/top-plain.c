/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/top-plain.h"

#include "base/fs.h"
#include "base/list.h"
#include "base/str.h"
#include "cli/top-once.h"
#include "ui/plain.h"

#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#define NODES_MS 60000 /* from one table of the nodes to the next */

struct plain {
	struct ui_plain lines;
	char *prefix;
	bool said; /* what is built */
	uint64_t table_ms; /* when the nodes are due; 0: at once */
};

static void on_came(void *ctx, struct top_page *p)
{
	static const struct ui_plain_shows all = { true, true, true };
	struct plain *view = xcalloc(1, sizeof(*view));

	(void)ctx;
	p->view = view;
	ui_plain_init(&view->lines, STDOUT_FILENO, UI_PLAIN, &all, false,
		      &p->model);
	view->prefix = p->pid == TOP_NODES ?
			       xstrdup("") :
			       xasprintf("build %d: ", (int)p->pid);
	view->lines.prefix = view->prefix;
}

/* Once, when it is known what is built. */
static void say_what(struct plain *view, const struct top_page *p)
{
	const struct ui_model *m = &p->model;
	struct buf text = { 0 };

	if (view->said || !*m->what)
		return;
	view->said = true;
	buf_printf(&text, "%s%s", m->what, *m->arch ? ", " : "");
	ui_model_add_which(m, &text);
	buf_printf(&text, ": %s, %u jobs done", ui_model_phase(m),
		   ui_model_jobs_done(m));
	ui_plain_note(&view->lines, m->at_ms, buf_str(&text));
	buf_release(&text);
}

static void on_told(void *ctx, struct top_page *p,
		    const struct events_event *ev)
{
	struct plain *view = p->view;

	(void)ctx;
	/* What was before we came is not told again. */
	if (!p->whole || p->pid == TOP_NODES)
		return;
	say_what(view, p);
	ui_plain_tell(&view->lines, ev);
}

static void on_over(void *ctx, struct top_page *p)
{
	struct plain *view = p->view;
	const struct ui_model *m = &p->model;
	char *text;

	(void)ctx;
	if (p->why)
		text = xstrdup(p->why);
	else
		text = xasprintf("ended with status %lld: %u jobs, %u remote, "
				 "%u local, warnings %u, errors %u",
				 (long long)m->status, ui_model_jobs_done(m),
				 m->tally.remote, m->tally.local,
				 m->tally.warnings, m->tally.errors);
	ui_plain_note(&view->lines, top_now(p), text);
	free(text);
}

static void on_gone(void *ctx, struct top_page *p)
{
	struct plain *view = p->view;

	(void)ctx;
	ui_plain_release(&view->lines);
	free(view->prefix);
	free(view);
}

const struct top_ops top_plain_ops = {
	.came = on_came,
	.told = on_told,
	.over = on_over,
	.gone = on_gone,
};

static void show_nodes(struct top *t, struct plain *view, uint64_t now)
{
	view->table_ms = now + NODES_MS;
	top_once_text(stdout, t);
	fflush(stdout);
}

void top_plain_due(struct top *t)
{
	struct top_page *p;

	list_for_each(p, &t->pages, link) {
		struct plain *view = p->view;
		uint64_t now = top_now(p);

		if (p->pid != TOP_NODES && p->whole && !p->over)
			ui_plain_due(&view->lines, now);
		else if (p->pid == TOP_NODES && p->whole &&
			 now >= view->table_ms)
			show_nodes(t, view, now);
	}
}

/* ------------------------------------------------------------ the events */

static void on_line(void *ctx, struct top_page *p, struct bytes line)
{
	struct top *t = ctx;
	struct buf out = { 0 };

	if (t->error)
		return;
	/* An object with members: something follows the brace. */
	while (line.len && *line.data != '{')
		line = bytes_of(line.data + 1, line.len - 1);
	if (!line.len)
		return;
	buf_printf(&out, "{\"build\":%d,", (int)p->pid);
	buf_add(&out, line.data + 1, line.len - 1);
	buf_add_str(&out, "\n");
	t->error = -fs_write_all(STDOUT_FILENO, buf_bytes(&out));
	buf_release(&out);
	if (t->error)
		event_base_loopbreak(t->base);
}

const struct top_ops top_events_ops = { .line = on_line };
