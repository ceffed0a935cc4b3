/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All decisions are made in on_step(), which runs from an event of its own, so
 * that no call into a destination can free it under its caller.  The thread at
 * work alone touches the view that it works on, and the destination's files;
 * `task` says that there is one.
 */
#include "agent/dest.h"

#include "agent/agent.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 60000 /* ms, for the next piece of what it waits for */

static void say_have(struct agent_dest *p, enum wire_have_state state,
		     const char *detail)
{
	struct wire_have m = { .cell = p->number,
			       .state = (uint8_t)state,
			       .detail = (char *)detail };
	struct buf body = { 0 };

	if (!p->blobs)
		return;
	wire_have_encode(&body, &m);
	p->ops->send(p->ops_ctx, WIRE_HAVE, &body);
}

/* By a timer, so that other events get their turn before each step. */
void agent_dest_wake(struct agent_dest *p)
{
	static const struct timeval now;

	event_add(p->step, &now);
}

static void drop_views(struct agent_view_queue *queue)
{
	struct agent_view *v;

	while ((v = TAILQ_FIRST(queue))) {
		TAILQ_REMOVE(queue, v, link);
		agent_view_free(v);
	}
}

/* The thread is not at work. */
static void drop_all_views(struct agent_dest *p)
{
	drop_views(&p->queue);
	drop_views(&p->toolchain);
	p->n_queue = 0;
	p->n_entries = 0;
}

static void changed(struct agent_dest *p)
{
	if (p->kind->changed)
		p->kind->changed(p);
}

static bool is_used(const struct agent_dest *p)
{
	return p->kind->is_used && p->kind->is_used(p);
}

void agent_dest_fail(struct agent_dest *p, const char *why)
{
	bool was_ready = p->state == AGENT_DEST_READY;

	if (p->state == AGENT_DEST_GONE)
		return;
	log_info("%s %u %s: %s", p->kind->name, p->number,
		 was_ready ? "lost" : "refused", why);
	p->state = AGENT_DEST_GONE;
	say_have(p, was_ready ? WIRE_HAVE_LOST : WIRE_HAVE_REFUSED, why);
	changed(p);
	agent_dest_wake(p);
}

static void destroy(struct agent_dest *p)
{
	drop_all_views(p);
	event_free(p->step);
	p->agent->n_cells--;
	p->ops->gone(p->ops_ctx, p);
	p->kind->free(p);
}

/* ---------------------------------------------------------------- work */

static int look_at_view(struct agent_dest *p, struct err *err)
{
	return p->kind->look ? p->kind->look(p, p->view, err) :
			       agent_view_look(p->view, err);
}

/* -EBADMSG: a blob was damaged, and can be asked for again. */
static int apply_view(struct agent_dest *p, struct err *err)
{
	return p->kind->apply(p, p->view, err);
}

static void end_work(struct agent_dest *p)
{
	p->at = clock_ms();
	if (p->ret && !(p->ret == -EBADMSG && p->work == apply_view))
		agent_dest_fail(p, p->err.text);
	else if (p->state != AGENT_DEST_GONE)
		p->after(p);
	agent_dest_wake(p);
}

static void on_task(void *arg)
{
	struct agent_dest *p = arg;

	p->task = NULL;
	end_work(p);
}

static void on_thread(void *arg)
{
	struct agent_dest *p = arg;

	p->ret = p->work(p, &p->err);
}

/* work(p), on a thread unless it is little; then, if all is well, after(p). */
static void start_work(struct agent_dest *p, bool little,
		       int (*work)(struct agent_dest *p, struct err *err),
		       void (*after)(struct agent_dest *p))
{
	p->work = work;
	p->after = after;
	p->err.text[0] = '\0';
	if (!little)
		p->task = task_start_then(p->agent->base, on_thread, on_task,
					  p);
	if (!p->task) {
		on_thread(p);
		end_work(p);
	}
}

static void on_opened(struct agent_dest *p)
{
	if (p->kind->opened)
		p->kind->opened(p);
}

static void on_judged(struct agent_dest *p)
{
	p->judged = true;
}

/* NEED says what has to come for it. */
static void ask_for_blobs(struct agent_dest *p)
{
	struct wire_need need;
	struct buf body = { 0 };
	int ret;

	if (!p->blobs)
		return;
	ret = agent_view_ask(p->view, p->blobs, &need, &p->err);
	if (ret == -EPROTO) {
		p->ops->refuse(p->ops_ctx, p->err.text);
	} else if (ret) {
		agent_dest_fail(p, p->err.text);
	} else {
		wire_need_encode(&body, &need);
		p->ops->send(p->ops_ctx, WIRE_NEED, &body);
	}
	wire_need_release(&need);
}

static void on_finished(struct agent_dest *p)
{
	p->state = p->kind->is_whole ? AGENT_DEST_GONE : AGENT_DEST_READY;
	say_have(p, WIRE_HAVE_READY, p->detail);
	changed(p);
}

static void on_applied(struct agent_dest *p)
{
	struct agent_view *v = p->view;
	enum wire_part part = (enum wire_part)v->m.part;

	if (p->ret == -EBADMSG) {
		ask_for_blobs(p);
		return;
	}
	TAILQ_REMOVE(&p->queue, v, link);
	p->n_queue--;
	p->n_entries -= v->m.n;
	p->applied = v->m.view;
	if (part == WIRE_PART_TREE)
		agent_view_free(v);
	else
		TAILQ_INSERT_TAIL(&p->toolchain, v, link);
	if (part == WIRE_PART_TOOLCHAIN_END)
		start_work(p, false, p->kind->finish, on_finished);
	else
		changed(p);
}

