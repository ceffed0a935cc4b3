/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/coord.h"

#include "base/child.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/process.h"
#include "base/spawn.h"
#include "base/str.h"
#include "cache/remote.h"
#include "coord/caching.h"
#include "coord/dispatch.h"
#include "coord/hedge.h"
#include "coord/node.h"
#include "coord/tool-step.h"
#include "coord/wrapper-conn.h"
#include "inputs/fixdep.h"
#include "inputs/tool.h"
#include "inputs/toolchain.h"
#include "node/limits.h"
#include "node/pool.h"
#include "peer/canary.h"
#include "peer/native-toolchain.h"
#include "peer/peer.h"
#include "store/packed-cache.h"
#include "wire/cc.h"

#include <event2/event.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Lower bound of the limit on waiting recipes.  The limit exists because each
 * waiting recipe occupies a shell and a wrapper, and sometimes a make.
 */
#define WAITING_RECIPES_MIN 64u
#define THREADS             2
#define SCAN_CACHE_BYTES    ((size_t)44 << 20) /* cpp_setup.max_memory_bytes */
#define SCANS_MAX           64 /* limit of units being scanned or verified */
#define TOOLCHAIN_WAIT_MS   1000
/*
 * Once a node is up, coord_when_ready() waits this long for the nodes that are
 * still connecting: OTHERS_WAIT_MS if all of them are tls: nodes, otherwise
 * SLOW_OTHERS_WAIT_MS.
 */
#define OTHERS_WAIT_MS      300
#define SLOW_OTHERS_WAIT_MS 1000

/* End the wait of coord_when_ready() and notify its caller. */
static void report_ready(struct coord *c)
{
	void (*ready)(void *ctx) = c->ready.on_ready;

	c->ready.on_ready = NULL;
	event_del(c->timers.ready);
	if (ready)
		ready(c->ready.ctx);
}

/* Let the wait of coord_when_ready() end after at most `ms` milliseconds. */
static void limit_ready_wait(struct coord *c, unsigned ms)
{
	struct timeval tv = { .tv_sec = ms / 1000,
			      .tv_usec = (suseconds_t)(ms % 1000) * 1000 };
	uint64_t end = clock_ms() + ms;

	if (end >= c->ready.end_ms)
		return;
	c->ready.end_ms = end;
	event_add(c->timers.ready, &tv);
}

/*
 * Limit the wait for the nodes that are still connecting, because a dead
 * machine does not answer at all.  At least one node must be up.
 */
static void wait_for_other_nodes(struct coord *c)
{
	unsigned ms = 0;

	for (size_t i = 0; i < c->nodes.n; i++) {
		const struct coord_node *n = c->nodes.v[i];
		bool tls = n->entry->address.kind == NODE_ADDRESS_TLS;
		struct sched_node_counts f;

		sched_node_counts(c->sched, n->number, &f);
		if (f.state == SCHED_NODE_CONNECTING)
			ms = !tls || ms == SLOW_OTHERS_WAIT_MS ?
				     SLOW_OTHERS_WAIT_MS :
				     OTHERS_WAIT_MS;
	}
	if (ms)
		limit_ready_wait(c, ms);
}

/*
 * Compute the number of local slots (n_slots) that remain while the build host
 * serves the nodes that are up and not disabled for a compiler, and the number
 * of these slots that compile units while all nodes are busy (n_spare).  If
 * local_when_busy is set and no node that is up runs on the build host, n_spare
 * is n_slots - 1, which leaves one slot for make's own steps.  Otherwise,
 * n_spare is 0.
 */
static void count_local_slots(const struct coord *c, struct sched_event *event)
{
	bool spare = c->local_when_busy;
	unsigned fed = 0;

	for (size_t i = 0; i < c->nodes.n; i++) {
		const struct coord_node *n = c->nodes.v[i];
		struct sched_node_counts sched;
		struct peer_stats figures;

		sched_node_counts(c->sched, n->number, &sched);
		if (sched.state != SCHED_NODE_UP ||
		    sched_is_compiler_disabled(c->sched, n->number))
			continue;
		peer_stats(n->peer, &figures);
		fed += node_limit_counted_cores(c->setup.local_slots,
						figures.inventory->cores);
		if (str_equal(peer_boot_id(n->peer), c->boot_id))
			spare = false;
	}
	event->n_slots = node_limit_local_slots(c->setup.local_slots, fed);
	event->n_spare = spare ? event->n_slots - 1 : 0;
}

