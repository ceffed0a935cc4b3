/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/coord.h"

#include "base/capture.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/process.h"
#include "base/str.h"
#include "coord/client.h"
#include "coord/counterpart.h"
#include "coord/dispatch.h"
#include "coord/hedge.h"
#include "coord/identity.h"
#include "coord/node.h"
#include "coord/roster.h"
#include "coord/slots.h"
#include "coord/tell.h"
#include "coord/use.h"
#include "inputs/fixdep.h"
#include "inputs/reference.h"
#include "inputs/tool.h"
#include "inputs/toolchain.h"
#include "peer/canary-ours.h"
#include "peer/peer.h"
#include "peer/tune.h"
#include "store/packed.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define GOODBYE_MS  400 /* for the nodes' commands to end by themselves */
#define THREADS     2
#define SCAN_MEMORY ((size_t)44 << 20) /* bytes that its caches may take */
#define SCANS_MAX   64 /* units that the threads have, or that wait for them */
#define PATIENCE_MS 1000
/* What nodes may differ in how long they take; with ssh, or a sandbox here. */
#define MORE_MS      300
#define SLOW_MORE_MS 1000

/* No node has to be waited for any more: tell the caller. */
static void tell_ready(struct coord *c)
{
	void (*ready)(void *ctx) = c->ready;

	c->ready = NULL;
	event_del(c->ready_timer);
	if (ready)
		ready(c->ready_ctx);
}

static void tell_waiting(struct coord *c, unsigned n)
{
	if (n == c->waiting)
		return;
	c->waiting = n;
	if (c->setup.waiting)
		c->setup.waiting(c->setup.waiting_ctx, n);
}

/*
 * A node has come: for how long others are worth waiting for that have neither
 * come nor failed.  A dead machine does not answer at all.
 */
static void wait_for_others(struct coord *c)
{
	unsigned ms = 0;

	for (size_t i = 0; i < c->n_nodes; i++) {
		const struct coord_node *n = c->nodes[i];
		bool tls = n->entry->address.kind == NODE_TLS;
		struct sched_node_figures f;

		sched_node_figures(c->sched, n->number, &f);
		if (f.state == SCHED_NODE_GREETING)
			ms = !tls || ms == SLOW_MORE_MS ? SLOW_MORE_MS :
							  MORE_MS;
	}
	if (ms)
		event_add(c->ready_timer,
			  &(struct timeval){ .tv_sec = ms / 1000,
					     .tv_usec = ms % 1000 * 1000 });
}

/* What the nodes want of this machine, it does not compile itself. */
static void tell_local_slots(struct coord *c)
{
	struct sched_event event = { .kind = SCHED_LOCAL_SLOTS,
				     .slots = coord_slots_local(c) };

	if (event.slots == c->local_slots)
		return;
	c->local_slots = event.slots;
	coord_dispatch_event(c, &event);
}

/* Are they worth asking for: is there a node that could take one? */
static void tell_steps(struct coord *c)
{
	bool wanted = false;

	if (!c->setup.steps || !c->takes_steps)
		return;
	for (size_t i = 0; i < c->n_nodes && !wanted; i++)
		wanted = coord_node_takes_steps(c->nodes[i]);
	wanted |= coord_counterpart_is_making(c);
	if (wanted != c->steps)
		c->setup.steps(c->setup.steps_ctx, wanted);
	c->steps = wanted;
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
	struct coord *c = arg;
	struct sched_figures figures;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < c->n_nodes && c->other_steps; i++)
		coord_node_tell_steps(c->nodes[i]);
	if (c->other_steps)
		coord_dispatch_held(c);
	c->other_steps = false;
	coord_dispatch(c);
	coord_identity_check(c);
	for (size_t i = 0; i < c->n_nodes; i++) {
		peer_step(c->nodes[i]->peer);
		coord_node_tell_lacks(c->nodes[i]);
		coord_node_tell_useless(c->nodes[i]);
	}
	tell_local_slots(c);
	tell_steps(c);
	sched_figures(c->sched, &figures);
	tell_waiting(c, coord_slots_waiting(&figures, c->setup.local_slots));
	if (c->ready && figures.slots > c->ready_slots)
		wait_for_others(c);
	c->ready_slots = figures.slots;
	if (c->ready && !figures.undecided)
		tell_ready(c);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct coord *c = arg;

	/* The timer may be early by less than 1 ms: then it is set again. */
	c->timer_ms = UINT64_MAX;
	on_kick(fd, what, arg);
}

