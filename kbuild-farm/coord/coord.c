/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/coord.h"

#include "base/capture.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/vec.h"
#include "coord/away.h"
#include "coord/client.h"
#include "coord/job.h"
#include "coord/node.h"
#include "coord/sched.h"
#include "inputs/reference.h"
#include "peer/canary-ours.h"
#include "peer/ship.h"
#include "peer/tune.h"
#include "store/packed.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define GOODBYE_MS 400 /* for the nodes' commands to end by themselves */
/* Work that waits or is done; beyond that jobs wait in the scheduler. */
#define THREADS     2
#define WORK_MAX    64
#define PATIENCE_MS 1000

void coord_kick(struct coord *c)
{
	event_active(c->kick, EV_TIMEOUT, 0);
}

void coord_count_away(struct coord *c, int change)
{
	c->aways += (unsigned)change;
	if (c->away)
		c->away(c->away_ctx, c->aways);
}

static void tell(struct coord *c, struct coord_event *ev)
{
	ev->at_ms = clock_ms() - c->began_ms;
	if (c->sink)
		c->sink(c->sink_ctx, ev);
}

void coord_emit_job(struct coord_job *job, enum event_job_state state,
		    const char *node, const char *reason)
{
	struct coord_event ev = {
		.kind = EVENT_JOB,
		.job = job->id,
		.state = state,
		.file = job->compile.source,
		.node = node,
		.reason = reason,
		.remote = node && strcmp(node, "local"),
		.retries = job->n_tried > 1 ? job->n_tried - 1 : 0,
	};

	tell(job->coord, &ev);
}

void coord_emit_node(struct coord *c, const char *node, const char *state,
		     const char *reason)
{
	struct coord_event ev = {
		.kind = EVENT_NODE,
		.node = node,
		.text = state,
		.reason = reason,
	};

	tell(c, &ev);
}

void coord_count_reason(struct coord_reasons *all, const char *why)
{
	for (size_t i = 0; i < all->n; i++) {
		if (!strcmp(all->v[i].why, why)) {
			all->v[i].n++;
			return;
		}
	}
	*VEC_ADD(all->v, all->n) = (struct coord_reason){ .why = xstrdup(why),
							  .n = 1 };
}

static void free_reasons(struct coord_reasons *all)
{
	for (size_t i = 0; i < all->n; i++)
		free(all->v[i].why);
	free(all->v);
}

/* Nobody has to be waited for any more: tell the one who waits. */
static void check_ready(struct coord *c)
{
	void (*ready)(void *ctx) = c->ready;

	if (!ready)
		return;
	for (size_t i = 0; i < c->n_nodes; i++) {
		if (peer_health_undecided(c->nodes[i]->health))
			return;
	}
	c->ready = NULL;
	event_del(c->ready_timer);
	ready(c->ready_ctx);
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
	struct coord *c = arg;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < c->n_nodes; i++)
		peer_step(c->nodes[i]->peer);
	check_ready(c);
	coord_sched_run(c);
}

static void on_ready_timer(evutil_socket_t fd, short what, void *arg)
{
	struct coord *c = arg;
	void (*ready)(void *ctx) = c->ready;

	(void)fd;
	(void)what;
	c->ready = NULL;
	if (ready)
		ready(c->ready_ctx);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct coord *c = arg;
	uint64_t now = clock_ms();
	struct coord_job *job, *next;

	(void)fd;
	(void)what;
	coord_client_beat_all(c);
	inputs_toolchains_check(&c->toolchains);
	for (size_t i = 0; i < c->n_nodes; i++)
		coord_node_tick(c->nodes[i], now);
	list_for_each_safe(job, &c->jobs, link, next) {
		coord_away_watch(job, now);
	}
	coord_kick(c);
}

static struct event *make_event(struct coord *c, short what,
				event_callback_fn fn)
{
	struct event *ev = event_new(c->base, -1, what, fn, c);

	if (!ev)
		str_out_of_memory();
	return ev;
}

