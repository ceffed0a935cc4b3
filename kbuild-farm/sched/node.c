/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sched/node.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>

#define NEVER      UINT64_MAX
#define REST_MAX_S 60
#define STRIKES    3
#define REDIAL_MS  1000 /* between two dials, at least */
#define REPROBE_MS 1000 /* while nothing is known to ask a node */

const char *sched_node_state_name(enum sched_node_state state)
{
	static const char *const names[] = {
		[SCHED_NODE_DOWN] = "down",
		[SCHED_NODE_GREETING] = "connecting",
		[SCHED_NODE_UP] = "up",
		[SCHED_NODE_UNFIT] = "unfit",
		[SCHED_NODE_RESTING] = "resting",
		[SCHED_NODE_PROVING] = "resting",
		[SCHED_NODE_OUT] = "out",
		[SCHED_NODE_DRAINING] = "draining",
		[SCHED_NODE_DRAINED] = "drained",
	};

	return names[state];
}

enum sched_node_state sched_node_shown(const struct sched_node *n)
{
	if (!n->drained)
		return n->state;
	return n->running > n->busy ? SCHED_NODE_DRAINING : SCHED_NODE_DRAINED;
}

static void act_on_node(struct sched *s, const struct sched_node *n,
			enum sched_action_kind kind)
{
	sched_act(s, &(struct sched_action){ .kind = kind,
					     .node = n->number,
					     .state = sched_node_shown(n),
					     .words = n->words });
}

/* It is in another state, for people. */
static void tell_shown(struct sched *s, struct sched_node *n)
{
	n->draining = sched_node_shown(n) == SCHED_NODE_DRAINING;
	act_on_node(s, n, SCHED_NODE);
}

static bool is_connected(const struct sched_node *n)
{
	return n->state != SCHED_NODE_DOWN && n->state != SCHED_NODE_GREETING &&
	       n->state != SCHED_NODE_OUT;
}

static void set_due(struct sched *s, struct sched_node *n, uint64_t ms)
{
	n->due_ms = ms;
	if (ms < s->due_ms)
		s->due_ms = ms;
}

/* ----------------------------------------------------------- availability */

/* What began then may come soon; after a while it is not waited for. */
static enum sched_available soon_after(struct sched *s, uint64_t began_ms)
{
	uint64_t until = began_ms + s->setup.patience_ms;

	if (s->now_ms > until)
		return AVAILABLE_SHIPPING;
	if (until + 1 < s->due_ms)
		s->due_ms = until + 1;
	return AVAILABLE_SOON;
}

static enum sched_available cell_available(struct sched *s,
					   const struct sched_cell_state *c)
{
	if (c->cell == SCHED_CELL_READY)
		return AVAILABLE_NOW;
	if (c->cell == SCHED_CELL_SHIPPING)
		return AVAILABLE_SHIPPING;
	if (c->cell != SCHED_CELL_ASKED)
		return AVAILABLE_NEVER;
	return soon_after(s, c->asked_ms);
}

static enum sched_available node_available(struct sched *s,
					   const struct sched_node *n,
					   const struct sched_cell_state *c)
{
	if (n->drained)
		return AVAILABLE_NEVER;
	if (n->state == SCHED_NODE_GREETING)
		return soon_after(s, n->dialed_ms);
	if (n->state == SCHED_NODE_DOWN && !n->faults)
		return AVAILABLE_SOON;
	return n->state == SCHED_NODE_UP ? cell_available(s, c) :
					   AVAILABLE_NEVER;
}

static void refresh_cell(struct sched *s, const struct sched_node *n,
			 struct sched_toolchain *tc)
{
	struct sched_cell_state *c = &tc->cell[n->number];
	enum sched_available available = node_available(s, n, c);
	bool open = available == AVAILABLE_NOW && n->free && !n->worn;

	/* Better a local slot than to wait for one of the few that it has. */
	if (available == AVAILABLE_NOW && n->window.most)
		available = AVAILABLE_SHIPPING;
	tc->n_open += open;
	tc->n_open -= c->open;
	c->open = open;
	if (available == c->available)
		return;
	tc->n_available[c->available]--;
	tc->n_available[available]++;
	c->available = available;
	tc->review = true;
}

void sched_node_refresh(struct sched *s, struct sched_node *n)
{
	unsigned slots = sched_window_slots(&n->window, n->slots);

	s->free_slots -= n->free;
	n->free = 0;
	if (n->state == SCHED_NODE_UP && !n->drained && n->running < slots)
		n->free = slots - n->running;
	s->free_slots += n->free;
	for (size_t i = 0; i < s->n_toolchains; i++)
		refresh_cell(s, n, s->toolchains[i]);
}

