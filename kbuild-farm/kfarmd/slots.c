/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kfarmd/slots.h"

#include "base/clock.h"

#include <errno.h>

/* the interval of heartbeats, minus a tolerance for timer delays */
#define UPDATE_MS      900
#define PAUSE_AFTER_MS 1000
/* maximum run time that a client without jobs is credited with */
#define CREDIT_MS 10000
/*
 * minimum weight of the waiting client, as a multiple of the weight of the
 * client whose job is paused
 */
#define PAUSE_RATIO 2

void kfarmd_slots_init(struct kfarmd_slots *s, unsigned cores,
		       unsigned configured)
{
	*s = (struct kfarmd_slots){
		.n_advertised = configured ? configured :
					     cores + (cores + 3) / 4,
	};
	s->max_running = s->n_advertised < cores ? s->n_advertised : cores;
	s->max_jobs = 4 * s->n_advertised;
	TAILQ_INIT(&s->queue);
	TAILQ_INIT(&s->running);
	TAILQ_INIT(&s->clients);
}

/* -------------------------------------------------------------- leases */

/* Return true if the client has had a job at any time since the last update. */
static bool has_demand(const struct kfarmd_slot_client *c)
{
	return c->max_jobs > 0;
}

/*
 * Estimate the number of slots that the client can use.  The estimate is 1.5
 * times the largest number of its jobs since the last update, plus one, but at
 * most n_advertised.  For a client that has used its whole lease, the estimate
 * is n_advertised.
 */
static unsigned estimate_demand(const struct kfarmd_slots *s,
				const struct kfarmd_slot_client *c)
{
	unsigned n = c->max_jobs + c->max_jobs / 2 + 1;

	return c->max_jobs >= c->n_leased || n > s->n_advertised ?
		       s->n_advertised :
		       n;
}

static void set_lease(struct kfarmd_slots *s, struct kfarmd_slot_client *c,
		      double slots)
{
	unsigned n = slots < 1 ? 1 : (unsigned)(slots + 0.5);

	if (n >= s->n_advertised)
		n = WIRE_LEASE_UNLIMITED;
	if (n > c->n_accepted)
		c->n_accepted = n;
	if (n < c->n_leased)
		c->shortened_ms = clock_ms();
	c->n_leased = n;
}

/*
 * Divide the slots by weight (max-min fairness).  A client whose demand is at
 * most its share of the remaining slots gets its demand and is satisfied.  The
 * unused part of its share increases the shares of the unsatisfied clients, so
 * repeat this step until it satisfies no further client.  Then divide the rest
 * among the unsatisfied clients or, if all clients are satisfied, among all
 * clients.
 *
 * A client without jobs gets the share by weight that it would have with jobs,
 * regardless of the demand of the other clients.
 */
static void divide_slots(struct kfarmd_slots *s)
{
	double rest = s->n_advertised, sum = 0, all;
	unsigned n_unsatisfied = 0;
	struct kfarmd_slot_client *c;
	bool again;

	list_for_each(c, &s->clients, entry) {
		c->satisfied = !has_demand(c);
		n_unsatisfied += has_demand(c);
		sum += has_demand(c) ? c->weight : 0;
	}
	all = sum;
	do {
		again = false;
		list_for_each(c, &s->clients, entry) {
			unsigned demand = estimate_demand(s, c);

			if (c->satisfied || demand > rest * c->weight / sum)
				continue;
			c->satisfied = again = true;
			n_unsatisfied--;
			rest -= demand;
			sum -= c->weight;
		}
	} while (again);
	list_for_each(c, &s->clients, entry) {
		double slots = rest * c->weight / sum;

		if (!has_demand(c))
			slots = s->n_advertised * c->weight / (all + c->weight);
		else if (c->satisfied)
			slots = estimate_demand(s, c) +
				(n_unsatisfied ? 0 : rest * c->weight / all);
		set_lease(s, c, slots);
	}
}

void kfarmd_slots_add_client(struct kfarmd_slots *s,
			     struct kfarmd_slot_client *c)
{
	TAILQ_INSERT_TAIL(&s->clients, c, entry);
	c->n_leased = c->n_accepted = WIRE_LEASE_UNLIMITED;
	divide_slots(s);
}

void kfarmd_slots_remove_client(struct kfarmd_slots *s,
				struct kfarmd_slot_client *c)
{
	TAILQ_REMOVE(&s->clients, c, entry);
	divide_slots(s);
}

/* --------------------------------------------------------------- order */

/* Return the virtual time of a client including the running jobs. */
static double virtual_time(const struct kfarmd_slot_client *c)
{
	return c->virtual_ms +
	       (double)(c->n_running * clock_ms() - c->sum_start_ms) /
		       c->weight;
}

void kfarmd_slots_set_weight(struct kfarmd_slot_client *c, double weight)
{
	double now = virtual_time(c);

	c->weight = weight;
	c->virtual_ms += now - virtual_time(c);
}

