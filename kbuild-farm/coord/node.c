/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/node.h"

#include "base/clock.h"
#include "coord/away.h"
#include "coord/remote.h"

#include <stdlib.h>

static void emit(struct coord_node *n, const char *state, const char *reason)
{
	coord_emit_node(n->coord, n->entry->name, state, reason);
}

static void on_wake(void *ctx)
{
	coord_kick(ctx);
}

/* A job that runs here; others were cancelled or went elsewhere. */
static struct coord_job *job_of(const struct coord_node *n, uint32_t number)
{
	struct coord_job *job;

	list_for_each(job, &n->coord->jobs, link) {
		if (job->state == JOB_AWAY && job->node == n &&
		    job->number == number)
			return job;
	}
	return NULL;
}

/* Jobs that run there must go elsewhere: it will not answer them. */
static void abandon_jobs(struct coord_node *n)
{
	struct coord_job *job, *next;

	list_for_each_safe(job, &n->coord->jobs, link, next) {
		if (job->state == JOB_AWAY && job->node == n) {
			n->retries++;
			coord_away_retry(job, "node lost");
		}
	}
}

static void on_health(void *ctx)
{
	struct coord_node *n = ctx;
	enum peer_state state = peer_state(n->peer);

	emit(n, peer_health_name(n->health), peer_health_detail(n->health));
	if (state == PEER_DOWN || state == PEER_STRANGE)
		abandon_jobs(n);
	coord_kick(n->coord);
}

static void on_state(void *ctx, enum peer_state state, const char *why)
{
	struct coord_node *n = ctx;

	n->asked_ms = clock_ms();
	peer_health_state(n->health, state, why);
}

static void on_has(void *ctx, struct inputs_toolchain *tc, enum peer_has has)
{
	struct coord_node *n = ctx;

	(void)tc;
	if (has == PEER_HAS_ASKED)
		n->asked_ms = clock_ms();
}

static void on_busy(void *ctx, unsigned busy)
{
	(void)ctx;
	(void)busy;
}

static void on_spoiled(void *ctx, struct inputs_toolchain *tc)
{
	struct coord_node *n = ctx;
	struct coord_job *job, *next;

	list_for_each_safe(job, &n->coord->jobs, link, next) {
		if (job->state == JOB_AWAY && job->node == n &&
		    job->toolchain == tc)
			coord_remote_again(job, "inputs that keep changing");
	}
}

static void on_worn(void *ctx)
{
	struct coord_node *n = ctx;

	peer_health_worn(n->health);
	coord_kick(n->coord);
}

static void on_event(void *ctx, const char *state, const char *reason)
{
	struct coord_node *n = ctx;

	emit(n, state ? state : peer_health_name(n->health), reason);
}

static void on_probed(void *ctx, enum peer_probed is, const char *why)
{
	struct coord_node *n = ctx;

	peer_health_probed(n->health, is, why);
}

static void on_beat(void *ctx, uint32_t number, uint32_t cpu_ms)
{
	struct coord_job *job = job_of(ctx, number);

	if (job && cpu_ms > job->cpu_ms) {
		job->cpu_ms = cpu_ms;
		job->progress_ms = clock_ms();
	}
}

static void on_output(void *ctx, uint32_t number)
{
	struct coord_job *job = job_of(ctx, number);

	if (job)
		job->progress_ms = clock_ms();
}

static void on_answered(void *ctx, uint32_t number, struct peer_answer *answer)
{
	struct coord_job *job = job_of(ctx, number);

	if (job)
		coord_away_result(job, answer);
	else
		peer_answer_release(answer);
}

static void on_failed(void *ctx, uint32_t number, enum wire_fail_class class,
		      const char *why)
{
	struct coord_job *job = job_of(ctx, number);

	if (job)
		coord_away_fail(job, class, why);
}

const struct peer_ops coord_node_ops = {
	.wake = on_wake,
	.state = on_state,
	.busy = on_busy,
	.has = on_has,
	.spoiled = on_spoiled,
	.worn = on_worn,
	.event = on_event,
	.probed = on_probed,
	.beat = on_beat,
	.output = on_output,
	.answered = on_answered,
	.failed = on_failed,
};

struct coord_node *coord_node_new(struct coord *c,
				  const struct node_entry *entry)
{
	struct coord_node *n = xcalloc(1, sizeof(*n));

	n->coord = c;
	n->entry = entry;
	n->peer = peer_new(&c->farm, entry, n);
	n->health = peer_health_new(n->peer, c->base, on_health, n);
	return n;
}

void coord_node_free(struct coord_node *n)
{
	peer_health_free(n->health);
	peer_free(n->peer);
	free(n);
}

void coord_node_tick(struct coord_node *n, uint64_t now_ms)
{
	peer_tick(n->peer, now_ms);
	peer_health_tick(n->health);
}

void coord_node_figures(const struct coord_node *n,
			struct coord_node_stats *out)
{
	struct peer_figures f;
	bool lacks;

	peer_figures(n->peer, &f);
	lacks = f.lacks && peer_health_up(n->health);
	*out = (struct coord_node_stats){
		.name = n->entry->name,
		.state = lacks ? "no toolchain" : peer_health_name(n->health),
		.detail = lacks ? f.why_lacks : peer_health_detail(n->health),
		.inventory = f.inventory,
		.slots = peer_slots(n->peer),
		.jobs = n->jobs,
		.running = peer_jobs(n->peer),
		.errors = peer_health_errors(n->health),
		.retries = n->retries,
		.busy_ms = f.busy_ms,
		.sent = f.sent,
		.received = f.received,
	};
}