static struct agent_view *next_to_look(struct agent_dest *p)
{
	struct agent_view *v;

	list_for_each(v, &p->queue, link) {
		if (!v->looked)
			return v;
	}
	return NULL;
}

static void work_on_views(struct agent_dest *p)
{
	struct agent_view *v = TAILQ_FIRST(&p->queue);

	if (p->kind->is_whole && !p->complete)
		return;
	if (v && v->failed) {
		err_set(&p->err, -v->failed,
			"the node's store: %s (see kfarmd's --store-size)",
			strerror(-v->failed));
		agent_dest_fail(p, p->err.text);
	} else if (p->kind->judge && p->complete && !p->judged) {
		start_work(p, false, p->kind->judge, on_judged);
	} else if (v && v->looked && !v->missing) {
		p->view = v;
		start_work(p, agent_view_small(v), apply_view, on_applied);
	} else if ((v = next_to_look(p))) {
		p->view = v;
		start_work(p, agent_view_small(v), look_at_view, ask_for_blobs);
	}
}

static void on_step(evutil_socket_t fd, short what, void *arg)
{
	struct agent_dest *p = arg;

	(void)fd;
	(void)what;
	if (p->task)
		return;
	if (p->state == AGENT_DEST_GONE)
		drop_all_views(p);
	if (!is_used(p) && (p->state == AGENT_DEST_GONE || p->shut))
		destroy(p);
	else if (p->state != AGENT_DEST_GONE)
		work_on_views(p);
}

static void on_blob(void *ctx)
{
	agent_dest_wake(ctx);
}

/* -------------------------------------------------------------- public */

void agent_dest_init(struct agent_dest *p, const struct agent_dest_kind *kind,
		     struct agent *a, uint32_t number,
		     struct agent_blobs *blobs,
		     const struct agent_dest_ops *ops, void *ctx)
{
	p->kind = kind;
	p->agent = a;
	p->number = number;
	p->blobs = blobs;
	p->ops = ops;
	p->ops_ctx = ctx;
	TAILQ_INIT(&p->queue);
	TAILQ_INIT(&p->toolchain);
	p->step = event_new(a->base, -1, 0, on_step, p);
	if (!p->step)
		str_out_of_memory();
	a->n_cells++;
	start_work(p, false, kind->open, on_opened);
}

void agent_dest_close(struct agent_dest *p)
{
	struct agent_view *v;

	list_for_each(v, &p->queue, link)
		agent_view_forget(v);
	p->blobs = NULL;
	p->shut = true;
	atomic_store(&p->stop, true);
	p->state = AGENT_DEST_GONE;
	changed(p);
	agent_dest_wake(p);
}

void agent_dest_shut(struct agent_dest *p)
{
	p->shut = true;
	if (p->kind->is_whole)
		atomic_store(&p->stop, true);
	agent_dest_wake(p);
}

void agent_dest_check(struct agent_dest *p)
{
	const struct agent_view *v = TAILQ_FIRST(&p->queue);

	if (!p->blobs || p->task)
		return;
	if (v && v->missing && agent_blobs_silence(p->blobs) > PATIENCE)
		agent_dest_fail(p, "its files stopped coming");
	if ((!v || p->kind->is_whole) && !p->complete &&
	    clock_ms() - p->at > PATIENCE)
		agent_dest_fail(p, "its toolchain stopped coming");
}

bool agent_dest_open(const struct agent_dest *p)
{
	return p->state != AGENT_DEST_GONE && !p->shut;
}

/* Does this VIEW continue what came before? */
static int check_view_order(const struct agent_dest *p,
			    const struct wire_view *m, struct err *err)
{
	if (m->view != p->last + 1)
		return err_set(err, EPROTO, "view %u of %s %u after %u",
			       m->view, p->kind->name, p->number, p->last);
	if (m->part != WIRE_PART_TREE && p->complete)
		return err_set(err, EPROTO, "more of a complete toolchain");
	if (p->n_queue >= AGENT_DEST_VIEWS ||
	    p->n_entries + m->n > AGENT_DEST_ENTRIES)
		return err_set(err, EPROTO, "too many views wait in %s %u",
			       p->kind->name, p->number);
	return 0;
}

int agent_dest_view(struct agent_dest *p, struct wire_view *m,
		    const struct wire_intern *paths, struct err *err)
{
	struct agent_view *v;
	int ret;

	if (!agent_dest_open(p))
		return 0;
	ret = check_view_order(p, m, err);
	if (ret)
		return ret;
	v = agent_view_new(m, paths, p->agent->store, err);
	if (!v)
		return -EPROTO;
	v->changed = on_blob;
	v->ctx = p;
	v->stop = &p->stop;
	p->last = v->m.view;
	p->complete |= v->m.part == WIRE_PART_TOOLCHAIN_END;
	p->at = clock_ms();
	TAILQ_INSERT_TAIL(&p->queue, v, link);
	p->n_queue++;
	p->n_entries += v->m.n;
	if (p->kind->take(p, v, err))
		agent_dest_fail(p, err->text);
	agent_dest_wake(p);
	return 0;
}
