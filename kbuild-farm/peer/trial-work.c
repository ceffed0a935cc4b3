/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/trial-work.h"

#include "base/clock.h"
#include "base/printable.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define WORDS_MAX 160 /* bytes of what a compiler said */

enum outcome {
	RIGHT,
	WRONG,
	CRASHED,
	DAMAGED,
	FAILED
};

static struct peer_trial_count *trial_count(const struct trial_node *n,
					    const struct peer_canary *set)
{
	return set->is_burn ? &n->is->burn : &n->is->canary;
}

/* Of the class that the job was for; NULL: it was for none. */
static struct peer_trial_count *class_count(const struct trial_node *n,
					    const struct trial_job *job)
{
	return job->set->is_burn && job->class >= 0 ?
		       &n->is->class[job->class].burn :
		       NULL;
}

static void count_asked(const struct trial_node *n, const struct trial_job *job,
			int by)
{
	struct peer_trial_count *of[] = { trial_count(n, job->set),
					  class_count(n, job) };

	for (size_t i = 0; i < 2 && of[i]; i++)
		of[i]->asked = (unsigned)((int)of[i]->asked + by);
}

static struct trial_job *find_trial_job(struct trial_node *n, uint32_t number)
{
	for (size_t i = 0; i < n->n_jobs; i++) {
		if (n->jobs[i].number == number)
			return &n->jobs[i];
	}
	return NULL;
}

static void end_trial_job(struct trial_node *n, struct trial_job *job)
{
	*job = n->jobs[--n->n_jobs];
	peer_farm_wake(&n->trial->farm);
}

/* The next unit that our compiler takes, from `at` on; set->n: none. */
static size_t next_trial_unit(const struct peer_canary *set, size_t at)
{
	while (at < set->n && set->unit[at].skipped)
		at++;
	return at;
}

static bool send_trial_unit(struct trial_node *n, const struct peer_canary *set,
			    size_t unit, int class)
{
	struct peer_question q;
	struct trial_job job = {
		.set = set, .unit = unit, .class = class, .sent_ms = clock_ms()
	};

	peer_canary_ask(&q, &set->unit[unit], set->cwd);
	q.pinned = class >= 0;
	q.class = (uint8_t)(q.pinned ? class : 0);
	if (peer_send(n->peer, n->trial->tc, &q, &job.number))
		return false;
	*VEC_ADD(n->jobs, n->n_jobs) = job;
	count_asked(n, &job, 1);
	return true;
}

static unsigned jobs_of_class(const struct trial_node *n, int class)
{
	unsigned jobs = 0;

	for (size_t i = 0; i < n->n_jobs; i++)
		jobs += n->jobs[i].class == class;
	return jobs;
}

/* Is less to do for `a`, by its cores; of what was done, where that is even? */
static bool is_idler(const struct trial_node *n, int a, int b)
{
	const struct peer_trial_class *x = &n->is->class[a];
	const struct peer_trial_class *y = &n->is->class[b];
	uint64_t out_x = (uint64_t)jobs_of_class(n, a) * y->cpus;
	uint64_t out_y = (uint64_t)jobs_of_class(n, b) * x->cpus;

	if (out_x != out_y)
		return out_x < out_y;
	return (uint64_t)x->burn.asked * y->cpus <
	       (uint64_t)y->burn.asked * x->cpus;
}

int trial_work_next_class(const struct trial_node *n)
{
	int best = -1;

	for (unsigned i = 0; i < n->is->n_classes; i++) {
		unsigned cpus = n->is->class[i].cpus;

		if (jobs_of_class(n, (int)i) < cpus + (cpus + 3) / 4 &&
		    (best < 0 || is_idler(n, (int)i, best)))
			best = (int)i;
	}
	return best;
}

bool trial_work_send(struct trial_node *n, const struct peer_canary *set,
		     unsigned most, bool again)
{
	bool pins = set->is_burn && n->pins;

	while (n->n_jobs < most) {
		int class = pins ? trial_work_next_class(n) : -1;

		n->next = next_trial_unit(set, n->next);
		if (n->next == set->n && again)
			n->next = next_trial_unit(set, 0);
		if (n->next == set->n || (pins && class < 0))
			break;
		if (!send_trial_unit(n, set, n->next, class)) {
			trial_work_note(n, trial_count(n, set),
					set->unit[n->next].name,
					"could not be asked");
			trial_count(n, set)->failed++;
			if (again)
				break;
		}
		n->next++;
	}
	return n->n_jobs || n->next < set->n;
}

void trial_work_note(struct trial_node *n, struct peer_trial_count *c,
		     const char *unit, const char *what)
{
	if (c->first)
		return;
	c->first = unit ? xasprintf("%s: %s", unit, what) : xstrdup(what);
	c->first_ms = n->trial->is->burnt_ms;
}

