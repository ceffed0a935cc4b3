/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/trial-stage.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "inputs/reference.h"
#include "peer/canary-data.h"
#include "peer/trial-work.h"

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#define FAST_US     50000
#define LINK_MS     8000 /* for each */
#define COMPILER_MS 15000 /* without so much of it that was sent: */
#define LEAST_BYTES (64u << 10)
#define BRING_MS    600000 /* for all of it: a link that fails takes less */
#define ANSWERS_MS  75000 /* more than a unit's deadline */
#define CANARY_MS   300000 /* for all of it, whoever else has the slots */
#define PROBE_MS    15000
#define REDIAL_MS   2000

void trial_stage_enter(struct trial_node *n, enum peer_trial_stage stage)
{
	n->stage = stage;
	n->since_ms = clock_ms();
	n->trial->is->stage[n - n->trial->nodes] = stage;
	peer_farm_wake(&n->trial->farm);
}

/* ------------------------------------------------------------- the link */

/* A file of random bytes, as nodes are told of it; NULL: none could be made. */
static const struct inputs_entry *make_random(const struct trial_node *n,
					      size_t size)
{
	struct trial *t = n->trial;
	char *path = xasprintf("%s/random-%zu-%u", t->is->work,
			       (size_t)(n - t->nodes), n->measured);
	char *real = NULL;
	uint8_t *bytes = xmalloc(size);
	const struct inputs_entry *entry = NULL;
	struct err err;
	size_t at = 0;

	while (at < size) {
		ssize_t got = getrandom(bytes + at, size - at, 0);

		if (got > 0)
			at += (size_t)got;
	}
	if (!fs_write(path, bytes_of(bytes, size), 0700, &err))
		real = realpath(path, NULL);
	if (real)
		entry = peer_farm_enter(&t->farm, real, bytes_of(bytes, size));
	free(real);
	free(bytes);
	free(path);
	return entry;
}

static void remove_random(const struct trial_node *n)
{
	for (unsigned i = 0; i < 2; i++) {
		char *path = xasprintf("%s/random-%zu-%u", n->trial->is->work,
				       (size_t)(n - n->trial->nodes), i);

		unlink(path);
		free(path);
	}
}

static void end_link(struct trial_node *n)
{
	n->trial->measuring = NULL;
	n->measuring = false;
	remove_random(n);
	trial_stage_enter(n, PEER_TRIAL_COMPILER);
}

static void measure_next(struct trial_node *n)
{
	const struct inputs_entry *file;

	n->trial->measuring = n;
	file = make_random(n,
			   n->measured ? TRIAL_LARGE_BYTES : TRIAL_SMALL_BYTES);
	n->since_ms = clock_ms();
	n->measuring = file && peer_measure(n->peer, file);
	if (!n->measuring)
		end_link(n);
}

static bool link_is_known(const struct trial_node *n)
{
	/* The first bytes came slowly, or there were more. */
	return n->measured > 1 ||
	       (n->measured && n->is->link_bits < TRIAL_SMALL_BYTES * 8ull *
							  1000000 / FAST_US);
}

static void step_link(struct trial_node *n, uint64_t now)
{
	struct trial *t = n->trial;

	if (!t->measuring || (t->measuring == n && !n->measuring)) {
		if (link_is_known(n))
			end_link(n);
		else
			measure_next(n);
	} else if (t->measuring == n && now > n->since_ms + LINK_MS) {
		if (n->is->link == PEER_LINK_UNTRIED) {
			n->is->link = PEER_LINK_LATE;
			n->is->link_bits = TRIAL_SMALL_BYTES * 8ull * 1000 /
					   LINK_MS;
		}
		end_link(n);
	}
}

/* --------------------------------------------------------- the compiler */

/* Is a node's link still to be measured, or who it is to be heard? */
static bool is_anyone_before_compiler(const struct trial *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->nodes[i].stage < PEER_TRIAL_COMPILER)
			return true;
	}
	return false;
}

