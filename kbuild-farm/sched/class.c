/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sched/class.h"

#include "base/heap.h"
#include "base/str.h"
#include "base/vec.h"

#include <math.h>
#include <stdlib.h>

#define COST_MAX_MS 600000 /* maximum predicted cost of a unit */
/* time in which a sample of slowness loses half of its weight */
#define HALF_LIFE_MS 20000
/* the expected slowness counts like the sample of a unit with this cost */
#define PRIOR_MS 2000
/*
 * Decay of the samples that predict a cost from the size of the inputs.  Half
 * of the weight belongs to the last 34 units.  With a faster decay, the long
 * units that end last in a build would raise each other's predicted costs.
 */
#define SAMPLE_DECAY 0.98
/* expected wait for a slot if only test jobs use the slots */
#define NO_UNIT_MS    1000
#define SLOWNESS_MIN  (1.0 / 32)
#define CLOCK_MIN     0.05
#define SLOWNESS_STEP 1.0905077326652577 /* the eighth root of 2 */

/* ---- slowness ---- */

/* Return the step whose slowness is nearest to `slowness`. */
static unsigned slowness_step(double slowness)
{
	double bound = SLOWNESS_MIN * 1.0443;
	unsigned step = 0;

	for (; step + 1 < SCHED_SLOWNESS_STEPS && slowness > bound; step++)
		bound *= SLOWNESS_STEP;
	return step;
}

static double slowness_of_step(unsigned step)
{
	double slowness = SLOWNESS_MIN;

	while (step--)
		slowness *= SLOWNESS_STEP;
	return slowness;
}

/* ---- the order of the classes of equal slowness ---- */

static bool is_better(const struct sched_class *a, const struct sched_class *b)
{
	if (a->start_ms != b->start_ms)
		return a->start_ms < b->start_ms;
	if (a->load != b->load)
		return a->load < b->load;
	return a->node == b->node ? a < b : a->node->number < b->node->number;
}

static bool is_better_class(const void *a, const void *b)
{
	return is_better(*(struct sched_class *const *)a,
			 *(struct sched_class *const *)b);
}

static void store_class_index(void *element, size_t at)
{
	(*(struct sched_class **)element)->heap_at = at;
}

static const struct heap_type by_start = {
	.size = sizeof(void *),
	.is_before = is_better_class,
	.on_moved = store_class_index,
};

static void remove_class(struct sched *s, struct sched_class *c)
{
	struct sched_class_heap *h = &s->classes[c->step];

	if (!c->in_heap)
		return;
	c->in_heap = false;
	h->v[c->heap_at] = h->v[--h->n];
	if (c->heap_at < h->n)
		heap_move(&by_start, h->v, h->n, c->heap_at);
}

static void insert_class(struct sched *s, struct sched_class *c)
{
	struct sched_class_heap *h = &s->classes[c->step];

	c->in_heap = true;
	*VEC_ADD(h->v, h->n) = c;
	heap_move(&by_start, h->v, h->n, h->n - 1);
}

/* ---- learning ---- */

uint64_t sched_class_cost_ms(const struct sched *s, const struct sched_unit *u)
{
	double ms = u->cost_ms;

	if (!u->cost_ms && s->learned_kib > 0)
		ms = s->learned_cpu_ms / s->learned_kib *
		     (double)u->input_bytes / 1024;
	return ms > COST_MAX_MS ? COST_MAX_MS : (uint64_t)ms;
}

void sched_class_learn_cost(struct sched *s, const struct sched_unit *u)
{
	s->learned_cpu_ms = s->learned_cpu_ms * SAMPLE_DECAY + u->cpu_ms;
	s->learned_kib = s->learned_kib * SAMPLE_DECAY +
			 (double)u->input_bytes / 1024 + 1;
}

static void decay_samples(struct sched_class *c, uint64_t now_ms)
{
	uint64_t age_ms = now_ms - c->learned_ms;
	double weight = 1;

	for (; age_ms >= HALF_LIFE_MS && weight > 1e-3; age_ms -= HALF_LIFE_MS)
		weight /= 2;
	/* Interpolate linearly between two halvings. */
	weight *= 1 - 0.5 * (double)(age_ms % HALF_LIFE_MS) / HALF_LIFE_MS;
	c->sum_duration_ms *= weight;
	c->sum_cost_ms *= weight;
	c->learned_ms = now_ms;
}

static void set_slowness(struct sched *s, struct sched_class *c,
			 double slowness)
{
	bool in_heap = c->in_heap;

	remove_class(s, c);
	c->step = slowness_step(slowness);
	c->slowness = slowness_of_step(c->step);
	if (in_heap)
		insert_class(s, c);
}