static void set_words(struct sched_node *n, const char *words)
{
	char *copy = words ? xstrdup(words) : NULL;

	free(n->words);
	n->words = copy;
}

static void set_state(struct sched *s, struct sched_node *n,
		      enum sched_node_state state)
{
	n->state = state;
	n->due_ms = NEVER;
	sched_node_refresh(s, n);
}

static void tell_state(struct sched *s, struct sched_node *n,
		       enum sched_node_state state, const char *words)
{
	set_words(n, words);
	set_state(s, n, state);
	tell_shown(s, n);
}

/* -------------------------------------------------------------- and slots */

/* The conversation is over, and all that was known in it. */
static void forget_conversation(struct sched *s, struct sched_node *n)
{
	n->running -= n->busy;
	n->busy = 0;
	n->worn = false;
	for (size_t i = 0; i < s->n_toolchains; i++) {
		struct sched_toolchain *tc = s->toolchains[i];

		tc->review |= tc->cell[n->number].steps != 0;
		tc->cell[n->number].cell = SCHED_CELL_NONE;
		tc->cell[n->number].steps = 0;
	}
}

/* Nothing runs there: begin anew, at once or a second after the last dial. */
static void renew_if_idle(struct sched *s, struct sched_node *n)
{
	uint64_t dial_ms = n->dialed_ms + REDIAL_MS;

	if (!n->worn || n->running)
		return;
	act_on_node(s, n, SCHED_RENEW);
	forget_conversation(s, n);
	set_state(s, n, SCHED_NODE_DOWN);
	set_due(s, n, dial_ms > s->now_ms ? dial_ms : s->now_ms);
}

/* It was removed, and its units have ended. */
static void leave_if_idle(struct sched *s, struct sched_node *n)
{
	char *words;

	if (!n->removed || n->state == SCHED_NODE_OUT || n->running > n->busy)
		return;
	if (n->state != SCHED_NODE_DOWN)
		act_on_node(s, n, SCHED_HANG_UP);
	words = n->words ? xstrdup(n->words) : NULL;
	forget_conversation(s, n);
	n->drained = false;
	tell_state(s, n, SCHED_NODE_OUT, words);
	free(words);
}

void sched_node_use(struct sched *s, struct sched_node *n, int change)
{
	n->running += (unsigned)change;
	sched_node_refresh(s, n);
	if (n->draining && sched_node_shown(n) == SCHED_NODE_DRAINED &&
	    !n->removed)
		tell_shown(s, n);
	leave_if_idle(s, n);
	renew_if_idle(s, n);
}

static void set_slots(struct sched *s, struct sched_node *n, unsigned slots,
		      unsigned busy)
{
	int change = (int)busy - (int)n->busy;

	if (!is_connected(n))
		return;
	n->slots = slots;
	n->busy = busy;
	sched_node_use(s, n, change);
}

void sched_node_worn(struct sched *s, struct sched_node *n)
{
	if (!is_connected(n))
		return;
	n->worn = true;
	sched_node_use(s, n, 0);
}

void sched_node_cell(struct sched *s, struct sched_node *n,
		     struct sched_toolchain *tc, enum sched_cell cell,
		     unsigned steps)
{
	struct sched_cell_state *c = &tc->cell[n->number];

	if (!is_connected(n))
		return;
	c->cell = cell;
	c->asked_ms = s->now_ms;
	tc->review |= c->steps != steps;
	c->steps = steps;
	sched_node_refresh(s, n);
}

