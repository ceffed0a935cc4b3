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
		top_page_remove(t, TAILQ_FIRST(&t->pages));
}

struct top_page *top_page_add(struct top *t, pid_t pid)
{
	struct top_page *p = xcalloc(1, sizeof(*p));

	p->pid = pid;
	p->speed_milli = 1000;
	p->since_ms = clock_ms();
	ui_model_init(&p->model);
	TAILQ_INSERT_TAIL(&t->pages, p, entry);
	t->n_pages++;
	if (t->ops->on_page_added)
		t->ops->on_page_added(t->ctx, p);
	return p;
}

void top_page_remove(struct top *t, struct top_page *p)
{
	TAILQ_REMOVE(&t->pages, p, entry);
	t->n_pages--;
	if (t->ops->on_page_removed)
		t->ops->on_page_removed(t->ctx, p);
	ui_model_release(&p->model);
	free(p->end_reason);
	free(p);
}

void top_page_remove_ended(struct top *t)
{
	struct top_page *p, *next;

	list_for_each_safe(p, &t->pages, entry, next) {
		if (p->ended)
			top_page_remove(t, p);
	}
}

void top_page_add_event(struct top *t, struct top_page *p,
			const struct events_event *ev)
{
	uint64_t now = clock_ms();

	/* A snapshot has older events, which must not set back the clock. */
	if (p->speed_milli == 1000 && ev->at_ms > top_page_now_ms(p)) {
		p->base_ms = ev->at_ms;
		p->since_ms = now;
	}
	ui_model_add_event(&p->model, ev);
	p->complete |= ev->kind == EVENTS_KIND_LIVE ||
		       ev->kind == EVENTS_KIND_DONE;
	if (t->ops->on_page_event)
		t->ops->on_page_event(t->ctx, p, ev);
}

void top_page_add_line(struct top *t, struct top_page *p, struct bytes line)
{
	if (t->ops->on_page_line)
		t->ops->on_page_line(t->ctx, p, line);
}

void top_page_add_made_event(struct top *t, struct top_page *p,
			     const struct events_event *ev)
{
	struct buf line = { 0 };

	top_page_add_event(t, p, ev);
	if (!t->ops->on_page_line)
		return;
	events_encode(&line, ev);
	t->ops->on_page_line(t->ctx, p, bytes_of(line.data, line.len - 1));
	buf_release(&line);
}

void top_page_reset(struct top *t, struct top_page *p)
{
	ui_model_release(&p->model);
	ui_model_init(&p->model);
	p->complete = false;
	if (t->ops->on_page_reset)
		t->ops->on_page_reset(t->ctx, p);
}

void top_page_end(struct top *t, struct top_page *p, const char *why)
{
	p->ended = p->complete = true;
	free(p->end_reason);
	p->end_reason = why ? xstrdup(why) : NULL;
	if (t->ops->on_page_ended)
		t->ops->on_page_ended(t->ctx, p);
}

uint64_t top_page_now_ms(const struct top_page *p)
{
	if (p->ended || p->model.done)
		return p->model.at_ms;
	return p->base_ms + (clock_ms() - p->since_ms) * p->speed_milli / 1000;
}

bool top_is_complete(const struct top *t)
{
	const struct top_page *p;

	list_for_each(p, &t->pages, entry) {
		if (!p->complete)
			return false;
	}
	return true;
}