/*
 * Decay the samples, so that an unused class regains its expected slowness.
 * Running jobs that take longer than predicted are samples as well, so that the
 * class becomes slow before they end.
 */
static void update_slowness(struct sched *s, struct sched_class *c)
{
	const struct sched_attempt *a;
	double duration_ms, cost_ms, slowness;

	decay_samples(c, s->now_ms);
	duration_ms = c->sum_duration_ms + PRIOR_MS * c->expected_slowness;
	cost_ms = c->sum_cost_ms + PRIOR_MS;
	slowness = duration_ms / cost_ms;
	list_for_each(a, &c->jobs, class_entry) {
		double cost = (double)sched_class_cost_ms(s, a->unit);
		double ms = (double)(s->now_ms - a->began_ms) * c->clock;

		if (!a->has_core || cost <= 0 || ms <= cost * slowness)
			continue;
		duration_ms += ms;
		cost_ms += cost;
	}
	set_slowness(s, c, duration_ms / cost_ms / c->clock);
}

/*
 * Raise late_ratio if a completed job took longer than late_ratio times its
 * predicted duration; otherwise lower it.  The two factors are chosen so that
 * about one in 50 jobs takes longer.
 */
static void learn_late_ratio(struct sched *s, const struct sched_attempt *a)
{
	double ms = (double)(s->now_ms - a->began_ms);
	double late_ms = s->late_ratio * (double)a->predicted_ms;

	if (!a->predicted_ms)
		return;
	s->late_ratio *= ms > late_ms ? 1.049 : 0.999;
	s->late_ratio = fmin(fmax(s->late_ratio, 2), 8);
}

static void learn_slowness(struct sched *s, struct sched_class *c,
			   const struct sched_unit *u, uint64_t began_ms)
{
	double cost_ms = (double)sched_class_cost_ms(s, u);

	if (cost_ms <= 0)
		return;
	decay_samples(c, s->now_ms);
	c->sum_duration_ms += (double)(s->now_ms - began_ms) * c->clock;
	c->sum_cost_ms += cost_ms;
	update_slowness(s, c);
}

/*
 * Return the cost of a completed unit that used the CPU time `cpu_ms` on the
 * class.  If its cost was predicted, add the CPU time and the predicted cost to
 * the totals of the class and of the build.
 */
static uint32_t measure_cost_ms(struct sched *s, struct sched_class *c,
				const struct sched_unit *u, uint32_t cpu_ms)
{
	double cost_ms = (double)sched_class_cost_ms(s, u);
	double ms = cpu_ms * c->clock, slowness;

	if (cost_ms <= 0)
		return (uint32_t)fmin(ms, COST_MAX_MS);
	c->total_cpu_ms += ms;
	c->total_cost_ms += cost_ms;
	s->total_cpu_ms += ms;
	s->total_cost_ms += cost_ms;
	slowness = (c->total_cpu_ms * s->total_cost_ms / (s->total_cpu_ms + 1) +
		    PRIOR_MS) /
		   (c->total_cost_ms + PRIOR_MS);
	return (uint32_t)fmin(ms / fmax(slowness, SLOWNESS_MIN), COST_MAX_MS);
}

uint32_t sched_class_local_cost_ms(const struct sched *s,
				   const struct sched_unit *u)
{
	double ms = (double)(s->now_ms - u->local_began_ms);

	if (s->local.sum_cost_ms <= 0)
		return 0;
	return (uint32_t)fmin(ms / s->local.slowness, COST_MAX_MS);
}

void sched_class_end_local(struct sched *s, const struct sched_unit *u)
{
	learn_slowness(s, &s->local, u, u->local_began_ms);
	s->sum_local_ms += s->now_ms - u->local_began_ms;
	s->n_local_ends++;
}

/* ---- the queue of a class ---- */

static bool is_earlier_end(const void *a, const void *b)
{
	return *(const uint64_t *)a < *(const uint64_t *)b;
}

static const struct heap_type by_end = {
	.size = sizeof(uint64_t),
	.is_before = is_earlier_end,
};

static struct sched_class *class_of(const struct sched_attempt *a)
{
	return &a->node->classes[a->class];
}

uint64_t sched_class_expected_end_ms(const struct sched *s,
				     const struct sched_attempt *a)
{
	uint64_t end = a->began_ms +
		       sched_class_duration_ms(s, class_of(a), a->unit);

	return end > s->now_ms ? end :
				 s->now_ms + (s->now_ms - a->began_ms) / 2;
}