/* How it ended, and the first line of what it said. */
static char *words_of_crash(const struct peer_answer *a)
{
	char *how = spawn_status_text((int)a->result.wait_status), *text;
	struct bytes all = buf_bytes(&a->stream[WIRE_STDERR]);
	struct bytes line = bytes_line(&all);
	char *said;

	if (line.len > WORDS_MAX)
		line.len = WORDS_MAX;
	said = bytes_dup(line);
	printable_clean(said, strlen(said), 0, '?');
	text = *said ? xasprintf("%s: %s", how, said) : xstrdup(how);
	free(said);
	free(how);
	return text;
}

/* One compile more of its kind, of the node and of the class it was for. */
static void count_outcome(struct trial_node *n, const struct trial_job *job,
			  enum outcome is, const char *what)
{
	struct peer_trial_count *all = trial_count(n, job->set);
	struct peer_trial_count *of[] = { all, class_count(n, job) };

	for (size_t i = 0; i < 2 && of[i]; i++) {
		unsigned *const at[] = { [RIGHT] = &of[i]->right,
					 [WRONG] = &of[i]->wrong,
					 [CRASHED] = &of[i]->crashed,
					 [DAMAGED] = &of[i]->damaged,
					 [FAILED] = &of[i]->failed };

		++*at[is];
		if (what)
			trial_work_note(n, of[i],
					job->set->unit[job->unit].name, what);
	}
}

static void note_wrong(struct trial_node *n, const struct trial_job *job,
		       const struct peer_answer *a)
{
	struct peer_trial_unit *u = &n->is->unit[job->unit];
	struct digest is;

	count_outcome(n, job, WRONG, "another object than here");
	if (!job->set->is_burn)
		return;
	digest_of(buf_bytes(&a->stream[WIRE_OBJECT]), &is);
	if (!u->wrong++)
		u->is = is;
	else if (!digest_equal(&u->is, &is))
		u->varies = true;
}

static void judge_unit(struct trial_node *n, const struct trial_job *job,
		       const struct peer_answer *a)
{
	const struct peer_canary_unit *unit = &job->set->unit[job->unit];
	struct err err;
	char *words;

	n->is->cpu_ms += a->result.cpu_ms;
	if (class_count(n, job))
		n->is->class[job->class].cpu_ms += a->result.cpu_ms;
	if (peer_answer_check(a, &err)) {
		count_outcome(n, job, DAMAGED, err.text);
	} else if (a->result.wait_status) {
		words = words_of_crash(a);
		count_outcome(n, job, CRASHED, words);
		free(words);
	} else if (!peer_canary_is_equal(a, unit)) {
		note_wrong(n, job, a);
	} else {
		count_outcome(n, job, RIGHT, NULL);
		if (job->set->is_burn)
			n->is->unit[job->unit].right++;
	}
}

void trial_work_answered(struct trial_node *n, uint32_t number,
			 struct peer_answer *answer)
{
	struct trial_job *job = find_trial_job(n, number);

	if (job) {
		judge_unit(n, job, answer);
		n->since_ms = clock_ms();
		end_trial_job(n, job);
	}
	peer_answer_release(answer);
}

void trial_work_failed(struct trial_node *n, uint32_t number,
		       enum wire_fail_class class, const char *why)
{
	struct trial_job *job = find_trial_job(n, number);

	if (!job)
		return;
	if (class == WIRE_FAIL_BUSY && n->n_jobs > 1) {
		/* Others are at its slots; another turn comes. */
		count_asked(n, job, -1);
		if (job->set->is_burn)
			n->since_ms = clock_ms();
		else if (job->unit < n->next)
			n->next = job->unit;
		/* A canary that is put off for ever has an end. */
	} else {
		n->since_ms = clock_ms();
		count_outcome(n, job, FAILED, why);
	}
	end_trial_job(n, job);
}

void trial_work_drop(struct trial_node *n, bool cancel)
{
	for (size_t i = 0; i < n->n_jobs; i++) {
		count_asked(n, &n->jobs[i], -1);
		if (cancel)
			peer_cancel(n->peer, n->jobs[i].number);
	}
	n->n_jobs = 0;
}

void trial_work_give_up(struct trial_node *n, const char *why)
{
	for (size_t i = 0; i < n->n_jobs; i++) {
		struct peer_trial_count *of = class_count(n, &n->jobs[i]);

		if (of)
			trial_work_note(n, of, NULL, why);
		count_outcome(n, &n->jobs[i], FAILED, NULL);
		count_asked(n, &n->jobs[i], 1);
	}
	trial_work_drop(n, true);
}