unsigned coord_extra_recipes(const struct sched_counts *f, unsigned local)
{
	unsigned most = f->n_slots > WAITING_RECIPES_MIN ? f->n_slots :
							   WAITING_RECIPES_MIN;
	unsigned waiting = f->n_waiting_local < most ? f->n_waiting_local :
						       most;

	if (!f->n_slots)
		return f->n_remote;
	return f->n_remote + waiting +
	       (f->n_local < local ? 0 : f->n_local - local + 1);
}

/*
 * Return true if the nodes must be dialed now because a further unit might wait
 * for a local slot.
 */
static bool are_nodes_needed(const struct coord *c)
{
	unsigned slots = c->setup.local_slots;

	return c->demand.roster && node_roster_has_nodes(c->demand.roster) &&
	       c->units.n_dispatched >= (slots > 1 ? slots : 2);
}

/*
 * Dial the nodes of c->demand.roster, and start to identify the toolchains of
 * the announced compilers (coord_announce_compiler()).  The caller must then
 * call coord_dispatch().
 */
static void connect_demanded_nodes(struct coord *c)
{
	const struct node_roster *roster = c->demand.roster;

	c->demand.roster = NULL;
	for (size_t i = 0; i < roster->n; i++)
		coord_node_add(c, &roster->v[i]);
	for (size_t i = 0; i < c->demand.drivers.n; i++)
		inputs_toolchain_get(&c->toolchains, c->demand.drivers.v[i],
				     strv_list(&c->demand.env));
}

/*
 * Advance all nodes and recount the local slots.  A large farm has hundreds of
 * nodes, so most events of units must not cause a call of this function.
 */
static void examine_nodes(struct coord *c)
{
	struct sched_event event = { .kind = SCHED_EV_LOCAL_SLOTS };

	c->nodes.changed = false;
	coord_node_advance_all(c);

	/* The build host gives up local slots to serve the nodes. */
	count_local_slots(c, &event);
	if (event.n_slots != c->stats.local_slots ||
	    event.n_spare != c->stats.spare_slots) {
		c->stats.local_slots = event.n_slots;
		c->stats.spare_slots = event.n_spare;
		coord_dispatch_event(c, &event);
	}
}

/* ----------------------------------------------------------------- pools */

/*
 * A member of a pool (node/pool.h) is a node that is added when the build needs
 * it and removed when it is idle.  To dial a member, the coordinator executes
 * the command of the pool.  If the command fails or the machine is lost, the
 * dispatcher dials the member again after a backoff, as for any other node.  A
 * removed member still counts as a member until its command has exited, so the
 * pool never has more members than `max`.
 */

static bool is_member(const struct coord_node *n, const struct node_pool *p)
{
	return str_equal(n->entry->pool, p->name);
}

/* Return the number K of member NAME/K. */
static unsigned member_number(const struct coord_node *n)
{
	return (unsigned)strtoul(strrchr(n->entry->name, '/') + 1, NULL, 10);
}

/* Return true while the process of a member exists or can be started again. */
static bool is_alive(const struct coord_node *n)
{
	return !n->removed || peer_state(n->peer) != PEER_DOWN ||
	       peer_is_ending(n->peer);
}

/*
 * Estimate how many of the units that make will still request need a compile.
 * With the result cache, the estimate is 0 until 2 * n_slots units have been
 * requested.  After that, the share of units that are found in the cache is
 * assumed to stay the same.
 */
static uint64_t count_future_units(const struct coord *c, unsigned n_slots)
{
	const struct coord_unit_table *units = &c->units;

	if (units->n_expected <= units->n)
		return 0;
	if (!c->setup.cache)
		return units->n_expected - units->n;
	return units->n < 2 * (size_t)n_slots ?
		       0 :
		       (units->n_expected - units->n) * units->n_dispatched /
			       units->n;
}

/*
 * Determine the work that is left.  If the number of units is unknown and all
 * local slots are in use, the build is assumed to be half done.
 */