/*
 * Return the time at which a core is expected to be free, after the jobs that
 * are already in the queue.  All cores of the class must have jobs.
 */
static uint64_t next_free_core_ms(const struct sched *s,
				  const struct sched_class *c)
{
	const struct sched_attempt *a;
	unsigned n = 0;

	list_for_each(a, &c->jobs, class_entry) {
		if (n < c->n_cores) {
			c->ends[n++] = sched_class_expected_end_ms(s, a);
			heap_move(&by_end, c->ends, n, n - 1);
			continue;
		}
		c->ends[0] += sched_class_duration_ms(s, c, a->unit);
		heap_move(&by_end, c->ends, n, 0);
	}
	return c->ends[0];
}

/*
 * Return how many cores of the class can be in use at a time, at least 1.  If
 * the node has fewer slots than cores, each class gets a proportional share of
 * the slots.
 */
static unsigned usable_cores(const struct sched_class *c)
{
	const struct sched_node *n = c->node;
	uint64_t slots = sched_window_limit(&n->window, n->n_slots);
	uint64_t share, n_cores = 0;

	for (unsigned i = 0; i < n->n_classes; i++)
		n_cores += n->classes[i].n_cores;
	share = slots < n_cores ? c->n_cores * slots / n_cores : c->n_cores;
	return share ? (unsigned)share : 1;
}

/* Update the start time and the load of a class, and its place in the heap. */
static void update_place(struct sched *s, struct sched_class *c)
{
	const struct sched_node *n = c->node;
	struct sched_class_heap *h;

	c->start_ms = c->free_ms + c->reserved_ms / usable_cores(c);
	c->load = (double)n->n_running /
		  sched_window_limit(&n->window, n->n_slots);
	h = &s->classes[c->step];
	if (c->in_heap)
		heap_move(&by_start, h->v, h->n, c->heap_at);
}

/*
 * Return the time at which a slot of the node is expected to be free.  Call
 * this only if the node has no free slot now.
 */
static uint64_t next_free_slot_ms(const struct sched *s,
				  const struct sched_node *n)
{
	uint64_t first = UINT64_MAX;
	const struct sched_attempt *a;

	list_for_each(a, &n->jobs, node_entry) {
		uint64_t ms = sched_class_expected_end_ms(s, a);

		first = ms < first ? ms : first;
	}
	/* Only test jobs use the slots. */
	if (first == UINT64_MAX)
		first = s->now_ms + NO_UNIT_MS;
	return first > n->busy_until_ms ? first : n->busy_until_ms;
}

static void update_start(struct sched *s, struct sched_class *c)
{
	if (c->n_jobs >= c->n_cores)
		c->free_ms = next_free_core_ms(s, c);
	else if (!c->node->n_free)
		c->free_ms = next_free_slot_ms(s, c->node);
	else
		c->free_ms = 0;
	update_place(s, c);
}

void sched_class_add_job(struct sched *s, struct sched_attempt *a)
{
	struct sched_class *c = class_of(a);

	a->has_core = c->n_jobs < c->n_cores;
	a->began_ms = s->now_ms;
	a->predicted_ms = sched_class_duration_ms(s, c, a->unit);
	TAILQ_INSERT_TAIL(&c->jobs, a, class_entry);
	c->n_jobs++;
	update_start(s, c);
}

void sched_class_remove_job(struct sched *s, struct sched_attempt *a,
			    bool completed)
{
	struct sched_class *c = class_of(a);
	struct sched_attempt *next;

	TAILQ_REMOVE(&c->jobs, a, class_entry);
	c->n_jobs--;
	if (completed) {
		learn_late_ratio(s, a);
		a->unit->measured_ms = measure_cost_ms(s, c, a->unit,
						       a->cpu_ms);
		learn_slowness(s, c, a->unit, a->began_ms);
	}
	/* The first waiting job of the class gets the core. */
	list_for_each(next, &c->jobs, class_entry) {
		if (!a->has_core || next->has_core)
			continue;
		next->has_core = true;
		next->began_ms = s->now_ms;
		break;
	}
	update_start(s, c);
}

uint64_t sched_class_duration_ms(const struct sched *s,
				 const struct sched_class *c,
				 const struct sched_unit *u)
{
	return (uint64_t)((double)sched_class_cost_ms(s, u) * c->slowness);
}

/* ---- the choice of a class ---- */

/*
 * Return true if the unit can be sent to the node of the class, now or when the
 * node has a free slot.
 */
