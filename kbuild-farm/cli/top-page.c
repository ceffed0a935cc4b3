/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/top-page.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/str.h"

#include <stdlib.h>

void top_init(struct top *t, struct event_base *base, const struct top_ops *ops,
	      void *ctx)
{
	*t = (struct top){ .base = base, .ops = ops, .ctx = ctx };
	TAILQ_INIT(&t->pages);
}

void top_release(struct top *t)
{
	while (!TAILQ_EMPTY(&t->pages))
		top_remove(t, TAILQ_FIRST(&t->pages));
}

struct top_page *top_add(struct top *t, pid_t pid)
{
	struct top_page *p = xcalloc(1, sizeof(*p));

	p->pid = pid;
	p->speed = 1000;
	p->since_ms = clock_ms();
	ui_model_init(&p->model);
	TAILQ_INSERT_TAIL(&t->pages, p, link);
	t->n_pages++;
	if (t->ops->came)
		t->ops->came(t->ctx, p);
	return p;
}

void top_remove(struct top *t, struct top_page *p)
{
	TAILQ_REMOVE(&t->pages, p, link);
	t->n_pages--;
	if (t->ops->gone)
		t->ops->gone(t->ctx, p);
	ui_model_release(&p->model);
	free(p->why);
	free(p);
}

void top_remove_over(struct top *t)
{
	struct top_page *p, *next;

	list_for_each_safe(p, &t->pages, link, next) {
		if (p->over)
			top_remove(t, p);
	}
}

/* A state from before has earlier times; what is new is of now. */
static void set_clock(struct top_page *p, uint64_t at_ms)
{
	uint64_t now = clock_ms();

	if (p->speed == 1000 && at_ms > top_now(p)) {
		p->base_ms = at_ms;
		p->since_ms = now;
	}
}

void top_tell(struct top *t, struct top_page *p, const struct events_event *ev)
{
	set_clock(p, ev->at_ms);
	ui_model_tell(&p->model, ev);
	p->whole |= ev->kind == EVENTS_LIVE || ev->kind == EVENTS_DONE;
	if (t->ops->told)
		t->ops->told(t->ctx, p, ev);
}

void top_line(struct top *t, struct top_page *p, struct bytes line)
{
	if (t->ops->line)
		t->ops->line(t->ctx, p, line);
}

void top_tell_made(struct top *t, struct top_page *p,
		   const struct events_event *ev)
{
	struct buf line = { 0 };

	top_tell(t, p, ev);
	if (!t->ops->line)
		return;
	events_encode(&line, ev);
	t->ops->line(t->ctx, p, bytes_of(line.data, line.len - 1));
	buf_release(&line);
}

void top_again(struct top *t, struct top_page *p)
{
	ui_model_release(&p->model);
	ui_model_init(&p->model);
	p->whole = false;
	if (t->ops->again)
		t->ops->again(t->ctx, p);
}

void top_end(struct top *t, struct top_page *p, const char *why)
{
	p->over = p->whole = true;
	free(p->why);
	p->why = why ? xstrdup(why) : NULL;
	if (t->ops->over)
		t->ops->over(t->ctx, p);
}

uint64_t top_now(const struct top_page *p)
{
	if (p->over || p->model.done)
		return p->model.at_ms;
	return p->base_ms + (clock_ms() - p->since_ms) * p->speed / 1000;
}

bool top_is_whole(const struct top *t)
{
	const struct top_page *p;

	list_for_each(p, &t->pages, link) {
		if (!p->whole)
			return false;
	}
	return true;
}
