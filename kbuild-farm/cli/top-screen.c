/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/top-screen.h"

#include "base/list.h"
#include "base/str.h"
#include "cli/console.h"

#include <stdlib.h>

struct top_screen {
	struct top *top;
	struct console *console;
	struct top_page *page; /* that is shown; NULL: none */
	struct ui_model nothing; /* then */
	char *title; /* or NULL */
};

/* ------------------------------------------------------- the line on top */

static void put_page_name(struct buf *out, const struct top_page *p)
{
	if (p->pid == TOP_NODES) {
		buf_add_str(out, "nodes");
		return;
	}
	buf_printf(out, "%d %s", (int)p->pid, p->model.what);
	if (*p->model.arch)
		buf_add_str(out, " ");
	ui_model_add_which(&p->model, out);
}

static void put_all_pages(struct buf *out, const struct top_screen *s)
{
	const struct top_page *p;

	list_for_each(p, &s->top->pages, link) {
		buf_add_str(out, p == s->page ? "[" : " ");
		put_page_name(out, p);
		buf_add_str(out, p == s->page ? "]" : " ");
	}
}

static void put_end(struct buf *out, const struct top_page *p)
{
	if (p->why)
		buf_printf(out, "build %d: %s", (int)p->pid, p->why);
	else
		buf_printf(out, "build %d has ended with status %lld",
			   (int)p->pid, (long long)p->model.status);
	buf_add_str(out, "; q leaves, the next build is shown when it begins");
}

/* One page needs none, unless it is over. */
static char *make_title(const struct top_screen *s)
{
	const struct top_page *p = s->page;
	struct buf out = { 0 };

	if (p && p->over)
		put_end(&out, p);
	if (s->top->n_pages > 1) {
		buf_add_str(&out, out.len ? "  " : "");
		put_all_pages(&out, s);
	}
	return out.len ? buf_steal(&out) : NULL;
}

static void show_page(struct top_screen *s, struct top_page *p)
{
	char *before = s->title;

	s->page = p;
	s->title = make_title(s);
	console_set_model(s->console, p ? &p->model : &s->nothing, s->title);
	free(before);
}

/* ---------------------------------------------------------------- events */

static bool is_of_interest(const struct top_page *p)
{
	return p && !p->over && p->pid != TOP_NODES;
}

static void on_came(void *ctx, struct top_page *p)
{
	struct top_screen *s = ctx;

	/* What somebody looks at is not taken away; the end of a build is. */
	show_page(s,
		  !s->page || (is_of_interest(p) && !is_of_interest(s->page)) ?
			  p :
			  s->page);
}

static void on_told(void *ctx, struct top_page *p,
		    const struct events_event *ev)
{
	struct top_screen *s = ctx;

	if (ev->kind == EVENTS_BUILD)
		show_page(s, s->page);
	else if (p == s->page)
		console_changed(s->console);
}

static void on_again(void *ctx, struct top_page *p)
{
	struct top_screen *s = ctx;

	if (p == s->page)
		show_page(s, p);
}

static void on_over(void *ctx, struct top_page *p)
{
	struct top_screen *s = ctx;

	(void)p;
	show_page(s, s->page);
}

static void on_gone(void *ctx, struct top_page *p)
{
	struct top_screen *s = ctx;

	show_page(s, p == s->page ? TAILQ_FIRST(&s->top->pages) : s->page);
}

const struct top_ops top_screen_ops = {
	.came = on_came,
	.told = on_told,
	.again = on_again,
	.over = on_over,
	.gone = on_gone,
};

/* ----------------------------------------------------------------- keys */

static void on_asked(void *ctx, enum ui_view_ask what, const char *node)
{
	struct top_screen *s = ctx;
	struct top_page *p = s->page;

	(void)node;
	if (what == UI_ASK_LEAVE)
		event_base_loopbreak(s->top->base);
	if (!p)
		return;
	if (what == UI_ASK_NEXT) {
		p = TAILQ_NEXT(p, link);
		show_page(s, p ? p : TAILQ_FIRST(&s->top->pages));
	} else if (what == UI_ASK_PREVIOUS) {
		p = TAILQ_PREV(p, top_pages, link);
		show_page(s, p ? p : TAILQ_LAST(&s->top->pages, top_pages));
	}
}

static uint64_t page_now(void *ctx)
{
	const struct top_screen *s = ctx;

	return s->page ? top_now(s->page) : 0;
}

int top_screen_new(struct top_screen **out, struct top *t, bool color,
		   struct err *err)
{
	struct top_screen *s = xcalloc(1, sizeof(*s));
	struct console_setup setup = { .base = t->base,
				       .model = &s->nothing,
				       .color = color,
				       .now = page_now,
				       .asked = on_asked,
				       .ctx = s };
	int ret;

	s->top = t;
	ui_model_init(&s->nothing);
	ret = console_new(&s->console, &setup, err);
	if (ret)
		top_screen_free(s);
	else
		*out = s;
	return ret;
}

void top_screen_free(struct top_screen *s)
{
	if (!s)
		return;
	console_free(s->console);
	ui_model_release(&s->nothing);
	free(s->title);
	free(s);
}