static void lacks_compiler(struct trial_node *n, const char *why)
{
	free(n->is->lacks);
	n->is->lacks = xstrdup(why);
	trial_stage_enter(n, PEER_TRIAL_OVER);
}

/* It never comes: what was sent so far says something of the link. */
static void check_progress(struct trial_node *n, uint64_t now)
{
	struct peer_figures figures;

	peer_figures(n->peer, &figures);
	if (!n->compiler_ms)
		n->compiler_ms = now;
	/* Who reads a byte now and then does not get it in anybody's time. */
	if (figures.sent >= n->sent_bytes + LEAST_BYTES) {
		n->sent_bytes = figures.sent;
		n->since_ms = now;
	}
	if (now > n->compiler_ms + BRING_MS) {
		lacks_compiler(n, "the compiler did not get there within 10 "
				  "minutes");
	} else if (now > n->since_ms + COMPILER_MS) {
		lacks_compiler(n, "the compiler did not get there, and nothing "
				  "was heard of it for 15 s");
	}
}

static void step_compiler(struct trial_node *n, uint64_t now)
{
	struct trial *t = n->trial;
	struct peer_figures figures;

	if (t->is->compiler_why) {
		trial_stage_enter(n, PEER_TRIAL_OVER);
		return;
	}
	if (!t->tc || t->tc->state == INPUTS_UNKNOWN ||
	    is_anyone_before_compiler(t)) {
		n->since_ms = now;
		return;
	}
	if (!t->added)
		peer_farm_add(&t->farm, t->tc);
	t->added = true;
	peer_figures(n->peer, &figures);
	if (peer_has(n->peer, t->tc) == PEER_HAS) {
		n->is->has = true;
		trial_stage_enter(n, PEER_TRIAL_CANARY);
	} else if (figures.lacks) {
		lacks_compiler(n, figures.why_lacks ?
					  figures.why_lacks :
					  "it has no build of the compiler");
	} else {
		check_progress(n, now);
	}
}

/* -------------------------------------------------- the known answers */

static bool is_set_ready(const struct trial_node *n,
			 const struct peer_canary *set)
{
	return set && set->state == INPUTS_READY && n->is->has;
}

/* Those that never came, of one that is not silent otherwise. */
static void give_up_units(struct trial_node *n, struct peer_trial_count *c,
			  const char *why)
{
	trial_work_note(n, c, NULL, why);
	trial_work_give_up(n, why);
	/* Those that are sent next have as long. */
	n->since_ms = clock_ms();
}

static void step_canary(struct trial_node *n, uint64_t now)
{
	struct trial *t = n->trial;

	if (!t->canary)
		t->canary = peer_canary_of(&t->farm, t->tc);
	if (t->canary->state == INPUTS_UNKNOWN) {
		n->since_ms = now;
	} else if (!is_set_ready(n, t->canary)) {
		trial_stage_enter(n, PEER_TRIAL_ANSWER);
	} else if (!trial_work_send(n, t->canary, n->is->slots, false)) {
		n->next = 0;
		trial_stage_enter(n, PEER_TRIAL_ANSWER);
	} else if (now > n->since_ms + ANSWERS_MS) {
		give_up_units(n, &n->is->canary, "no answer within 75 s");
		n->next = t->canary->n;
	} else if (!n->canary_ms) {
		n->canary_ms = now;
	} else if (now > n->canary_ms + CANARY_MS) {
		/* It may put off one for another without end. */
		give_up_units(n, &n->is->canary,
			      "not all answers within 300 s");
		n->next = t->canary->n;
	}
}

static void end_answer(struct trial_node *n)
{
	n->probing = false;
	trial_stage_enter(n, n->trial->is->burn_ms ? PEER_TRIAL_READY :
						     PEER_TRIAL_OVER);
}