static void on_ready_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tell_ready(arg);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct coord *c = arg;
	uint64_t now = clock_ms();

	(void)fd;
	(void)what;
	coord_clients_beat(c->clients);
	inputs_toolchains_check(&c->toolchains);
	coord_use_tick(c, now);
	for (size_t i = 0; i < c->n_nodes; i++)
		peer_tick(c->nodes[i]->peer, now);
}

static struct event *make_event(struct coord *c, short what,
				event_callback_fn fn)
{
	struct event *ev = event_new(c->base, -1, what, fn, c);

	if (!ev)
		str_out_of_memory();
	return ev;
}

static void use_toolchain(struct coord *c, struct inputs_toolchain *tc)
{
	peer_farm_add(&c->farm, tc);
	for (size_t i = 0; i < c->n_nodes; i++)
		c->nodes[i]->unsure = peer_state(c->nodes[i]->peer) == PEER_UP;
}

/* A compiler is known better than before. */
static void on_toolchain(void *ctx, struct inputs_toolchain *tc,
			 enum inputs_known was)
{
	struct coord *c = ctx;

	if (was == INPUTS_UNKNOWN && tc->state == INPUTS_READY)
		use_toolchain(c, tc);
	else if (was == INPUTS_UNKNOWN && c->farm.tune)
		peer_tune_none(c->farm.tune, tc->err.text);
	coord_dispatch_toolchain(c, tc);
}

static void on_reference(void *ctx, struct inputs_reference *ref)
{
	coord_dispatch_kind(ctx, ref);
}

/* ------------------------------------------------------------------ set-up */

static void set_options(struct coord *c, const struct coord_setup *setup)
{
	c->base = setup->base;
	c->work = xstrdup(setup->work);
	c->boot_id = process_boot();
	c->canary_db = setup->canary_db ? xstrdup(setup->canary_db) : NULL;
	c->data = setup->data ? xstrdup(setup->data) : NULL;
	c->umask = umask(0);
	umask(c->umask);
	c->setup = *setup;
	if (!c->setup.local_slots)
		c->setup.local_slots = 1;
	c->local_slots = c->setup.local_slots;
	c->began_ms = clock_ms();
	c->timer_ms = UINT64_MAX;
}

static void add_roots(struct strv *roots, char *const *trees)
{
	for (; trees && *trees; trees++) {
		char *real = realpath(*trees, NULL);

		if (real && wire_path_ok(real) && !strv_has(roots, real))
			strv_add(roots, real);
		free(real);
	}
}

/* What scanning takes, and what the nodes share. */
static void make_farm(struct coord *c, const struct coord_setup *setup)
{
	struct scan_setup scan = { .ask = capture_run,
				   .ctx = &c->ending,
				   .cache_dir = setup->cache_dir,
				   .memory_max = SCAN_MEMORY };

	c->children = children_new(c->base);
	c->pool = pool_new(c->base, THREADS);
	inputs_init(&c->inputs, &scan);
	c->fixdep = inputs_fixdep_new();
	c->tools = inputs_tools_new(c->inputs.paths);
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
	c->takes_steps = !setup->roster->no_steps;
	c->codec = setup->roster->n ? setup->roster->v[0].codec : WIRE_PLAIN;
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
	add_roots(&c->farm.roots, setup->trees);
}

