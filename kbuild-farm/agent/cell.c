/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All decisions are made in step(), which runs from an event of its own, so
 * that no call into a cell can free it under its caller.  The thread at work
 * alone touches the view that it works on, and the cell's files; `task` says
 * that there is one.
 */
#include "agent/cell.h"

#include "agent/agent.h"
#include "agent/foreign.h"
#include "agent/identity.h"
#include "agent/view.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "cell/cell.h"
#include "compiler/manifest.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 60000 /* ms, for the next piece of what it waits for */

struct agent_cell {
	struct agent *agent;
	struct wire_cell m;
	struct agent_blobs *blobs; /* NULL once the client left */
	const struct agent_cell_ops *ops;
	void *ops_ctx;
	enum {
		FILLING,
		READY,
		GONE
	} state;
	bool shut;

	struct cell *cell;
	struct event *readable;
	struct event *step;

	struct agent_view_queue queue; /* not applied yet */
	unsigned n_queue;
	size_t n_entries; /* in the queue */
	struct agent_view_queue kept; /* applied: the toolchain's */
	size_t n_tools; /* entries of the toolchain that came */
	uint32_t last; /* numbers of views: that came, that is applied */
	uint32_t applied;
	bool complete; /* all of the toolchain came */
	uint64_t at; /* clock_ms() when something of it was done last */

	TAILQ_HEAD(, agent_cell_user) users;

	/* What the thread does, or did. */
	struct task *task;
	void (*work)(struct agent_cell *c);
	void (*after)(struct agent_cell *c);
	struct agent_view *view;
	int ret;
	struct err err;
	atomic_bool stop;

	/* Of a toolchain of the node's own. */
	struct agent_lease lease;
	struct digest own;
};

/* ---------------------------------------------------------------- ends */

static void say(struct agent_cell *c, enum wire_have_state state,
		const char *detail)
{
	struct wire_have m = { .cell = c->m.cell,
			       .state = (uint8_t)state,
			       .detail = (char *)detail };

	if (c->blobs)
		c->ops->have(c->ops_ctx, &m);
}

/* By a timer, so that what else is ready has its turn before each step. */
static void activate(struct agent_cell *c)
{
	static const struct timeval now;

	event_add(c->step, &now);
}

static void drop_views(struct agent_view_queue *queue)
{
	struct agent_view *v;

	while ((v = TAILQ_FIRST(queue))) {
		TAILQ_REMOVE(queue, v, link);
		agent_view_free(v);
	}
}

static void go(struct agent_cell_user *u, const char *why)
{
	u->waiting = false;
	u->go(u->ctx, why);
}

/* The thread is not at work. */
static void drop_all_views(struct agent_cell *c)
{
	drop_views(&c->queue);
	drop_views(&c->kept);
	c->n_queue = 0;
	c->n_entries = 0;
}

static void tell_users(struct agent_cell *c)
{
	struct agent_cell_user *u, *next;

	list_for_each_safe(u, &c->users, link, next) {
		if (!u->waiting)
			continue;
		if (c->state == GONE)
			go(u, "its cell is gone");
		else if (c->state == READY && u->view <= c->applied)
			go(u, NULL);
	}
}

static void fail(struct agent_cell *c, const char *why)
{
	bool was_ready = c->state == READY;

	if (c->state == GONE)
		return;
	log_info("cell %u %s: %s", c->m.cell, was_ready ? "lost" : "refused",
		 why);
	c->state = GONE;
	say(c, was_ready ? WIRE_HAVE_LOST : WIRE_HAVE_REFUSED, why);
	tell_users(c);
	activate(c);
}

static void destroy(struct agent_cell *c)
{
	drop_all_views(c);
	event_free(c->step);
	if (c->readable)
		event_free(c->readable);
	cell_free(c->cell);
	agent_lease_release(&c->lease);
	wire_cell_release(&c->m);
	c->agent->n_cells--;
	c->ops->gone(c->ops_ctx, c);
	free(c);
}

/* ---------------------------------------------------------------- work */

static void worked(struct agent_cell *c)
{
	c->at = clock_ms();
	c->after(c);
	activate(c);
}

static void on_task(void *arg)
{
	struct agent_cell *c = arg;

	c->task = NULL;
	worked(c);
}

static void on_thread(void *arg)
{
	struct agent_cell *c = arg;

	c->work(c);
}