static void find_work(const struct coord *c, struct node_pool_work *out)
{
	unsigned n_slots = c->stats.local_slots;
	struct sched_counts counts;
	uint64_t n;

	sched_counts(c->sched, &counts);
	n = counts.n_running + counts.n_queued;
	if (!c->units.n_expected && n >= n_slots)
		n = c->units.n_dispatched;
	n += count_future_units(c, n_slots);
	for (size_t i = 0; i < c->nodes.n; i++) {
		struct sched_node_counts node;

		sched_node_counts(c->sched, c->nodes.v[i]->number, &node);
		if (!c->nodes.v[i]->entry->pool && node.state == SCHED_NODE_UP)
			n_slots += node.n_slots;
	}
	*out = (struct node_pool_work){
		.cost_ms = n * sched_mean_cost_ms(c->sched),
		.n_units = (unsigned)n,
		.n_slots = n_slots,
	};
}

/*
 * Return true if the node is in state PEER_GREETING, or waits for a toolchain.
 */
static bool is_preparing(const struct coord_node *n)
{
	const struct peer_shared *shared = &n->coord->shared;

	for (size_t i = 0; i < shared->n_toolchains; i++) {
		if (peer_toolchain_state(n->peer, shared->toolchains[i]) ==
		    PEER_TOOLCHAIN_PENDING)
			return true;
	}
	return peer_state(n->peer) == PEER_GREETING;
}

/* Return true if a pool member in this state has failed and gets no jobs. */
static bool is_down(enum sched_node_state state)
{
	return state != SCHED_NODE_CONNECTING && state != SCHED_NODE_UP &&
	       state != SCHED_NODE_DRAINING && state != SCHED_NODE_DRAINED;
}

/*
 * Return the number of members that have not been removed, and set *n_down to
 * the number of these members that are down.
 */
static unsigned count_members(const struct coord *c, const struct node_pool *p,
			      unsigned *n_down)
{
	unsigned count = 0;

	*n_down = 0;
	for (size_t i = 0; i < c->nodes.n; i++) {
		const struct coord_node *n = c->nodes.v[i];
		struct sched_node_counts counts;

		if (!is_member(n, p) || n->removed)
			continue;
		sched_node_counts(c->sched, n->number, &counts);
		*n_down += is_down(counts.state);
		count++;
	}
	return count;
}

/*
 * Remove members that have had no job for at least p->idle_ms, until `wanted`
 * members are left.
 */
static void end_idle_members(struct coord *c, const struct node_pool *p,
			     unsigned wanted)
{
	unsigned n_down, count = count_members(c, p, &n_down);
	uint64_t now_ms = clock_ms();

	for (size_t i = c->nodes.n; i--;) {
		struct coord_node *n = c->nodes.v[i];
		struct sched_node_counts counts;
		struct buf words = { 0 };

		if (!is_member(n, p) || n->removed)
			continue;
		sched_node_counts(c->sched, n->number, &counts);
		if (counts.n_running || is_preparing(n))
			n->busy_ms = now_ms;
		if (count <= wanted || now_ms - n->busy_ms < p->idle_ms)
			continue;
		buf_add_str(&words, "idle for ");
		format_duration(&words, p->idle_ms);
		coord_node_remove(n, buf_str(&words));
		buf_release(&words);
		count--;
	}
}

/* Start members until there are `wanted` members. */
static void start_members(struct coord *c, const struct node_pool *p,
			  unsigned wanted)
{
	bool *used = xcalloc(p->max, sizeof(*used));
	unsigned count = 0;

	for (size_t i = 0; i < c->nodes.n; i++) {
		const struct coord_node *n = c->nodes.v[i];

		if (!is_member(n, p) || !is_alive(n))
			continue;
		count++;
		if (member_number(n) <= p->max)
			used[member_number(n) - 1] = true;
	}
	for (unsigned i = 0; i < p->max && count < wanted; i++) {
		if (used[i])
			continue;
		coord_node_add(c, &p->members[i]);
		count++;
	}
	free(used);
}

/*
 * Start the members that the build needs and remove those that are idle.  Does
 * nothing before the nodes have been dialed.
 */
static void update_pools(struct coord *c)
{
	const struct node_roster *r = c->nodes.roster;
	struct node_pool_work work;
	unsigned *wanted, *n_down;

	if (!r->n_pools || c->demand.roster)
		return;
	wanted = xcalloc(r->n_pools, sizeof(*wanted));
	n_down = xcalloc(r->n_pools, sizeof(*n_down));
	for (size_t i = 0; i < r->n_pools; i++)
		count_members(c, &r->pools[i], &n_down[i]);
	find_work(c, &work);
	node_pool_distribute(r->pools, r->n_pools, &work, n_down, wanted);
	for (size_t i = 0; i < r->n_pools; i++)
		end_idle_members(c, &r->pools[i], wanted[i]);
	for (size_t i = 0; i < r->n_pools; i++)
		start_members(c, &r->pools[i], wanted[i]);
	free(wanted);
	free(n_down);
	coord_dispatch(c);
}

