/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The outcome of each job is counted for the node and, if the job was pinned to
 * a core class, also for that class.  n_sent counts the jobs that were sent.
 * When a job is dropped, or the node is too busy to run the job, n_sent is
 * decremented again.  A unit that cannot be sent counts as sent and failed, but
 * only for the node.
 */
#include "admin/burn-in.h"

#include "base/clock.h"
#include "base/printable.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* limit on recorded zones, because a node can send any number of zone names */
#define ZONES_MAX      WIRE_ZONES_MAX
#define CRASH_TEXT_MAX 160 /* bytes of a compiler message */

/*
 * Name a core class by its model if the model is unique on the node.  If not,
 * name it by its maximum clock or, if the clock is unknown, by its index.  The
 * caller frees the name.
 */
static char *make_class_name(const struct wire_machine *m, unsigned i)
{
	const struct wire_core_class *c = &m->classes[i];
	unsigned n_same = 0; /* usable classes with this model */

	for (unsigned k = 0; k < m->n_classes; k++)
		n_same += m->classes[k].n_usable &&
			  str_equal(m->classes[k].model, c->model);
	if (*c->model && n_same == 1)
		return xstrdup(c->model);
	return c->max_khz ? xasprintf("%u MHz", c->max_khz / 1000) :
			    xasprintf("class %u", i);
}

/*
 * Return true if the node has the same core classes as in its first session.
 * If the classes differ, jobs must not be pinned, because results are counted
 * by the index of the class.
 */
static bool has_same_classes(const struct admin_node_test_result *is,
			     const struct wire_machine *m)
{
	bool same = is->n_classes == m->n_classes;

	for (unsigned i = 0; same && i < m->n_classes; i++) {
		char *name = make_class_name(m, i);

		same = str_equal(name, is->class_results[i].name);
		free(name);
	}
	return same;
}

void admin_burn_heat_init_classes(struct admin_test_state_node *n,
				  const struct peer_stats *now)
{
	struct admin_node_test_result *is = n->result;
	const struct wire_machine *m = now->machine;
	unsigned n_usable = 0;

	if (!is->up && now->can_pin_jobs) {
		is->n_classes = m->n_classes;
		is->class_results = xcalloc(m->n_classes + 1u,
					    sizeof(*is->class_results));
		for (unsigned i = 0; i < m->n_classes; i++)
			is->class_results[i] = (struct admin_node_test_class){
				.name = make_class_name(m, i),
				.n_cpus = m->classes[i].n_usable,
				.min_speed_milli = WIRE_HEALTH_UNKNOWN,
			};
	}
	for (unsigned i = 0; i < m->n_classes; i++)
		n_usable += m->classes[i].n_usable != 0;
	is->classes_merged = !now->can_pin_jobs && n_usable > 1;
	n->jobs_pinned = now->can_pin_jobs && m->n_classes &&
			 has_same_classes(is, m);
}

/*
 * Update the minimum clock *slowest and, if `cooled` is set, the maximum number
 * of throttled CPUs *most.  Clocks are in thousandths of the maximum clock.
 * Returns true if `cooled` is set and the clock `speed` is reduced.
 */
static bool record_clock(uint32_t *slowest, uint32_t *most, uint32_t speed,
			 uint32_t throttled, bool cooled)
{
	if (speed < *slowest)
		*slowest = speed;
	if (!cooled)
		return false;
	if (throttled != WIRE_HEALTH_UNKNOWN && throttled > *most)
		*most = throttled;
	return speed < 1000;
}

/* Record the maximum temperature of a zone.  Ignore zones beyond ZONES_MAX. */
static void record_zone(struct admin_node_test_result *is, const char *name,
			uint32_t mk)
{
	struct admin_node_test_zone *z = NULL;

	for (unsigned i = 0; !z && i < is->n_zones; i++) {
		if (str_equal(is->zones[i].name, name))
			z = &is->zones[i];
	}
	if (!z && is->n_zones == ZONES_MAX)
		return;
	if (!z) {
		z = VEC_ADD(is->zones, is->n_zones);
		z->name = xstrdup(name);
	}
	if (mk > z->max_mk)
		z->max_mk = mk;
}