/* work(c), on a thread unless it is little, then after(c). */
static void start_work(struct agent_cell *c, bool little,
		       void (*work)(struct agent_cell *c),
		       void (*after)(struct agent_cell *c))
{
	c->work = work;
	c->after = after;
	c->ret = 0;
	c->err.text[0] = '\0';
	if (!little)
		c->task = task_start_then(c->agent->base, on_thread, on_task,
					  c);
	if (!c->task) {
		work(c);
		worked(c);
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct agent_cell *c = arg;

	(void)fd;
	(void)what;
	cell_read(c->cell);
}

/* Its keeper is gone; its users have heard of their runs' ends. */
static void on_lost(void *ctx, const char *why)
{
	struct agent_cell *c = ctx;

	event_del(c->readable);
	fail(c, why);
}

static void make(struct agent_cell *c)
{
	struct cell_setup setup = {
		.roots = (const char *const *)c->m.roots.v,
		.limits = c->agent->limits,
		.lost = on_lost,
		.ctx = c,
	};

	c->ret = cell_new(&c->cell, &setup, &c->err);
}

static void made(struct agent_cell *c)
{
	if (c->ret) {
		fail(c, c->err.text);
		return;
	}
	c->readable = event_new(c->agent->base, cell_fd(c->cell),
				EV_READ | EV_PERSIST, on_readable, c);
	if (!c->readable || event_add(c->readable, NULL))
		str_out_of_memory();
}

static void look(struct agent_cell *c)
{
	c->ret = agent_view_look(c->view, &c->err);
}

/* NEED says what has to come for it. */
static void ask(struct agent_cell *c)
{
	struct wire_need need;
	int ret;

	if (!c->blobs)
		return;
	ret = agent_view_ask(c->view, c->blobs, &need, &c->err);
	if (ret == -EPROTO)
		c->ops->refuse(c->ops_ctx, c->err.text);
	else if (ret)
		fail(c, c->err.text);
	else
		c->ops->need(c->ops_ctx, &need);
	wire_need_release(&need);
}

static void looked(struct agent_cell *c)
{
	if (c->ret)
		fail(c, c->err.text);
	else
		ask(c);
}

/* What the VIEWs would have brought comes from this machine's disk. */
static void put_own(struct agent_cell *c)
{
	char *driver = agent_identity_driver(&c->kept, &c->m);

	c->ret = agent_foreign_put(c->agent, &c->m, driver, c->cell, &c->lease,
				   &c->own, &c->err);
	free(driver);
}

static void finish_toolchain(struct agent_cell *c)
{
	if (*c->m.own)
		put_own(c);
	else
		c->ret = agent_identity_check(&c->kept, &c->m, &c->err);
	if (!c->ret)
		c->ret = cell_freeze(c->cell, c->m.driver, &c->err);
}

static void toolchain_finished(struct agent_cell *c)
{
	char hex[DIGEST_HEX];

	if (c->ret) {
		fail(c, c->err.text);
		return;
	}
	c->state = READY;
	digest_hex(&c->own, hex);
	say(c, WIRE_HAVE_READY, *c->m.own ? hex : "");
	tell_users(c);
}

/* --------------------------------------------------------------- views */

static void apply(struct agent_cell *c)
{
	c->ret = agent_view_apply(c->view, c->cell, &c->err);
}

static void view_done(struct agent_cell *c, struct agent_view *v)
{
	enum wire_part part = (enum wire_part)v->m.part;

	TAILQ_REMOVE(&c->queue, v, link);
	c->n_queue--;
	c->n_entries -= v->m.n;
	c->applied = v->m.view;
	if (part == WIRE_PART_TREE)
		agent_view_free(v);
	else
		TAILQ_INSERT_TAIL(&c->kept, v, link);
	if (part == WIRE_PART_TOOLCHAIN_END)
		start_work(c, false, finish_toolchain, toolchain_finished);
	else
		tell_users(c);
}

static void applied(struct agent_cell *c)
{
	if (c->ret == -EBADMSG)
		ask(c);
	else if (c->ret)
		fail(c, c->err.text);
	else if (c->state != GONE)
		view_done(c, c->view);
}

static struct agent_view *next_to_look(struct agent_cell *c)
{
	struct agent_view *v;

	list_for_each(v, &c->queue, link) {
		if (!v->looked)
			return v;
	}
	return NULL;
}

/* Begins something; false when there is nothing to be done for now. */
static bool work_on_views(struct agent_cell *c)
{
	struct agent_view *v = TAILQ_FIRST(&c->queue);

	if (v && v->failed) {
		err_set(&c->err, -v->failed, "the node's store: %s",
			strerror(-v->failed));
		fail(c, c->err.text);
	} else if (v && v->looked && !v->missing) {
		c->view = v;
		if (agent_view_room(agent_view_bytes(v), &c->err))
			fail(c, c->err.text);
		else
			start_work(c, agent_view_small(v), apply, applied);
	} else if ((v = next_to_look(c))) {
		c->view = v;
		start_work(c, agent_view_small(v), look, looked);
	} else {
		return false;
	}
	return true;
}

static void on_step(evutil_socket_t fd, short what, void *arg)
{
	struct agent_cell *c = arg;

	(void)fd;
	(void)what;
	if (c->task)
		return;
	if (c->state == GONE)
		drop_all_views(c);
	if (TAILQ_EMPTY(&c->users) && (c->state == GONE || c->shut)) {
		destroy(c);
		return;
	}
	if (c->state != GONE)
		work_on_views(c);
}

static void on_changed(void *ctx)
{
	activate(ctx);
}

/* -------------------------------------------------------------- public */

struct agent_cell *agent_cell_new(struct agent *a, struct wire_cell *m,
				  struct agent_blobs *blobs,
				  const struct agent_cell_ops *ops, void *ctx)
{
	struct agent_cell *c = xcalloc(1, sizeof(*c));

	c->agent = a;
	c->lease.fd = -1;
	c->m = *m;
	*m = (struct wire_cell){ 0 };
	c->blobs = blobs;
	c->ops = ops;
	c->ops_ctx = ctx;
	TAILQ_INIT(&c->queue);
	TAILQ_INIT(&c->kept);
	TAILQ_INIT(&c->users);
	c->step = event_new(a->base, -1, 0, on_step, c);
	if (!c->step)
		str_out_of_memory();
	a->n_cells++;
	start_work(c, false, make, made);
	return c;
}

void agent_cell_close(struct agent_cell *c)
{
	struct agent_view *v;

	list_for_each(v, &c->queue, link)
		agent_view_forget(v);
	c->blobs = NULL;
	c->shut = true;
	atomic_store(&c->stop, true);
	c->state = GONE;
	tell_users(c);
	activate(c);
}

void agent_cell_shut(struct agent_cell *c)
{
	c->shut = true;
	activate(c);
}

void agent_cell_check(struct agent_cell *c)
{
	const struct agent_view *v = TAILQ_FIRST(&c->queue);

	if (!c->blobs || c->task)
		return;
	if (v && v->missing && agent_blobs_silence(c->blobs) > PATIENCE)
		fail(c, "its files stopped coming");
	if (!v && c->state == FILLING && clock_ms() - c->at > PATIENCE)
		fail(c, "its toolchain stopped coming");
}

uint32_t agent_cell_number(const struct agent_cell *c)
{
	return c->m.cell;
}

const struct wire_cell *agent_cell_setup(const struct agent_cell *c)
{
	return &c->m;
}

bool agent_cell_open(const struct agent_cell *c)
{
	return c->state != GONE && !c->shut;
}

struct cell *agent_cell_of(const struct agent_cell *c)
{
	return c->cell;
}

/* Does this VIEW continue what came before? */
static int check_order(const struct agent_cell *c, const struct wire_view *m,
		       struct err *err)
{
	if (m->view != c->last + 1)
		return err_set(err, EPROTO, "view %u of cell %u after %u",
			       m->view, c->m.cell, c->last);
	if (m->part != WIRE_PART_TREE && c->complete)
		return err_set(err, EPROTO, "more of a complete toolchain");
	if (c->n_queue >= AGENT_CELL_VIEWS ||
	    c->n_entries + m->n > AGENT_CELL_ENTRIES)
		return err_set(err, EPROTO, "too many views wait in cell %u",
			       c->m.cell);
	return 0;
}

static const char *unfit(struct agent_cell *c, const struct agent_view *v)
{
	bool tree = v->m.part == WIRE_PART_TREE;

	if (agent_view_bytes(v) > c->agent->limits.view_bytes)
		return "more files than this node has memory for";
	if (!tree && c->n_tools + v->m.n > COMPILER_ENTRIES_MAX)
		return "a toolchain of too many files";
	return NULL;
}

int agent_cell_view(struct agent_cell *c, struct wire_view *m,
		    const struct wire_intern *paths, struct err *err)
{
	struct agent_view *v;
	const char *why;
	int ret;

	if (!agent_cell_open(c))
		return 0;
	ret = check_order(c, m, err);
	if (ret)
		return ret;
	v = agent_view_new(m, paths, c->agent->store, err);
	if (!v)
		return -EPROTO;
	v->changed = on_changed;
	v->ctx = c;
	v->stop = &c->stop;
	c->last = v->m.view;
	c->complete |= v->m.part == WIRE_PART_TOOLCHAIN_END;
	why = unfit(c, v);
	if (v->m.part != WIRE_PART_TREE)
		c->n_tools += v->m.n;
	TAILQ_INSERT_TAIL(&c->queue, v, link);
	c->n_queue++;
	c->n_entries += v->m.n;
	if (why)
		fail(c, why);
	activate(c);
	return 0;
}

uint32_t agent_cell_last_view(const struct agent_cell *c)
{
	return c->last;
}

void agent_cell_join(struct agent_cell *c, struct agent_cell_user *u)
{
	u->cell = c;
	u->waiting = false;
	TAILQ_INSERT_TAIL(&c->users, u, link);
}

void agent_cell_leave(struct agent_cell_user *u)
{
	struct agent_cell *c = u->cell;

	if (!c)
		return;
	TAILQ_REMOVE(&c->users, u, link);
	u->cell = NULL;
	u->waiting = false;
	activate(c);
}

void agent_cell_await(struct agent_cell_user *u)
{
	const struct agent_cell *c = u->cell;

	u->waiting = true;
	if (c->state == GONE)
		go(u, "its cell is gone");
	else if (c->state == READY && u->view <= c->applied)
		go(u, NULL);
}
