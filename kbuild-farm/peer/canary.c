/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/canary.h"

#include "base/clock.h"
#include "base/str.h"
#include "inputs/toolchain.h"
#include "peer/canary-ours.h"
#include "peer/send.h"
#include "wire/key.h"

#include <stdlib.h>
#include <string.h>

#define DEADLINE_MS 60000
#define ANSWER_MAX  (4u << 20) /* of each stream */

struct peer_trial {
	struct peer_cell *cell;
	peer_canary_done *done;
	unsigned rounds; /* left, this one included */
	size_t at; /* the unit */
	uint32_t number; /* of its job; 0: none is out */
	struct digest key;
	struct buf answer[WIRE_STREAMS];
	uint32_t cpu_ms, best_ms;
	bool has_best;
};

static void forget_job(struct peer_trial *t)
{
	if (t->number)
		t->cell->peer->running--;
	t->number = 0;
	for (int i = 0; i < WIRE_STREAMS; i++)
		buf_release(&t->answer[i]);
}

void peer_canary_drop(struct peer_cell *cell)
{
	struct peer_trial *t = cell->trial;

	if (!t)
		return;
	cell->trial = NULL;
	forget_job(t);
	free(t);
}

static void done(struct peer_trial *t, enum peer_canary_is is,
		 const char *detail)
{
	struct peer_cell *cell = t->cell;
	peer_canary_done *tell = t->done;
	uint32_t ms = t->best_ms;
	char *copy = xstrdup(detail);

	peer_canary_drop(cell);
	tell(cell, is, copy, ms);
	free(copy);
}

static void broken(struct peer_trial *t, const char *unit, const char *why)
{
	char *detail = xasprintf("canary %s: %s", unit, why);

	done(t, PEER_CANARY_BROKEN, detail);
	free(detail);
}

static int ask(struct peer_trial *t, const struct peer_canary_unit *u)
{
	static char lc_all[] = "LC_ALL=C", *env[] = { lc_all, NULL };
	const struct peer_canary *ours = t->cell->toolchain->canary;
	struct peer_question q = {
		.number = t->cell->peer->coord->next_number++,
		.lang = u->is_asm ? WIRE_LANG_ASM : WIRE_LANG_C,
		.deadline_ms = DEADLINE_MS,
		.cwd = ours->cwd,
		.source = u->name,
		.object = u->object_name,
		.flags = &u->flags,
		.env = env,
		.entry = &u->entry,
		.n_entries = 1,
	};
	int ret = peer_send_job(t->cell, &q, &t->key);

	if (!ret) {
		t->number = q.number;
		t->cell->peer->running++;
	}
	return ret;
}

/* All units of this round are done. */
static bool end_round(struct peer_trial *t)
{
	if (!t->has_best || t->cpu_ms < t->best_ms)
		t->best_ms = t->cpu_ms;
	t->has_best = true;
	t->at = 0;
	t->cpu_ms = 0;
	if (--t->rounds)
		return false;
	done(t, PEER_CANARY_PASSED, "");
	return true;
}

/* Send the next unit, if this is the moment. */
static void step(struct peer_trial *t)
{
	const struct peer *p = t->cell->peer;
	const struct peer_canary *ours = t->cell->toolchain->canary;

	if (t->number || ours->state == INPUTS_UNKNOWN ||
	    (p->state != PEER_UP && p->state != PEER_RESTING) ||
	    p->running >= peer_slots(p))
		return;
	if (ours->state == INPUTS_BAD) {
		done(t, PEER_CANARY_BROKEN, ours->why);
		return;
	}
	while (t->at < ours->n && ours->unit[t->at].skipped)
		t->at++;
	if (t->at == ours->n) {
		if (!end_round(t))
			step(t);
		return;
	}
	if (ask(t, &ours->unit[t->at]))
		broken(t, ours->unit[t->at].name, "could not be asked");
}

void peer_canary_try(struct peer_cell *cell, unsigned rounds,
		     peer_canary_done *tell)
{
	struct peer_trial *t = xcalloc(1, sizeof(*t));

	t->cell = cell;
	t->rounds = rounds;
	t->done = tell;
	cell->trial = t;
	peer_canary_prepare(cell->toolchain);
	/* It may have failed at once, and told everybody. */
	if (cell->trial)
		step(cell->trial);
}

void peer_canary_watch(struct peer *p, uint64_t now_ms)
{
	struct peer_cell *cell, *next;

	(void)now_ms;
	list_for_each_safe(cell, &p->cells, link, next) {
		if (cell->trial)
			step(cell->trial);
	}
}

static struct peer_trial *trial_of(struct peer *p, uint32_t job)
{
	struct peer_cell *cell;

	list_for_each(cell, &p->cells, link) {
		if (cell->trial && cell->trial->number == job)
			return job ? cell->trial : NULL;
	}
	return NULL;
}

bool peer_canary_output(struct peer *p, const struct wire_piece *m)
{
	struct peer_trial *t = trial_of(p, m->job);

	/* What is too much is found by its length. */
	if (t && t->answer[m->stream].len + m->data.len <= ANSWER_MAX)
		buf_add_bytes(&t->answer[m->stream], m->data);
	return t != NULL;
}

/* Is it the answer to the question, undamaged? */
static bool is_answer(const struct peer_trial *t, const struct wire_result *m)
{
	struct bytes streams[WIRE_STREAMS];
	struct digest answer;

	for (int i = 0; i < WIRE_STREAMS; i++) {
		streams[i] = buf_bytes(&t->answer[i]);
		if (streams[i].len != m->len[i])
			return false;
	}
	wire_answer_digest(&t->key, streams, &answer);
	return digest_equal(&answer, &m->answer) &&
	       digest_equal(&m->toolchain, &t->cell->toolchain->manifest.id);
}

static bool is_equal(const struct peer_trial *t, const struct wire_result *m,
		     const struct peer_canary_unit *u)
{
	return !m->wait_status &&
	       bytes_equal(buf_bytes(&t->answer[WIRE_OBJECT]),
			   buf_bytes(&u->object)) &&
	       bytes_equal(buf_bytes(&t->answer[WIRE_STDERR]),
			   buf_bytes(&u->said)) &&
	       !t->answer[WIRE_STDOUT].len;
}

bool peer_canary_result(struct peer *p, const struct wire_result *m)
{
	struct peer_trial *t = trial_of(p, m->job);
	const struct peer_canary_unit *u;

	if (!t)
		return false;
	u = &t->cell->toolchain->canary->unit[t->at];
	if (!is_answer(t, m)) {
		broken(t, u->name, "the answer is damaged");
	} else if (!is_equal(t, m, u)) {
		done(t, PEER_CANARY_FAILED, u->name);
	} else {
		forget_job(t);
		t->cpu_ms += m->cpu_ms;
		t->at++;
		step(t);
	}
	return true;
}

bool peer_canary_fail(struct peer *p, const struct wire_fail *m)
{
	struct peer_trial *t = trial_of(p, m->job);
	const char *unit;
	char *detail;

	if (!t)
		return false;
	unit = t->cell->toolchain->canary->unit[t->at].name;
	if (m->class == WIRE_FAIL_BUSY) {
		/* Once more with the next tick. */
		forget_job(t);
	} else if (m->class == WIRE_FAIL_INPUT || m->class == WIRE_FAIL_VOID) {
		detail = xasprintf("%s (%s)", unit, m->reason);
		done(t, PEER_CANARY_FAILED, detail);
		free(detail);
	} else {
		broken(t, unit, m->reason);
	}
	return true;
}
