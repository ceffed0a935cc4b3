/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/coord.h"

#include "base/clock.h"
#include "base/str.h"
#include "coord/client.h"
#include "coord/job.h"
#include "coord/peer.h"
#include "coord/sched.h"
#include "coord/source.h"
#include "coord/toolchain.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define GOODBYE_MS 400 /* for the nodes' commands to end by themselves */

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

void coord_count_reason(struct coord *c, const char *why)
{
	for (size_t i = 0; i < c->n_reasons; i++) {
		if (!strcmp(c->reasons[i].why, why)) {
			c->reasons[i].n++;
			return;
		}
	}
	c->reasons = xrealloc(c->reasons,
			      (c->n_reasons + 1) * sizeof(*c->reasons));
	c->reasons[c->n_reasons++] = (struct coord_reason){ .why = xstrdup(why),
							    .n = 1 };
}

/* Nobody has to be waited for any more: tell the one who waits. */
static void check_ready(struct coord *c)
{
	void (*ready)(void *ctx) = c->ready;

	if (!ready)
		return;
	for (size_t i = 0; i < c->n_peers; i++) {
		if (coord_peer_undecided(c->peers[i]))
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
	coord_toolchain_check(c);
	for (size_t i = 0; i < c->n_peers; i++)
		coord_peer_watch(c->peers[i], now);
	list_for_each_safe(job, &c->jobs, link, next) {
		coord_job_watch(job, now);
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
	c->began_ms = clock_ms();
	c->next_job = 1;
	TAILQ_INIT(&c->jobs);
	TAILQ_INIT(&c->clients);
	TAILQ_INIT(&c->toolchains);
	c->children = coord_children_new(c->base);
	c->sources = coord_sources_new();
	c->kick = make_event(c, 0, on_kick);
	c->tick = make_event(c, EV_PERSIST, on_tick);
	c->ready_timer = make_event(c, 0, on_ready_timer);
	ret = coord_client_listen(c, err);
	if (ret) {
		coord_free(c);
		return ret;
	}
	event_add(c->tick, &second);
	c->peers = xcalloc(setup->roster->n, sizeof(*c->peers));
	for (; c->n_peers < setup->roster->n; c->n_peers++)
		c->peers[c->n_peers] = coord_peer_new(
			c, &setup->roster->v[c->n_peers]);
	*out = c;
	return 0;
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

	for (size_t i = 0; i < c->n_peers; i++) {
		if (c->peers[i]->state == PEER_UP)
			n += coord_peer_slots(c->peers[i]);
	}
	return n;
}

static int by_count(const void *a, const void *b)
{
	const struct coord_reason *x = a, *y = b;

	return x->n < y->n ? 1 : x->n > y->n ? -1 : strcmp(x->why, y->why);
}

static void node_stats(struct coord_node_stats *s, const struct coord_peer *p)
{
	bool lacks = p->n_has > 0;

	for (size_t i = 0; i < p->n_has; i++)
		lacks = lacks && p->has[i].answered && !p->has[i].same;
	*s = (struct coord_node_stats){
		.name = p->entry->name,
		.state = p->state == PEER_UP && lacks ?
				 "no toolchain" :
				 coord_peer_state_name(p),
		.detail = p->detail,
		.inventory = p->greeted ? &p->hello.inventory : NULL,
		.slots = coord_peer_slots(p),
		.jobs = p->jobs,
		.running = p->running,
		.errors = p->errors,
		.retries = p->retries,
		.busy_ms = p->busy_ms,
		.sent = p->sent_before,
		.received = p->received_before,
	};
	if (p->stream) {
		s->sent += wire_stream_sent(p->stream);
		s->received += wire_stream_received(p->stream);
	}
}

void coord_stats(struct coord *c, struct coord_stats *out)
{
	struct coord_job *job;

	*out = (struct coord_stats){ .remote = c->remote,
				     .local = c->local,
				     .retried = c->retried,
				     .duplicated = c->duplicated };
	list_for_each(job, &c->jobs, link) {
		bool runs = job->state == JOB_AWAY || job->state == JOB_LOCAL;

		out->running += runs;
		out->queued += !runs && job->state != JOB_DONE;
	}
	if (c->n_reasons)
		qsort(c->reasons, c->n_reasons, sizeof(*c->reasons), by_count);
	out->reasons = c->reasons;
	out->n_reasons = c->n_reasons;
	c->node_stats = xrealloc(c->node_stats,
				 (c->n_peers + 1) * sizeof(*c->node_stats));
	for (size_t i = 0; i < c->n_peers; i++)
		node_stats(&c->node_stats[i], c->peers[i]);
	out->nodes = c->node_stats;
	out->n_nodes = c->n_peers;
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
	for (size_t i = 0; i < c->n_peers; i++) {
		coord_peer_free(c->peers[i]);
		c->peers[i] = NULL;
	}
	c->n_peers = 0;
	coord_toolchain_free_all(c);
	coord_children_wait(c->children, GOODBYE_MS);
	coord_client_free_all(c);
}

void coord_free(struct coord *c)
{
	if (!c)
		return;
	end_jobs(c);
	coord_children_free(c->children);
	coord_sources_free(c->sources);
	event_free(c->kick);
	event_free(c->tick);
	event_free(c->ready_timer);
	for (size_t i = 0; i < c->n_reasons; i++)
		free(c->reasons[i].why);
	free(c->reasons);
	free(c->node_stats);
	free(c->peers);
	free(c->socket);
	free(c->silent);
	free(c->work);
	free(c);
}