void admin_burn_heat_record(struct admin_test_state_node *n,
			    const struct peer_stats *now, uint64_t now_ms)
{
	struct admin_node_test_result *is = n->result;
	const struct wire_health *h = now->health;
	const struct wire_heat *heat = now->heat;
	uint64_t ms = n->health_ms ? now_ms - n->health_ms : 0;
	/*
	 * If all cooling devices are idle, heat does not cause a lower clock.
	 * If no cooling device is known, assume that heat is the cause.
	 */
	bool cooled = h->cooling_milli != 0;

	n->health_ms = now_ms;
	if (n->stage != ADMIN_NODE_TEST_STAGE_BURN_IN)
		return;
	if (h->temperature_mk != WIRE_HEALTH_UNKNOWN &&
	    (is->max_mk == WIRE_HEALTH_UNKNOWN ||
	     h->temperature_mk > is->max_mk))
		is->max_mk = h->temperature_mk;
	if (record_clock(&is->min_speed_milli, &is->max_throttled,
			 h->speed_milli, h->n_throttled, cooled))
		is->throttled_ms += ms;
	for (unsigned i = 0; i < is->n_classes && i < heat->n_classes; i++) {
		struct admin_node_test_class *c = &is->class_results[i];

		if (record_clock(&c->min_speed_milli, &c->max_throttled,
				 heat->classes[i].speed_milli,
				 heat->classes[i].n_throttled, cooled))
			c->throttled_ms += ms;
	}
	for (unsigned i = 0; i < heat->n_zones; i++)
		record_zone(is, heat->zones[i].name,
			    heat->zones[i].temperature_mk);
}

enum test_outcome {
	TEST_OUTCOME_RIGHT,
	TEST_OUTCOME_WRONG,
	TEST_OUTCOME_CRASHED,
	TEST_OUTCOME_DAMAGED,
	TEST_OUTCOME_FAILED
};

static struct admin_node_test_count *node_test_count(
	const struct admin_test_state_node *n, const struct peer_canary *set)
{
	return set->is_burn_in ? &n->result->burn_in : &n->result->canary;
}

/*
 * Return the burn-in counters of the core class to which the job is pinned.
 * Returns NULL if the job is not pinned, or if it is part of the canary test,
 * which precedes the burn-in.
 */
static struct admin_node_test_count *class_test_count(
	const struct admin_test_state_node *n,
	const struct admin_test_state_job *job)
{
	return job->canary->is_burn_in && job->class >= 0 ?
		       &n->result->class_results[job->class].burn_in :
		       NULL;
}

static void count_sent_job(const struct admin_test_state_node *n,
			   const struct admin_test_state_job *job, int by)
{
	struct admin_node_test_count *of[] = { node_test_count(n, job->canary),
					       class_test_count(n, job) };

	for (size_t i = 0; i < 2 && of[i]; i++)
		of[i]->n_sent = (unsigned)((int)of[i]->n_sent + by);
}

static struct admin_test_state_job *find_test_job(
	struct admin_test_state_node *n, uint32_t number)
{
	for (size_t i = 0; i < n->n_jobs; i++) {
		if (n->jobs[i].number == number)
			return &n->jobs[i];
	}
	return NULL;
}

static void remove_test_job(struct admin_test_state_node *n,
			    struct admin_test_state_job *job)
{
	*job = n->jobs[--n->n_jobs];
	peer_shared_wake(&n->trial->shared);
}

/* Return the bit of a canary unit in `sent_units`, or 0 for the burn-in. */
static uint64_t sent_bit(const struct peer_canary *set, size_t unit)
{
	return !set->is_burn_in && unit < 64 ? UINT64_C(1) << unit : 0;
}

/*
 * Return the index of the next unit to send, from `at` on, or set->n_units if
 * there is no such unit.  Units that the local compiler rejects are skipped.
 */
static size_t next_usable_unit(const struct admin_test_state_node *n,
			       const struct peer_canary *set, size_t at)
{
	while (at < set->n_units &&
	       (set->units[at].skipped || n->sent_units & sent_bit(set, at)))
		at++;
	return at;
}

static unsigned jobs_of_class(const struct admin_test_state_node *n, int class)
{
	unsigned jobs = 0;

	for (size_t i = 0; i < n->n_jobs; i++)
		jobs += n->jobs[i].class == class;
	return jobs;
}

/*
 * Return true if class `a` has fewer jobs in flight per core than class `b`.
 * If these numbers are equal, compare the numbers of sent jobs per core.
 */