static bool qualifies(const struct sched_class *c, const struct sched_unit *u)
{
	const struct sched_sandbox_state *sandbox =
		&u->toolchain->sandboxes[c->node->number];

	return (sandbox->accepting ||
		sandbox->availability == SCHED_AVAILABLE_NOW) &&
	       sched_has_needed_steps(u, sandbox) &&
	       !sched_was_tried(u, c->node->number);
}

/* Return true if c->free_ms, which is a prediction, has passed. */
static bool is_outdated(const struct sched *s, const struct sched_class *c)
{
	return c->free_ms && c->free_ms < s->now_ms;
}

/* Return the best class of the heap that qualifies for the unit, or NULL. */
static struct sched_class *best_of_heap(struct sched *s,
					struct sched_class_heap *h,
					const struct sched_unit *u)
{
	struct sched_class *best = NULL;

	/* An update can move the class down, so check the new first class. */
	while (h->n && is_outdated(s, h->v[0]))
		update_start(s, h->v[0]);
	if (h->n && qualifies(h->v[0], u))
		return h->v[0];
	for (size_t i = 0; i < h->n; i++) {
		if ((!best || is_better(h->v[i], best)) &&
		    qualifies(h->v[i], u))
			best = h->v[i];
	}
	return best;
}

/*
 * If a node has several classes, the queue of each is limited, so that one
 * class does not use the slots of the others.
 */
bool sched_class_can_take(const struct sched_class *c,
			  const struct sched_unit *u)
{
	return u->toolchain->sandboxes[c->node->number].accepting &&
	       (c->node->n_classes == 1 ||
		c->n_jobs < c->n_cores + (c->n_cores + 3) / 4);
}

uint64_t sched_class_finish_ms(const struct sched *s,
			       const struct sched_class *c,
			       const struct sched_unit *u)
{
	uint64_t start = c->start_ms > s->now_ms ? c->start_ms : s->now_ms;

	return start + sched_class_duration_ms(s, c, u);
}

struct sched_class *sched_class_choose_free(struct sched *s,
					    const struct sched_unit *u,
					    uint64_t until_ms)
{
	struct sched_class *best = NULL;
	uint64_t best_ms = until_ms;
	bool needs_core = u->n_attempts > 0;

	for (unsigned i = 0; i < SCHED_SLOWNESS_STEPS; i++) {
		const struct sched_class_heap *h = &s->classes[i];

		for (size_t k = 0; k < h->n; k++) {
			struct sched_class *c = h->v[k];
			uint64_t ms = sched_class_finish_ms(s, c, u);

			if (ms > best_ms || !sched_class_can_take(c, u) ||
			    !qualifies(c, u) ||
			    (needs_core && c->n_jobs >= c->n_cores))
				continue;
			if (best && ms == best_ms && !is_better(c, best))
				continue;
			best = c;
			best_ms = ms;
		}
	}
	return best;
}

struct sched_class *sched_class_choose(struct sched *s,
				       const struct sched_unit *u)
{
	struct sched_class *best = NULL;
	uint64_t best_ms = 0;

	for (unsigned i = 0; i < SCHED_SLOWNESS_STEPS; i++) {
		struct sched_class *c = s->classes[i].n ?
						best_of_heap(s, &s->classes[i],
							     u) :
						NULL;
		uint64_t ms;

		if (!c)
			continue;
		ms = sched_class_finish_ms(s, c, u);
		if (!best || ms < best_ms ||
		    (ms == best_ms && is_better(c, best))) {
			best = c;
			best_ms = ms;
		}
	}
	return best;
}

void sched_class_reserve(struct sched *s, struct sched_class *c,
			 struct sched_unit *u)
{
	u->waits_for = c;
	s->n_waiting_units++;
	u->reserved_ms = sched_class_duration_ms(s, c, u);
	c->reserved_ms += u->reserved_ms;
	update_place(s, c);
}

void sched_class_release(struct sched *s, struct sched_unit *u)
{
	struct sched_class *c = u->waits_for;

	if (!c)
		return;
	u->waits_for = NULL;
	s->n_waiting_units--;
	c->reserved_ms -= u->reserved_ms;
	update_place(s, c);
}