static void on_toolchain(void *ctx, struct inputs_toolchain *tc,
			 enum inputs_known was)
{
	struct coord *c = ctx;

	if (was == INPUTS_TOUCHED)
		coord_away_judge(c, tc);
	else if (was == INPUTS_UNKNOWN && tc->state == INPUTS_READY)
		peer_farm_add(&c->farm, tc);
	else if (was == INPUTS_UNKNOWN && c->farm.tune)
		peer_tune_none(c->farm.tune, tc->err.text);
	coord_kick(c);
}

static void on_reference(void *ctx, struct inputs_reference *ref)
{
	(void)ref;
	coord_kick(ctx);
}

/* What nodes take: threads, and the memory of files. */
static void start_remote(struct coord *c, const struct coord_setup *setup)
{
	struct scan_setup scan = { .ask = capture_run,
				   .ctx = &c->ending,
				   .cache_dir = setup->cache_dir };

	c->patience_ms = setup->patience_ms ? setup->patience_ms : PATIENCE_MS;
	c->codec = setup->roster->n ? setup->roster->v[0].codec : WIRE_PLAIN;
	inputs_init(&c->inputs, &scan);
	c->toolchains = (struct inputs_toolchains){
		.base = c->base,
		.children = c->children,
		.paths = c->inputs.paths,
		.work = c->work,
		.changed = on_toolchain,
		.made = on_reference,
		.ctx = c,
	};
	inputs_toolchains_init(&c->toolchains);
	c->pool = pool_new(c->base, THREADS, WORK_MAX);
	c->farm = (struct peer_farm){
		.base = c->base,
		.children = c->children,
		.pool = c->pool,
		.packed = peer_ship_store(&c->codec),
		.paths = c->inputs.paths,
		.work = c->work,
		.canary_db = c->canary_db,
		.data = c->data,
		.sync = setup->roster->sync && setup->data,
		.tune = setup->tune,
		.ops = &coord_node_ops,
		.ctx = c,
	};
	TAILQ_INIT(&c->farm.canaries);
	for (char *const *tree = setup->trees; tree && *tree; tree++) {
		char *real = realpath(*tree, NULL);

		if (real && wire_path_ok(real) &&
		    !strv_has(&c->farm.roots, real))
			strv_add(&c->farm.roots, real);
		free(real);
	}
}

int coord_new(struct coord **out, const struct coord_setup *setup,
	      struct err *err)
{
	static const struct timeval second = { .tv_sec = 1 };
	struct coord *c = xcalloc(1, sizeof(*c));
	int ret;

	c->base = setup->base;
	c->socket = xstrdup(setup->socket);
	c->silent = wire_cc_silent_file(setup->socket);
	c->work = xstrdup(setup->work);
	c->umask = umask(0);
	umask(c->umask);
	c->local_slots = setup->local_slots ? setup->local_slots : 1;
	c->sink = setup->sink;
	c->sink_ctx = setup->sink_ctx;
	c->away = setup->away;
	c->away_ctx = setup->away_ctx;
	c->canary_db = setup->canary_db ? xstrdup(setup->canary_db) : NULL;
	c->data = setup->data ? xstrdup(setup->data) : NULL;
	c->began_ms = clock_ms();
	c->next_job = 1;
	TAILQ_INIT(&c->jobs);
	TAILQ_INIT(&c->clients);
	c->children = children_new(c->base);
	start_remote(c, setup);
	c->kick = make_event(c, 0, on_kick);
	c->tick = make_event(c, EV_PERSIST, on_tick);
	c->ready_timer = make_event(c, 0, on_ready_timer);
	ret = coord_client_listen(c, err);
	if (ret) {
		coord_free(c);
		return ret;
	}
	event_add(c->tick, &second);
	c->no_remote = setup->roster->off;
	c->nodes = xcalloc(setup->roster->n, sizeof(*c->nodes));
	for (; c->n_nodes < setup->roster->n; c->n_nodes++)
		c->nodes[c->n_nodes] = coord_node_new(
			c, &setup->roster->v[c->n_nodes]);
	*out = c;
	return 0;
}