/* ---------------------------------------------------------------- timers */

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
	struct coord *c = arg;
	struct sched_counts figures;
	unsigned waiting;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < c->nodes.n && c->steps.dirty; i++)
		coord_node_report_steps(c->nodes.v[i]);
	if (c->steps.dirty)
		coord_dispatch_deferred(c);
	c->nodes.changed |= c->steps.dirty;
	c->steps.dirty = false;
	if (are_nodes_needed(c))
		connect_demanded_nodes(c);
	/* Start the first members of pools now, not at the next tick. */
	if (!c->nodes.n)
		update_pools(c);
	coord_dispatch(c);
	if (c->nodes.changed)
		examine_nodes(c);
	sched_counts(c->sched, &figures);
	c->demand.waiting = c->demand.waiting && !figures.n_slots &&
			    (c->demand.roster || figures.n_undecided_nodes);
	waiting = coord_extra_recipes(&figures, c->setup.local_slots);
	if (waiting != c->stats.reported_waiting) {
		c->stats.reported_waiting = waiting;
		if (c->setup.on_waiting_changed)
			c->setup.on_waiting_changed(c->setup.waiting_ctx,
						    waiting);
	}
	if (c->ready.on_ready && figures.n_slots > c->ready.n_slots)
		wait_for_other_nodes(c);
	c->ready.n_slots = figures.n_slots;
	if (c->ready.on_ready && !figures.n_undecided_nodes)
		report_ready(c);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct coord *c = arg;

	/*
	 * The timer can fire up to 1 ms early.  Record that it is not set, so
	 * that coord_dispatch() sets it again in this case.
	 */
	c->timers.sched_ms = UINT64_MAX;
	on_kick(fd, what, arg);
}

static void on_ready_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	report_ready(arg);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct coord *c = arg;
	uint64_t now = clock_ms();

	(void)fd;
	(void)what;
	coord_wrapper_conns_send_beat(c->wrapper_conns);
	coord_report_unanswered_jobs(c);
	inputs_toolchain_check_all(&c->toolchains);
	coord_node_sample_local_load(c, now);
	for (size_t i = 0; i < c->nodes.n; i++) {
		peer_tick(c->nodes.v[i]->peer, now);
		if (c->nodes.v[i]->dial_pending)
			coord_dispatch_dial(c->nodes.v[i]);
	}
	update_pools(c);
	c->nodes.changed = true;
}

static struct event *make_event(struct coord *c, short what,
				event_callback_fn fn)
{
	struct event *ev = event_new(c->base, -1, what, fn, c);

	if (!ev)
		str_out_of_memory();
	return ev;
}

/* The state of a toolchain changed. */
static void on_toolchain(void *ctx, struct inputs_toolchain *tc,
			 enum inputs_state was)
{
	struct coord *c = ctx;

	if (was == INPUTS_STATE_UNKNOWN && tc->state == INPUTS_STATE_READY) {
		peer_shared_add_toolchain(&c->shared, tc);
		for (size_t i = 0; i < c->nodes.n; i++)
			c->nodes.v[i]->sandbox_state_unknown =
				peer_state(c->nodes.v[i]->peer) == PEER_UP;
	} else if (was == INPUTS_STATE_UNKNOWN && c->shared.benchmark) {
		peer_benchmark_fail_all(c->shared.benchmark, tc->err.text);
	}
	coord_dispatch_toolchain(c, tc);
	coord_caching_on_toolchain(c, tc);
}

/* ---------------------------------------------------------------- set-up */