static void make_sched(struct coord *c, const struct coord_setup *setup)
{
	const struct node_roster *roster = setup->roster;
	struct sched_setup s = {
		.local_slots = c->setup.local_slots,
		.scans_max = SCANS_MAX,
		.patience_ms = setup->patience_ms ? setup->patience_ms :
						    PATIENCE_MS,
		.seed = c->began_ms,
		.n_nodes = roster->n,
		.no_remote = roster->off,
	};

	c->sched = sched_new(&s);
	coord_roster_begin(c, roster);
}

static void make_events(struct coord *c)
{
	static const struct timeval second = { .tv_sec = 1 };

	c->kick = make_event(c, 0, on_kick);
	c->timer = make_event(c, 0, on_timer);
	c->tick = make_event(c, EV_PERSIST, on_tick);
	c->ready_timer = make_event(c, 0, on_ready_timer);
	event_add(c->tick, &second);
}

/* A person asks for something. */
static void on_request(void *ctx, enum events_request what, const char *node)
{
	struct coord *c = ctx;

	for (size_t i = 0; i < c->n_nodes; i++) {
		if (!c->nodes[i]->removed &&
		    !strcmp(c->nodes[i]->entry->name, node))
			coord_node_ask(c->nodes[i], what);
	}
}

int coord_new(struct coord **out, const struct coord_setup *setup,
	      struct err *err)
{
	struct coord *c = xcalloc(1, sizeof(*c));
	int ret;

	set_options(c, setup);
	make_events(c);
	make_farm(c, setup);
	make_sched(c, setup);
	ret = coord_clients_new(&c->clients, c->base, setup->socket,
				&coord_dispatch_clients, c, err);
	if (ret) {
		coord_free(c);
		return ret;
	}
	if (c->setup.hub)
		events_hub_set_control(c->setup.hub, on_request, c);
	/* From the loop, so that the caller is complete by then. */
	event_active(c->kick, EV_TIMEOUT, 0);
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
	event_active(c->kick, EV_TIMEOUT, 0);
}

/* ----------------------------------------------------------------- figures */

unsigned coord_remote_slots(const struct coord *c)
{
	struct sched_figures figures;

	sched_figures(c->sched, &figures);
	return figures.slots;
}

unsigned coord_local_slots(const struct coord *c)
{
	return c->local_slots;
}

bool coord_is_busy(const struct coord *c)
{
	struct sched_figures figures;

	sched_figures(c->sched, &figures);
	return figures.running || figures.queued;
}

void coord_tell_figures(const struct coord *c)
{
	for (size_t i = 0; i < c->n_nodes; i++)
		coord_tell_load(c->nodes[i]);
}

uint64_t coord_scan_us(const struct coord *c)
{
	return c->scan_us + c->check_us;
}

/* --------------------------------------------------------------------- end */

/*
 * Kill what runs for the units, wait until it is dead, and only then remove
 * the temporaries: a compiler that still runs would make them anew.
 */
static void end_units(struct coord *c)
{
	coord_dispatch_end(c);
	for (size_t i = 0; i < c->n_nodes; i++)
		coord_node_end(c->nodes[i]);
	/* Questions to compilers end now, and so does what waits for them. */
	pool_free(c->pool);
	peer_canary_free_all(&c->farm);
	inputs_toolchains_release(&c->toolchains);
	children_wait(c->children, GOODBYE_MS);
	coord_clients_free(c->clients);
}

void coord_free(struct coord *c)
{
	if (!c)
		return;
	if (c->setup.hub)
		events_hub_set_control(c->setup.hub, NULL, NULL);
	end_units(c);
	sched_free(c->sched);
	children_free(c->children);
	coord_hedges_release(c);
	coord_counterparts_free(c);
	store_packed_free(c->farm.packed);
	inputs_tools_free(c->tools);
	inputs_release(&c->inputs);
	inputs_fixdep_free(c->fixdep);
	peer_farm_release(&c->farm);
	event_free(c->kick);
	event_free(c->timer);
	event_free(c->tick);
	event_free(c->ready_timer);
	coord_roster_release(c);
	free(c->news);
	free(c->units);
	free(c->jobs);
	free(c->work);
	free(c->boot_id);
	free(c->canary_db);
	free(c->data);
	free(c);
}