void coord_expect(struct coord *c, const char *driver, char *const *env)
{
	if (c->n_nodes)
		inputs_toolchain_get(&c->toolchains, driver, env);
}

void coord_when_ready(struct coord *c, unsigned limit_ms,
		      void (*ready)(void *ctx), void *ctx)
{
	struct timeval tv = { .tv_sec = limit_ms / 1000,
			      .tv_usec = (suseconds_t)(limit_ms % 1000) *
					 1000 };

	c->ready = ready;
	c->ready_ctx = ctx;
	event_add(c->ready_timer, &tv);
	coord_kick(c);
}

unsigned coord_remote_slots(const struct coord *c)
{
	unsigned n = 0;

	for (size_t i = 0; i < c->n_nodes; i++) {
		if (peer_health_up(c->nodes[i]->health))
			n += peer_slots(c->nodes[i]->peer);
	}
	return n;
}

static int by_count(const void *a, const void *b)
{
	const struct coord_reason *x = a, *y = b;

	return x->n < y->n ? 1 : x->n > y->n ? -1 : strcmp(x->why, y->why);
}

static void sort_reasons(struct coord_reasons *all)
{
	if (all->n)
		qsort(all->v, all->n, sizeof(*all->v), by_count);
}

void coord_stats(struct coord *c, struct coord_stats *out)
{
	struct coord_job *job;

	*out = (struct coord_stats){ .remote = c->remote,
				     .local = c->local,
				     .scan_us = c->scan_us + c->check_us,
				     .retried = c->retried,
				     .duplicated = c->duplicated };
	list_for_each(job, &c->jobs, link) {
		bool runs = job->state == JOB_AWAY || job->state == JOB_CHECK ||
			    job->state == JOB_LOCAL;

		out->running += runs;
		out->queued += !runs && job->state != JOB_DONE;
	}
	sort_reasons(&c->reasons);
	out->reasons = c->reasons.v;
	out->n_reasons = c->reasons.n;
	c->node_stats = xrealloc(c->node_stats,
				 (c->n_nodes + 1) * sizeof(*c->node_stats));
	for (size_t i = 0; i < c->n_nodes; i++)
		coord_node_figures(c->nodes[i], &c->node_stats[i]);
	out->nodes = c->node_stats;
	out->n_nodes = c->n_nodes;
}

/*
 * Kill what runs for the jobs, wait until it is dead, and only then remove
 * the temporaries: a compiler that still runs would make them anew.
 */
static void end_jobs(struct coord *c)
{
	struct coord_job *job;

	list_for_each(job, &c->jobs, link)
		coord_job_stop(job);
	while (c->n_nodes)
		coord_node_free(c->nodes[--c->n_nodes]);
	/* Questions to compilers end now, and so does what waits for them. */
	atomic_store(&c->ending, true);
	pool_free(c->pool);
	c->pool = NULL;
	peer_canary_free_all(&c->farm);
	inputs_toolchains_release(&c->toolchains);
	children_wait(c->children, GOODBYE_MS);
	coord_client_free_all(c);
}

void coord_free(struct coord *c)
{
	if (!c)
		return;
	end_jobs(c);
	children_free(c->children);
	store_packed_free(c->farm.packed);
	inputs_release(&c->inputs);
	strv_release(&c->farm.roots);
	free(c->farm.toolchain);
	event_free(c->kick);
	event_free(c->tick);
	event_free(c->ready_timer);
	free_reasons(&c->reasons);
	free(c->node_stats);
	free(c->nodes);
	free(c->socket);
	free(c->silent);
	free(c->work);
	free(c->canary_db);
	free(c->data);
	free(c);
}