static bool has_fewer_jobs(const struct admin_test_state_node *n, int a, int b)
{
	const struct admin_node_test_class *x = &n->result->class_results[a];
	const struct admin_node_test_class *y = &n->result->class_results[b];
	uint64_t out_x = (uint64_t)jobs_of_class(n, a) * y->n_cpus;
	uint64_t out_y = (uint64_t)jobs_of_class(n, b) * x->n_cpus;

	if (out_x != out_y)
		return out_x < out_y;
	return (uint64_t)x->burn_in.n_sent * y->n_cpus <
	       (uint64_t)y->burn_in.n_sent * x->n_cpus;
}

int admin_burn_in_next_class(const struct admin_test_state_node *n)
{
	int best = -1;

	for (unsigned i = 0; i < n->result->n_classes; i++) {
		unsigned cpus = n->result->class_results[i].n_cpus;

		if (jobs_of_class(n, (int)i) < cpus + (cpus + 3) / 4 &&
		    (best < 0 || has_fewer_jobs(n, (int)i, best)))
			best = (int)i;
	}
	return best;
}

bool admin_burn_in_send_units(struct admin_test_state_node *n,
			      const struct peer_canary *set, unsigned max_jobs,
			      bool repeat)
{
	bool pins = set->is_burn_in && n->jobs_pinned;

	while (n->n_jobs < max_jobs) {
		int class = pins ? admin_burn_in_next_class(n) : -1;
		struct admin_test_state_job job = { .canary = set,
						    .class = class };
		struct peer_job_request q;

		n->next_unit = next_usable_unit(n, set, n->next_unit);
		if (n->next_unit == set->n_units && repeat)
			n->next_unit = next_usable_unit(n, set, 0);
		if (n->next_unit == set->n_units || (pins && class < 0))
			break;
		job.unit = n->next_unit;
		peer_canary_fill_request(&q, &set->units[job.unit], set->cwd);
		q.pinned = class >= 0;
		q.class = (uint8_t)(q.pinned ? class : 0);
		if (!peer_send(n->peer, n->trial->tc, &q, &job.number)) {
			*VEC_ADD(n->jobs, n->n_jobs) = job;
			count_sent_job(n, &job, 1);
		} else {
			admin_burn_in_handle_unsent(n, set);
			if (repeat)
				break;
		}
		n->sent_units |= sent_bit(set, n->next_unit++);
		n->unsent_counted = false;
	}
	return n->n_jobs || n->next_unit < set->n_units;
}

void admin_burn_in_record_error(struct admin_test_state_node *n,
				struct admin_node_test_count *c,
				const char *unit, const char *what)
{
	if (c->first_error)
		return;
	c->first_error = unit ? xasprintf("%s: %s", unit, what) : xstrdup(what);
	c->first_error_ms = n->trial->test->burn_in_elapsed_ms;
}

/* Describe a failed compile: its exit status and first line of stderr. */
static char *describe_crash(const struct peer_job_result *a)
{
	char *how = spawn_status_text((int)a->wire.wait_status), *text;
	struct bytes all = buf_bytes(&a->streams[WIRE_OUTPUT_STDERR]);
	struct bytes line = bytes_take_line(&all);
	char *line_text;

	if (line.len > CRASH_TEXT_MAX)
		line.len = CRASH_TEXT_MAX;
	line_text = bytes_dup(line);
	printable_replace(line_text, strlen(line_text), 0, '?');
	text = *line_text ? xasprintf("%s: %s", how, line_text) : xstrdup(how);
	free(line_text);
	free(how);
	return text;
}

/* Count an outcome for the node and for the job's class. */
static void count_outcome(struct admin_test_state_node *n,
			  const struct admin_test_state_job *job,
			  enum test_outcome is, const char *what)
{
	struct admin_node_test_count *all = node_test_count(n, job->canary);
	struct admin_node_test_count *of[] = { all, class_test_count(n, job) };

	for (size_t i = 0; i < 2 && of[i]; i++) {
		unsigned *const at[] = {
			[TEST_OUTCOME_RIGHT] = &of[i]->n_right,
			[TEST_OUTCOME_WRONG] = &of[i]->n_wrong,
			[TEST_OUTCOME_CRASHED] = &of[i]->n_crashed,
			[TEST_OUTCOME_DAMAGED] = &of[i]->n_damaged,
			[TEST_OUTCOME_FAILED] = &of[i]->n_failed
		};

		++*at[is];
		if (what)
			admin_burn_in_record_error(
				n, of[i], job->canary->units[job->unit].name,
				what);
	}
}