void sched_class_refresh_all(struct sched *s, struct sched_node *n)
{
	bool usable = n->state == SCHED_NODE_UP && !n->drained &&
		      !n->ids_exhausted;

	s->n_usable_cores -= n->n_usable_cores;
	s->usable_speed -= n->usable_speed;
	n->n_usable_cores = 0;
	n->usable_speed = 0;

	for (unsigned i = 0; i < n->n_classes; i++) {
		struct sched_class *c = &n->classes[i];

		if (usable && !c->in_heap)
			insert_class(s, c);
		else if (!usable)
			remove_class(s, c);
		if (!usable)
			continue;
		update_start(s, c);
		n->n_usable_cores += usable_cores(c);
		n->usable_speed += usable_cores(c) / c->slowness;
	}
	s->n_usable_cores += n->n_usable_cores;
	s->usable_speed += n->usable_speed;
}

void sched_class_update_all(struct sched *s)
{
	update_slowness(s, &s->local);
	for (size_t i = 0; i < s->n_nodes; i++) {
		for (unsigned k = 0; k < s->nodes[i]->n_classes; k++) {
			update_slowness(s, &s->nodes[i]->classes[k]);
			update_start(s, &s->nodes[i]->classes[k]);
		}
	}
}

/* ---- the classes of a node ---- */

/* A class has at least one core. */
static unsigned cores_of(const struct sched_core_class *c)
{
	return c->n_cores ? c->n_cores : 1;
}

static bool has_classes(const struct sched_node *n,
			const struct sched_core_class *classes,
			unsigned n_classes)
{
	bool equal = n->n_classes == n_classes;

	for (unsigned i = 0; equal && i < n_classes; i++)
		equal = n->classes[i].n_cores == cores_of(&classes[i]) &&
			n->classes[i].capacity == classes[i].capacity;
	return equal;
}

/* Return the clock of a class relative to its full clock. */
static double clock_of(const struct sched_core_class *c)
{
	double clock = c->clock_milli / 1000.0;

	return c->clock_milli ? fmin(fmax(clock, CLOCK_MIN), 1) : 1;
}

/*
 * Set the clock of a class.  Slowness is learned from durations that are
 * multiplied by the reported clock.  While a node reports a clock below its
 * actual clock, these products are too low, and so is the slowness.  The
 * slowness is therefore recorded when the clock falls; when the clock rises
 * again, at least the recorded slowness is restored.
 */
static void set_clock(struct sched_class *c, double clock)
{
	double cost_ms = c->sum_cost_ms + PRIOR_MS;
	double duration_ms = c->sum_duration_ms +
			     PRIOR_MS * c->expected_slowness;

	if (clock < c->clock && c->min_slowness <= 0)
		c->min_slowness = duration_ms / cost_ms;
	if (clock > c->clock)
		c->sum_duration_ms += fmax(
			c->min_slowness * cost_ms - duration_ms, 0);
	if (clock >= 1)
		c->min_slowness = 0;
	c->clock = clock;
}

void sched_class_set_clocks(struct sched *s, struct sched_node *n,
			    const struct sched_core_class *classes,
			    unsigned n_classes)
{
	if (!has_classes(n, classes, n_classes))
		return;
	for (unsigned i = 0; i < n_classes; i++) {
		set_clock(&n->classes[i], clock_of(&classes[i]));
		update_slowness(s, &n->classes[i]);
	}
	sched_class_refresh_all(s, n);
}

void sched_class_set_all(struct sched *s, struct sched_node *n,
			 const struct sched_core_class *classes,
			 unsigned n_classes, unsigned n_slots)
{
	const struct sched_core_class one = { .n_cores = n_slots };

	if (!n_classes) {
		classes = &one;
		n_classes = 1;
	}
	if (has_classes(n, classes, n_classes)) {
		sched_class_set_clocks(s, n, classes, n_classes);
		return;
	}
	sched_class_free_all(s, n);
	n->classes = xcalloc(n_classes, sizeof(*n->classes));
	n->n_classes = n_classes;
	for (unsigned i = 0; i < n_classes; i++) {
		struct sched_class *c = &n->classes[i];

		c->node = n;
		c->n_cores = cores_of(&classes[i]);
		c->capacity = classes[i].capacity;
		c->expected_slowness = c->capacity ? 1024.0 / c->capacity : 1;
		c->clock = clock_of(&classes[i]);
		set_slowness(s, c, c->expected_slowness / c->clock);
		c->ends = xcalloc(c->n_cores, sizeof(*c->ends));
		TAILQ_INIT(&c->jobs);
	}
}

void sched_class_free_all(struct sched *s, struct sched_node *n)
{
	for (unsigned i = 0; i < n->n_classes; i++) {
		remove_class(s, &n->classes[i]);
		free(n->classes[i].ends);
	}
	free(n->classes);
	n->classes = NULL;
	n->n_classes = 0;
}
