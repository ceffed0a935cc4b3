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

static struct peer_trial_count *trial_count(const struct trial_node *n,
					    const struct peer_canary *set)
{
	return set->is_burn ? &n->is->burn : &n->is->canary;
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
			    size_t unit)
{
	struct peer_question q;
	struct trial_job job = { .set = set,
				 .unit = unit,
				 .sent_ms = clock_ms() };

	peer_canary_ask(&q, &set->unit[unit], set->cwd);
	if (peer_send(n->peer, n->trial->tc, &q, &job.number))
		return false;
	*VEC_ADD(n->jobs, n->n_jobs) = job;
	trial_count(n, set)->asked++;
	return true;
}

bool trial_work_send(struct trial_node *n, const struct peer_canary *set,
		     unsigned most, bool again)
{
	while (n->n_jobs < most) {
		n->next = next_trial_unit(set, n->next);
		if (n->next == set->n && again)
			n->next = next_trial_unit(set, 0);
		if (n->next == set->n)
			break;
		if (!send_trial_unit(n, set, n->next)) {
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

static void note_crash(struct trial_node *n, struct peer_trial_count *c,
		       const char *unit, const struct peer_answer *a)
{
	char *words = words_of_crash(a);

	c->crashed++;
	trial_work_note(n, c, unit, words);
	free(words);
}

static void note_wrong(struct trial_node *n, const struct trial_job *job,
		       const struct peer_answer *a)
{
	struct peer_trial_count *c = trial_count(n, job->set);
	struct peer_trial_unit *u = &n->is->unit[job->unit];
	struct digest is;

	c->wrong++;
	trial_work_note(n, c, job->set->unit[job->unit].name,
			"another object than here");
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
	struct peer_trial_count *c = trial_count(n, job->set);
	struct err err;

	n->is->cpu_ms += a->result.cpu_ms;
	if (peer_answer_check(a, &err)) {
		c->damaged++;
		trial_work_note(n, c, unit->name, err.text);
	} else if (a->result.wait_status) {
		note_crash(n, c, unit->name, a);
	} else if (!peer_canary_is_equal(a, unit)) {
		note_wrong(n, job, a);
	} else {
		c->right++;
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
	struct peer_trial_count *c;

	if (!job)
		return;
	c = trial_count(n, job->set);
	if (class == WIRE_FAIL_BUSY && n->n_jobs > 1) {
		/* Others are at its slots; another turn comes. */
		c->asked--;
		if (job->set->is_burn)
			n->since_ms = clock_ms();
		else if (job->unit < n->next)
			n->next = job->unit;
		/* A canary that is put off for ever has an end. */
	} else {
		c->failed++;
		n->since_ms = clock_ms();
		trial_work_note(n, c, job->set->unit[job->unit].name, why);
	}
	end_trial_job(n, job);
}

void trial_work_drop(struct trial_node *n, bool cancel)
{
	for (size_t i = 0; i < n->n_jobs; i++) {
		trial_count(n, n->jobs[i].set)->asked--;
		if (cancel)
			peer_cancel(n->peer, n->jobs[i].number);
	}
	n->n_jobs = 0;
}