static void step_answer(struct trial_node *n, uint64_t now)
{
	const struct trial *t = n->trial;
	struct peer_trial_count *c = &n->is->answer;

	if (c->right || c->wrong || c->failed ||
	    t->reference->state == INPUTS_BAD) {
		end_answer(n);
	} else if (n->probing && now > n->since_ms + PROBE_MS) {
		c->failed++;
		trial_work_note(n, c, NULL, "no answer within 15 s");
		end_answer(n);
	} else if (!n->probing && t->reference->state == INPUTS_READY) {
		n->probing = peer_probe(n->peer);
		c->asked += n->probing;
		if (!n->probing)
			end_answer(n);
	}
}

/* ----------------------------------------------------------- the burn-in */

static bool is_anyone_before_burn(const struct trial *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->nodes[i].stage < PEER_TRIAL_READY)
			return true;
	}
	return false;
}

static void step_waiting(struct trial_node *n, uint64_t now)
{
	struct trial *t = n->trial;
	size_t sources;

	if (!t->burn)
		t->burn = peer_canary_burn(&t->farm, t->tc);
	peer_canary_burn_sources(&sources);
	t->is->sources = (unsigned)sources;
	t->is->sources_done = atomic_load(&t->burn->n_tried);
	if (t->burn->state == INPUTS_UNKNOWN || is_anyone_before_burn(t))
		return;
	if (t->burn->state == INPUTS_BAD) {
		t->is->compiler_why = xstrdup(t->burn->why);
		trial_stage_enter(n, PEER_TRIAL_OVER);
		return;
	}
	if (!t->burn_began_ms)
		t->burn_began_ms = now;
	n->next = (size_t)(n - t->nodes) % t->burn->n;
	trial_stage_enter(n, PEER_TRIAL_BURN);
}

static void redial(struct trial_node *n, uint64_t now)
{
	if (peer_state(n->peer) == PEER_DOWN && n->redial_ms &&
	    now > n->redial_ms + REDIAL_MS) {
		n->redial_ms = 0;
		n->dialled_ms = now;
		peer_dial(n->peer);
	}
}

static void step_burn(struct trial_node *n, uint64_t now)
{
	const struct trial *t = n->trial;

	if (now - t->burn_began_ms >= t->is->burn_ms) {
		trial_work_drop(n, true);
		trial_stage_enter(n, PEER_TRIAL_OVER);
		return;
	}
	redial(n, now);
	if (peer_state(n->peer) == PEER_UP &&
	    peer_has(n->peer, t->tc) == PEER_HAS) {
		trial_work_send(n, t->burn, n->is->slots, true);
		if (now > n->since_ms + ANSWERS_MS)
			give_up_units(n, &n->is->burn, "no answer within 75 s");
	}
}

/* ------------------------------------------------------------ all of it */

static void step_node(struct trial_node *n, uint64_t now)
{
	switch (n->stage) {
	case PEER_TRIAL_LINK:
		step_link(n, now);
		break;
	case PEER_TRIAL_COMPILER:
		step_compiler(n, now);
		break;
	case PEER_TRIAL_CANARY:
		step_canary(n, now);
		break;
	case PEER_TRIAL_ANSWER:
		step_answer(n, now);
		break;
	case PEER_TRIAL_READY:
		step_waiting(n, now);
		break;
	case PEER_TRIAL_BURN:
		step_burn(n, now);
		break;
	case PEER_TRIAL_GREET:
	case PEER_TRIAL_OVER:
		break;
	}
}

void trial_stage_step(struct trial *t, uint64_t now_ms)
{
	if (t->burn_began_ms)
		t->is->burnt_ms = now_ms - t->burn_began_ms;
	for (size_t i = 0; i < t->n; i++) {
		peer_step(t->nodes[i].peer);
		step_node(&t->nodes[i], now_ms);
	}
}

bool trial_stage_is_over(const struct trial *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (t->nodes[i].stage != PEER_TRIAL_OVER)
			return false;
	}
	return true;
}