/* Initialize the scanner and the state that the nodes share. */
static void init_shared(struct coord *c, const struct coord_setup *setup)
{
	char *real;
	struct cpp_setup scan = { .query = capture_run,
				  .ctx = &c->ending,
				  .cache_dir = setup->cache_dir,
				  .max_memory_bytes = SCAN_CACHE_BYTES,
				  .selects_definitions = setup->cache };

	c->children = children_new(c->base);
	c->pool = pool_new(c->base, THREADS);
	inputs_init(&c->inputs, &scan);
	c->fixdep = inputs_fixdep_new(setup->cache_dir, c->work_dir);
	c->tools = inputs_tool_cache_new(c->inputs.paths);
	c->toolchains = (struct inputs_toolchains){
		.event_base = c->base,
		.children = c->children,
		.paths = c->inputs.paths,
		.work_dir = c->work_dir,
		.on_state_changed = on_toolchain,
		.on_reference_made = coord_dispatch_on_reference,
		.ctx = c,
	};
	inputs_toolchains_init(&c->toolchains, setup->cache_dir);
	c->steps.enabled = !setup->roster->steps_disabled;
	if (setup->roster->n_pools)
		c->codec = WIRE_LZO;
	for (size_t i = 0; i < setup->roster->n; i++) {
		if (setup->roster->v[i].codec > c->codec)
			c->codec = setup->roster->v[i].codec;
	}
	c->shared = (struct peer_shared){
		.base = c->base,
		.children = c->children,
		.pool = c->pool,
		.packed = peer_blob_upload_new_cache(&c->codec),
		.paths = c->inputs.paths,
		.work_dir = c->work_dir,
		.canary_db = c->canary_db,
		.data_dir = c->data_dir,
		.sync_toolchains = setup->roster->sync_toolchains &&
				   setup->data_dir,
		.weight_percent = setup->roster->weight_percent,
		.benchmark = setup->benchmark,
		.ops = &coord_node_ops,
		.ctx = c,
	};
	TAILQ_INIT(&c->shared.canaries);
	for (char *const *t = setup->trees; t && *t; t++) {
		real = realpath(*t, NULL);
		if (real && wire_path_is_valid(real) &&
		    !strv_has(&c->shared.roots, real))
			strv_add(&c->shared.roots, real);
		free(real);
	}
	c->top = getcwd(NULL, 0);
	if (!c->top)
		c->top = xstrdup("/");
}

/* Handle a user's request. */
static void on_request(void *ctx, enum events_request what, const char *node)
{
	struct coord *c = ctx;

	for (size_t i = 0; i < c->nodes.n; i++) {
		if (!c->nodes.v[i]->removed &&
		    !strcmp(c->nodes.v[i]->entry->name, node))
			coord_node_handle_request(c->nodes.v[i], what);
	}
}

int coord_new(struct coord **out, const struct coord_setup *setup,
	      struct err *err)
{
	static const struct timeval second = { .tv_sec = 1 };
	static const struct node_roster none;
	const struct node_roster *roster = setup->roster;
	struct coord *c = xcalloc(1, sizeof(*c));
	struct sched_setup s = {
		.max_scans = SCANS_MAX,
		.n_nodes = setup->connects_on_demand ? 0 : roster->n,
		.remote_disabled = roster->remote_disabled,
	};
	int ret;

	c->base = setup->base;
	c->work_dir = xstrdup(setup->work_dir);
	c->boot_id = process_boot_id();
	c->local_when_busy = roster->local_when_busy;
	c->canary_db = setup->canary_db ? xstrdup(setup->canary_db) : NULL;
	c->data_dir = setup->data_dir ? xstrdup(setup->data_dir) : NULL;
	c->root = wire_cc_root();
	c->umask = umask(0);
	umask(c->umask);
	c->setup = *setup;
	if (!c->setup.local_slots)
		c->setup.local_slots = 1;
	if (!c->setup.toolchain_wait_ms)
		c->setup.toolchain_wait_ms = TOOLCHAIN_WAIT_MS;
	c->stats.local_slots = c->setup.local_slots;
	c->stats.start_ms = clock_ms();

	c->timers.sched_ms = UINT64_MAX;
	c->timers.kick = make_event(c, 0, on_kick);
	c->timers.sched = make_event(c, 0, on_timer);
	c->timers.tick = make_event(c, EV_PERSIST, on_tick);
	c->timers.ready = make_event(c, 0, on_ready_timer);
	event_add(c->timers.tick, &second);

	init_shared(c, setup);
	s.n_local_slots = c->setup.local_slots;
	s.max_wait_ms = c->setup.toolchain_wait_ms;
	s.seed = c->stats.start_ms;
	c->sched = sched_new(&s);
	/*
	 * Do not borrow an empty roster: the caller can release it after this
	 * call, unless setup->connects_on_demand is set.
	 */
	c->nodes.roster = node_roster_has_nodes(roster) ? roster : &none;
	if (setup->connects_on_demand)
		c->demand.roster = roster;
	else
		coord_node_add_roster(c, roster);
	c->nodes.changed = true;
	c->demand.waiting = setup->connects_on_demand;
	ret = coord_wrapper_conns_new(c, &coord_dispatch_wrapper_ops, err);
	if (ret) {
		coord_free(c);
		return ret;
	}
	if (c->setup.hub)
		events_hub_set_control(c->setup.hub, on_request, c);
	/*
	 * Dispatch for the first time from the loop, when the caller has
	 * finished its own set-up.
	 */
	event_active(c->timers.kick, EV_TIMEOUT, 0);
	*out = c;
	return 0;
}