/*
 * Return the minimum virtual time that a client gets when it queues a job and
 * has no queued jobs.  This is the higher of two values.  The first is the
 * virtual time of the client that was served last, taken at the start of its
 * job.  The second is the lowest virtual time of the other clients with jobs,
 * minus a credit.  A client gets no credit before its first job has run, so
 * that a build host gains nothing by opening a new session for each job.
 */
static double start_time(const struct kfarmd_slots *s,
			 const struct kfarmd_slot_client *c)
{
	const struct kfarmd_slot_client *each, *first = NULL;
	double lowest = 0;

	list_for_each(each, &s->clients, entry) {
		if (each != c && (each->n_running || each->n_queued) &&
		    (!first || virtual_time(each) < virtual_time(first)))
			first = each;
	}
	if (first)
		lowest = virtual_time(first) -
			 (c->has_run ? CREDIT_MS / c->weight : 0);
	return lowest > s->virtual_ms ? lowest : s->virtual_ms;
}

static void enqueue_slot(struct kfarmd_slots *s, struct kfarmd_slot *p,
			 bool paused)
{
	struct kfarmd_slot_client *c = p->client;
	double behind = start_time(s, c) - virtual_time(c);

	if (!c->n_queued && behind > 0)
		c->virtual_ms += behind;
	c->n_queued++;
	p->state = paused ? KFARMD_SLOT_PAUSED : KFARMD_SLOT_QUEUED;
	p->since_ms = clock_ms();
	if (paused)
		TAILQ_INSERT_HEAD(&s->queue, p, entry);
	else
		TAILQ_INSERT_TAIL(&s->queue, p, entry);
}

static void dequeue_slot(struct kfarmd_slots *s, struct kfarmd_slot *p)
{
	TAILQ_REMOVE(&s->queue, p, entry);
	p->client->n_queued--;
}

static void begin_run(struct kfarmd_slots *s, struct kfarmd_slot *p)
{
	TAILQ_INSERT_TAIL(&s->running, p, entry);
	p->state = KFARMD_SLOT_RUNNING;
	p->since_ms = clock_ms();
	p->client->sum_start_ms += p->since_ms;
	p->client->n_running++;
	p->client->has_run = true;
	s->n_running++;
	if (p->share)
		p->share->n_running++;
}

static void end_run(struct kfarmd_slots *s, struct kfarmd_slot *p)
{
	struct kfarmd_slot_client *c = p->client;

	TAILQ_REMOVE(&s->running, p, entry);
	c->virtual_ms += (double)(clock_ms() - p->since_ms) / c->weight;
	c->sum_start_ms -= p->since_ms;
	c->n_running--;
	s->n_running--;
	if (p->share)
		p->share->n_running--;
}

/*
 * Consider only the queued jobs that the limits of their groups permit.  Return
 * the first of these jobs that belongs to the client with the lowest virtual
 * time, or NULL if no job can run.
 */
static struct kfarmd_slot *next_runnable(const struct kfarmd_slots *s)
{
	struct kfarmd_slot *p, *best = NULL;

	list_for_each(p, &s->queue, entry) {
		if (p->share && p->share->n_running >= p->share->max_running)
			continue;
		if (!best ||
		    (p->client != best->client &&
		     virtual_time(p->client) < virtual_time(best->client)))
			best = p;
	}
	return best;
}

static void start_job(struct kfarmd_slots *s, struct kfarmd_slot *p)
{
	double now = virtual_time(p->client);

	s->virtual_ms = now > s->virtual_ms ? now : s->virtual_ms;
	dequeue_slot(s, p);
	begin_run(s, p);
	p->on_granted(p->ctx);
}

/*
 * Start queued jobs.  A job that fails in on_granted() ends its run, which
 * calls this function again; `starting` prevents the recursion.
 */
static void start_runnable(struct kfarmd_slots *s)
{
	struct kfarmd_slot *p;

	if (s->starting)
		return;
	s->starting = true;
	while (s->n_running < s->max_running && (p = next_runnable(s)))
		start_job(s, p);
	s->starting = false;
}

/* --------------------------------------------------------------- pause */

/*
 * Return the fair number of running jobs of the client: the part of max_running
 * that the client would get if every client with jobs had enough jobs.
 */
static double fair_running(const struct kfarmd_slots *s,
			   const struct kfarmd_slot_client *c)
{
	const struct kfarmd_slot_client *each;
	double sum = 0;

	list_for_each(each, &s->clients, entry)
		sum += each->n_queued || each->n_running ? each->weight : 0;
	return s->max_running * c->weight / sum;
}