/* ------------------------------------------------------------------ health */

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(struct sched *s)
{
	uint64_t z = s->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* When a rest that begins now ends; with `relapses` it is longer. */
static uint64_t rested_ms(struct sched *s, const struct sched_node *n,
			  unsigned relapses)
{
	unsigned times = n->faults + relapses;
	uint64_t ms = 1000 * (times > 6 ? REST_MAX_S : 1u << (times - 1));

	return s->now_ms + ms - ms / 5 + next_random(s) % (ms * 2 / 5 + 1);
}

static void lose(struct sched *s, struct sched_node *n, bool greeted,
		 enum sched_node_state state, const char *words)
{
	forget_conversation(s, n);
	n->errors += greeted;
	n->faults++;
	tell_state(s, n, state, words);
	if (state == SCHED_NODE_DOWN)
		set_due(s, n, rested_ms(s, n, 0));
}

static void take_node_out(struct sched *s, struct sched_node *n,
			  const char *words)
{
	if (n->removed)
		return;
	n->removed = n->drained = true;
	set_words(n, words);
	sched_node_refresh(s, n);
	if (n->running > n->busy)
		tell_shown(s, n);
	else if (n->state == SCHED_NODE_OUT)
		tell_state(s, n, SCHED_NODE_OUT, words);
	leave_if_idle(s, n);
}

static void retry_node(struct sched *s, struct sched_node *n)
{
	if (n->removed)
		return;
	if (n->state == SCHED_NODE_OUT)
		tell_state(s, n, SCHED_NODE_DOWN, NULL);
	if (n->state != SCHED_NODE_DOWN)
		return;
	/* It may be another machine: what the one before did is not its own. */
	n->faults = n->strikes = 0;
	n->window = (struct sched_window){ 0 };
	n->connected_before = false;
	set_due(s, n, s->now_ms);
}

static void tell_fewer(struct sched *s, struct sched_node *n, const char *words)
{
	char *text = words && n->window.most ?
			     xasprintf("fewer jobs at once: %s", words) :
			     NULL;

	tell_state(s, n, SCHED_NODE_UP, text);
	free(text);
}

void sched_node_narrow(struct sched *s, struct sched_node *n, unsigned most,
		       const char *words)
{
	if (sched_window_narrow(&n->window, n->slots, most))
		tell_fewer(s, n, words);
}

/* With fewer units at once it may do; else after a longer rest. */
static void rest_after_fault(struct sched *s, struct sched_node *n,
			     const char *words)
{
	/* What failed, and those that are still there. */
	unsigned most = (1 + n->share.held) / 2;
	bool fewer = sched_window_narrow(&n->window, n->slots, most);

	tell_state(s, n, SCHED_NODE_RESTING, words);
	set_due(s, n, rested_ms(s, n, fewer ? 0 : n->window.relapses));
}

void sched_node_fault(struct sched *s, struct sched_node *n, bool wrong,
		      const char *words)
{
	n->errors++;
	n->faults++;
	n->strikes += wrong;
	if (n->state == SCHED_NODE_OUT)
		return;
	if (n->strikes >= STRIKES) {
		if (n->state != SCHED_NODE_DOWN)
			act_on_node(s, n, SCHED_HANG_UP);
		lose(s, n, true, SCHED_NODE_OUT, words);
	} else if (n->state == SCHED_NODE_UP ||
		   n->state == SCHED_NODE_PROVING) {
		rest_after_fault(s, n, words);
	} else {
		/* It is undecided no more. */
		sched_node_refresh(s, n);
	}
}

void sched_node_suspect(struct sched *s, struct sched_node *n,
			const char *words)
{
	if (n->jobs && !n->suspected && !n->window.relapses &&
	    n->state == SCHED_NODE_UP) {
		n->errors++;
		n->suspected = true;
	} else {
		sched_node_fault(s, n, false, words);
	}
}

/* It answered right; was it to show that? */
static void recover(struct sched *s, struct sched_node *n)
{
	char *why = n->words ? xstrdup(n->words) : NULL;

	n->faults = 0;
	n->suspected = false;
	if (n->state == SCHED_NODE_PROVING) {
		sched_window_probed(&n->window);
		tell_fewer(s, n, why);
	} else {
		sched_node_refresh(s, n);
	}
	free(why);
}

void sched_node_success(struct sched *s, struct sched_node *n)
{
	bool whole = sched_window_good(&n->window, n->slots);

	recover(s, n);
	if (whole && n->state == SCHED_NODE_UP)
		tell_state(s, n, SCHED_NODE_UP, NULL);
}

static void probed(struct sched *s, struct sched_node *n,
		   enum sched_probe probe, const char *words)
{
	bool proving = n->state == SCHED_NODE_PROVING;

	if (!proving && n->state != SCHED_NODE_UP)
		return;
	switch (probe) {
	case SCHED_PROBE_RIGHT:
		recover(s, n);
		return;
	case SCHED_PROBE_IMPOSSIBLE:
		if (!proving)
			return;
		set_state(s, n, SCHED_NODE_RESTING);
		set_due(s, n, s->now_ms + REPROBE_MS);
		return;
	default:
		sched_node_fault(s, n, probe == SCHED_PROBE_WRONG, words);
	}
}

static void fit(struct sched *s, struct sched_node *n, unsigned slots)
{
	n->slots = slots;
	/* One that failed before must first show a right answer. */
	if (n->connected_before && n->faults) {
		set_state(s, n, SCHED_NODE_RESTING);
		tell_shown(s, n);
		set_due(s, n, s->now_ms);
	} else {
		tell_state(s, n, SCHED_NODE_UP, NULL);
	}
	n->connected_before = true;
	for (size_t i = 0; i < s->n_toolchains; i++)
		sched_node_cell(s, n, s->toolchains[i], SCHED_CELL_ASKED,
				false);
}

/* Its answer to SCHED_DIAL. */
static void greet(struct sched *s, struct sched_node *n,
		  const struct sched_event *ev)
{
	bool is_fit = ev->kind == SCHED_FIT;

	if (n->state != SCHED_NODE_GREETING)
		sched_impossible(is_fit ? "fit" : "unfit",
				 sched_node_state_name(n->state), n->number);
	if (is_fit)
		fit(s, n, ev->slots);
	else
		tell_state(s, n, SCHED_NODE_UNFIT, ev->words);
}

/* Its cells, its connection and its health are as they were. */
static void set_drained(struct sched *s, struct sched_node *n, bool drained)
{
	if (n->drained == drained || n->removed)
		return;
	n->drained = drained;
	sched_node_refresh(s, n);
	tell_shown(s, n);
	/* It may have rested long enough meanwhile. */
	if (!drained)
		set_due(s, n, n->due_ms);
}

/* A probe is a job, too. */
static uint64_t due_ms(const struct sched_node *n)
{
	return n->drained && n->state == SCHED_NODE_RESTING ? NEVER : n->due_ms;
}

/* When the next node is due, or no longer worth waiting for. */
static void reckon_due(struct sched *s)
{
	s->due_ms = NEVER;
	for (size_t i = 0; i < s->n_nodes; i++) {
		sched_node_refresh(s, s->nodes[i]);
		if (due_ms(s->nodes[i]) < s->due_ms)
			s->due_ms = due_ms(s->nodes[i]);
	}
}

void sched_node_event(struct sched *s, struct sched_node *n,
		      const struct sched_event *ev)
{
	if (ev->kind == SCHED_SLOTS)
		set_slots(s, n, ev->slots, ev->busy);
	else if (ev->kind == SCHED_WORN)
		sched_node_worn(s, n);
	else if (ev->kind == SCHED_PROBED)
		probed(s, n, ev->probe, ev->words);
	else if (ev->kind == SCHED_DRAIN || ev->kind == SCHED_RESUME)
		set_drained(s, n, ev->kind == SCHED_DRAIN);
	else if (ev->kind == SCHED_REMOVED)
		take_node_out(s, n, ev->words);
	else if (ev->kind == SCHED_RETRY)
		retry_node(s, n);
	else if (ev->kind != SCHED_LOST)
		greet(s, n, ev);
	else if (n->state != SCHED_NODE_DOWN && n->state != SCHED_NODE_OUT)
		lose(s, n, ev->greeted,
		     ev->for_good ? SCHED_NODE_OUT : SCHED_NODE_DOWN,
		     ev->words);
	leave_if_idle(s, n);
	reckon_due(s);
}

/* ------------------------------------------------------------------- time */

static void node_time(struct sched *s, struct sched_node *n)
{
	if (n->state == SCHED_NODE_DOWN) {
		n->dialed_ms = s->now_ms;
		set_state(s, n, SCHED_NODE_GREETING);
		act_on_node(s, n, SCHED_DIAL);
	} else {
		set_state(s, n, SCHED_NODE_PROVING);
		act_on_node(s, n, SCHED_PROBE);
	}
}

void sched_node_time(struct sched *s)
{
	for (size_t i = 0; i < s->n_nodes; i++) {
		if (due_ms(s->nodes[i]) <= s->now_ms)
			node_time(s, s->nodes[i]);
	}
	reckon_due(s);
}

void sched_node_add_cells(struct sched *s, struct sched_toolchain *tc)
{
	while (tc->n_cells < s->n_nodes) {
		*VEC_ADD(tc->cell,
			 tc->n_cells) = (struct sched_cell_state){ 0 };
		tc->n_available[AVAILABLE_NEVER]++;
	}
}

void sched_node_add(struct sched *s)
{
	struct sched_node *n = xcalloc(1, sizeof(*n));

	n->number = (uint32_t)s->n_nodes;
	*VEC_ADD(s->nodes, s->n_nodes) = n;
	for (size_t i = 0; i < s->n_toolchains; i++)
		sched_node_add_cells(s, s->toolchains[i]);
	n->state = SCHED_NODE_DOWN;
	TAILQ_INIT(&n->units);
	set_due(s, n, 0);
}