void coord_announce_compiler(struct coord *c, const char *driver,
			     char *const *env)
{
	if (c->demand.roster) {
		strv_add(&c->demand.drivers, driver);
		strv_release(&c->demand.env);
		strv_add_all(&c->demand.env, env);
	} else if (c->nodes.n) {
		inputs_toolchain_get(&c->toolchains, driver, env);
	}
}

void coord_expect_units(struct coord *c, int64_t n_units)
{
	const struct sched_event event = {
		.kind = SCHED_EV_EXPECTED_UNITS,
		.n_units = n_units > 0 && n_units < UINT_MAX ?
				   (unsigned)n_units :
				   0,
	};

	c->units.n_expected = event.n_units;
	coord_dispatch_event(c, &event);
}

void coord_when_ready(struct coord *c, unsigned limit_ms,
		      void (*ready)(void *ctx), void *ctx)
{
	c->ready.on_ready = ready;
	c->ready.ctx = ctx;
	c->ready.end_ms = UINT64_MAX;
	limit_ready_wait(c, limit_ms);
	event_active(c->timers.kick, EV_TIMEOUT, 0);
}

/* --------------------------------------------------------------- queries */

unsigned coord_remote_slots(const struct coord *c)
{
	struct sched_counts figures;

	sched_counts(c->sched, &figures);
	return figures.n_slots;
}

unsigned coord_local_slots(const struct coord *c)
{
	return c->stats.local_slots;
}

bool coord_is_busy(const struct coord *c)
{
	struct sched_counts figures;

	sched_counts(c->sched, &figures);
	return figures.n_running || figures.n_queued;
}

void coord_report_unanswered_jobs(struct coord *c)
{
	coord_wrapper_conns_report_unanswered(c->wrapper_conns);
}

uint64_t coord_scan_us(const struct coord *c)
{
	return c->stats.scan_us + c->stats.check_us;
}

/* -------------------------------------------------------------- clean-up */

void coord_free(struct coord *c)
{
	if (!c)
		return;
	if (c->setup.hub)
		events_hub_set_control(c->setup.hub, NULL, NULL);
	/*
	 * Kill all processes of the units, and wait for their exit before the
	 * temporary files of the units are removed, because a running compiler
	 * would create these files again.
	 */
	coord_dispatch_stop(c);
	for (size_t i = 0; i < c->nodes.n; i++) {
		peer_free(c->nodes.v[i]->peer);
		c->nodes.v[i]->peer = NULL;
	}
	/* Stop the lookups first, because they add units to the pool. */
	cache_remote_stop_look_ups(c->setup.remote_cache);
	/*
	 * Wait for the running work.  Driver queries end early, because
	 * c->ending is set.
	 */
	pool_free(c->pool);
	peer_canary_free_all(&c->shared);
	inputs_toolchains_release(&c->toolchains);
	peer_shared_wait_for_commands(&c->shared, c->nodes.roster->n_pools > 0);
	coord_wrapper_conns_free(c->wrapper_conns);
	coord_dispatch_free_units(c);

	sched_free(c->sched);
	children_free(c->children);
	coord_hedge_release_all(c);
	coord_cross_genksyms_free_all(c);
	store_packed_cache_free(c->shared.packed);
	inputs_tool_cache_free(c->tools);
	inputs_release(&c->inputs);
	inputs_fixdep_free(c->fixdep);
	peer_shared_release(&c->shared);
	event_free(c->timers.kick);
	event_free(c->timers.sched);
	event_free(c->timers.tick);
	event_free(c->timers.ready);
	coord_node_free_all(c);
	strv_release(&c->demand.drivers);
	strv_release(&c->demand.env);
	free(c->queue.v);
	free(c->units.v);
	free(c->units.jobs);
	free(c->work_dir);
	free(c->boot_id);
	free(c->root);
	free(c->canary_db);
	free(c->data_dir);
	free(c->top);
	free(c);
}