/* Return the job to pause in favor of a client, or NULL. */
static struct kfarmd_slot *choose_pausable(const struct kfarmd_slots *s,
					   const struct kfarmd_slot_client *c)
{
	struct kfarmd_slot *p, *last = NULL;

	/* Choose the job that has started last. */
	list_for_each(p, &s->running, entry) {
		const struct kfarmd_slot_client *other = p->client;

		if (other->weight * PAUSE_RATIO <= c->weight &&
		    other->n_running > fair_running(s, other) &&
		    virtual_time(other) > virtual_time(c))
			last = p;
	}
	return last;
}

/*
 * Return true if another job can be paused in favor of the queued job `p`: `p`
 * has waited long enough, its client runs fewer jobs than its share, and the
 * limit of its group is not reached.
 */
static bool is_waiting(const struct kfarmd_slots *s,
		       const struct kfarmd_slot *p)
{
	return clock_ms() - p->since_ms >= PAUSE_AFTER_MS &&
	       p->client->n_running + 0.5 <= fair_running(s, p->client) &&
	       (!p->share || p->share->n_running < p->share->max_running);
}

/*
 * Pause a job in favor of the waiting job whose client has the lowest virtual
 * time.  Returns false if no job waits or no job can be paused.
 */
static bool pause_job(struct kfarmd_slots *s)
{
	struct kfarmd_slot *p, *best = NULL, *paused = NULL;

	list_for_each(p, &s->queue, entry) {
		struct kfarmd_slot *other;

		if (!is_waiting(s, p) ||
		    (best &&
		     virtual_time(best->client) <= virtual_time(p->client)))
			continue;
		other = choose_pausable(s, p->client);
		if (!other)
			continue;
		best = p;
		paused = other;
	}
	if (!best)
		return false;
	s->starting = true;
	end_run(s, paused);
	paused->on_paused(paused->ctx);
	enqueue_slot(s, paused, true);
	start_job(s, best);
	s->starting = false;
	start_runnable(s);
	return true;
}

void kfarmd_slots_update(struct kfarmd_slots *s, uint32_t available_mib)
{
	uint64_t now_ms = clock_ms();
	struct kfarmd_slot_client *c;

	if (now_ms - s->updated_ms < UPDATE_MS)
		return;
	s->updated_ms = now_ms;
	divide_slots(s);
	list_for_each(c, &s->clients, entry) {
		c->max_jobs = c->n_jobs;
		if (now_ms - c->shortened_ms >= KFARMD_SLOTS_GRACE_MS)
			c->n_accepted = c->n_leased;
	}
	for (; available_mib >= KFARMD_SLOTS_PAUSE_MIB && pause_job(s);)
		available_mib -= KFARMD_SLOTS_PAUSE_MIB;
}

/* ---------------------------------------------------------------- jobs */

static bool is_alone(const struct kfarmd_slots *s)
{
	return TAILQ_FIRST(&s->clients) ==
	       TAILQ_LAST(&s->clients, kfarmd_slot_clients);
}

int kfarmd_slots_add_job(struct kfarmd_slots *s, struct kfarmd_slot *p,
			 struct err *err)
{
	struct kfarmd_slot_client *c = p->client;

	if (s->draining)
		return err_set(err, EBUSY, "kfarmd is shutting down");
	/* A rejected job also counts as demand. */
	if (c->n_jobs + 1 > c->max_jobs) {
		c->max_jobs = c->n_jobs + 1;
		if (!c->n_jobs || c->max_jobs == c->n_leased)
			divide_slots(s);
	}
	if (c->n_jobs && s->n_jobs >= s->max_jobs)
		return err_set(err, EBUSY, "too many jobs: %u accepted already",
			       s->n_jobs);
	if (c->n_jobs >= s->max_jobs - (is_alone(s) ? 0 : s->n_advertised) ||
	    (!c->ignores_leases && c->n_jobs > c->n_accepted))
		return err_set(err, EBUSY,
			       "too many jobs: this build host has %u already",
			       c->n_jobs);
	s->n_jobs++;
	c->n_jobs++;
	p->state = KFARMD_SLOT_HELD;
	return 0;
}

void kfarmd_slots_queue_job(struct kfarmd_slots *s, struct kfarmd_slot *p)
{
	enqueue_slot(s, p, false);
	start_runnable(s);
}

void kfarmd_slots_end_run(struct kfarmd_slots *s, struct kfarmd_slot *p)
{
	if (p->state == KFARMD_SLOT_QUEUED || p->state == KFARMD_SLOT_PAUSED)
		dequeue_slot(s, p);
	if (p->state == KFARMD_SLOT_RUNNING)
		end_run(s, p);
	if (p->state != KFARMD_SLOT_NONE)
		p->state = KFARMD_SLOT_HELD;
	start_runnable(s);
}

void kfarmd_slots_remove_job(struct kfarmd_slots *s, struct kfarmd_slot *p)
{
	if (p->state == KFARMD_SLOT_NONE)
		return;
	s->n_jobs--;
	p->client->n_jobs--;
	kfarmd_slots_end_run(s, p);
	p->state = KFARMD_SLOT_NONE;
}