/*
 * Count a wrong object.  The wrong objects of each burn-in unit are compared
 * with each other: if they are equal, the fault is not random.
 */
static void record_wrong_object(struct admin_test_state_node *n,
				const struct admin_test_state_job *job,
				const struct peer_job_result *a)
{
	struct admin_node_test_unit *u = &n->result->units[job->unit];
	struct digest is;

	count_outcome(n, job, TEST_OUTCOME_WRONG,
		      "object differs from the local one");
	if (!job->canary->is_burn_in)
		return;
	digest_bytes(buf_bytes(&a->streams[WIRE_OUTPUT_OBJECT]), &is);
	if (!u->n_wrong++)
		u->wrong_digest = is;
	else if (!digest_equal(&u->wrong_digest, &is))
		u->inconsistent = true;
}

void admin_burn_in_handle_result(struct admin_test_state_node *n,
				 uint32_t number,
				 struct peer_job_result *answer)
{
	struct admin_test_state_job *job = find_test_job(n, number);
	struct err err;

	if (!job)
		goto out;
	n->result->cpu_ms += answer->wire.cpu_ms;
	if (class_test_count(n, job))
		n->result->class_results[job->class].cpu_ms +=
			answer->wire.cpu_ms;
	if (peer_job_result_check(answer, &err)) {
		count_outcome(n, job, TEST_OUTCOME_DAMAGED, err.text);
	} else if (answer->wire.wait_status) {
		char *words = describe_crash(answer);

		count_outcome(n, job, TEST_OUTCOME_CRASHED, words);
		free(words);
	} else if (!peer_canary_is_equal(answer,
					 &job->canary->units[job->unit])) {
		record_wrong_object(n, job, answer);
	} else {
		count_outcome(n, job, TEST_OUTCOME_RIGHT, NULL);
		if (job->canary->is_burn_in)
			n->result->units[job->unit].n_right++;
	}
	n->progress_ms = clock_ms();
	remove_test_job(n, job);
out:
	peer_job_result_release(answer);
}

void admin_burn_in_handle_failure(struct admin_test_state_node *n,
				  uint32_t number, enum wire_fail_class class,
				  const char *why)
{
	struct admin_test_state_job *job = find_test_job(n, number);

	if (!job)
		return;
	if (class == WIRE_FAIL_BUSY && n->n_jobs > 1) {
		/* Another client uses the node's slots: try again later. */
		count_sent_job(n, job, -1);
		n->sent_units &= ~sent_bit(job->canary, job->unit);
		if (job->canary->is_burn_in)
			n->progress_ms = clock_ms();
		else if (job->unit < n->next_unit)
			n->next_unit = job->unit;
		/*
		 * If the node stays busy, CANARY_TIMEOUT_MS (in
		 * admin/node-test.c) ends the canary stage.
		 */
	} else {
		n->progress_ms = clock_ms();
		count_outcome(n, job, TEST_OUTCOME_FAILED, why);
	}
	remove_test_job(n, job);
}

void admin_burn_in_handle_unsent(struct admin_test_state_node *n,
				 const struct peer_canary *set)
{
	struct admin_node_test_count *c = node_test_count(n, set);

	if (n->unsent_counted)
		return;
	n->unsent_counted = true;
	c->n_sent++;
	c->n_failed++;
	admin_burn_in_record_error(n, c, set->units[n->next_unit].name,
				   "cannot send the job");
}

void admin_burn_in_drop_jobs(struct admin_test_state_node *n, bool cancel)
{
	for (size_t i = 0; i < n->n_jobs; i++) {
		count_sent_job(n, &n->jobs[i], -1);
		if (cancel)
			peer_cancel(n->peer, n->jobs[i].number);
	}
	n->n_jobs = 0;
}

void admin_burn_in_fail_jobs(struct admin_test_state_node *n, const char *why)
{
	for (size_t i = 0; i < n->n_jobs; i++) {
		struct admin_node_test_count *of = class_test_count(
			n, &n->jobs[i]);

		if (of)
			admin_burn_in_record_error(n, of, NULL, why);
		count_outcome(n, &n->jobs[i], TEST_OUTCOME_FAILED, NULL);
		count_sent_job(n, &n->jobs[i], 1);
	}
	admin_burn_in_drop_jobs(n, true);
}
