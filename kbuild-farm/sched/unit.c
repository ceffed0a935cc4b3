/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table below says what moves a unit from which state to which; anything
 * else is impossible.  SCHED_TIME stands for what the dispatcher does by itself
 * after any event: a unit gets its turn, a slot, or runs out of nodes.
 *
 * A hedge may run beside to-scan, scan, ready and remote.  When it ends,
 * SCHED_HEDGED leads to done or to-local.  The worker that has a unit in scan
 * then still reports: SCHED_SCANNED changes nothing in to-local, local and
 * done.  A unit that left is forgotten with SCHED_SCANNED or SCHED_EXAMINED.
 */
#include "sched/unit.h"

#include "base/str.h"
#include "base/vec.h"
#include "sched/node.h"

#include <stdlib.h>

#define RESCANS 2

#define TO(state) (1u << UNIT_##state)

static const uint16_t may[UNIT_STATES][SCHED_EVENTS] = {
	[UNIT_NONE] = { [SCHED_CAME] = TO(NEW) | TO(TO_LOCAL) },
	[UNIT_NEW] = { [SCHED_CAME] = TO(TO_SCAN) | TO(TO_LOCAL),
		       [SCHED_TOOLCHAIN] = TO(TO_SCAN) | TO(TO_LOCAL),
		       [SCHED_OBJECT] = TO(TO_SCAN) | TO(TO_LOCAL),
		       [SCHED_TIME] = TO(TO_LOCAL),
		       [SCHED_LEFT] = TO(NONE) },
	[UNIT_TO_SCAN] = { [SCHED_TIME] = TO(SCAN) | TO(TO_LOCAL),
			   [SCHED_HEDGED] = TO(DONE) | TO(TO_LOCAL),
			   [SCHED_LEFT] = TO(NONE) },
	[UNIT_SCAN] = { [SCHED_SCANNED] = TO(READY) | TO(TO_LOCAL),
			[SCHED_HEDGED] = TO(DONE) | TO(TO_LOCAL),
			[SCHED_LEFT] = TO(LEFT) },
	[UNIT_READY] = { [SCHED_TIME] = TO(REMOTE) | TO(TO_LOCAL),
			 [SCHED_HEDGED] = TO(DONE) | TO(TO_LOCAL),
			 [SCHED_LEFT] = TO(NONE) },
	[UNIT_REMOTE] = { [SCHED_TIME] = TO(TO_LOCAL),
			  [SCHED_BEAT] = TO(REMOTE),
			  [SCHED_OUTPUT] = TO(REMOTE),
			  [SCHED_UNSENT] = TO(READY) | TO(TO_LOCAL),
			  [SCHED_LOST] = TO(READY) | TO(TO_LOCAL),
			  [SCHED_ANSWERED] = TO(CHECK),
			  [SCHED_FAILED] = TO(READY) | TO(TO_SCAN) |
					   TO(TO_LOCAL),
			  [SCHED_CELL] = TO(TO_SCAN) | TO(TO_LOCAL),
			  [SCHED_HEDGED] = TO(DONE) | TO(TO_LOCAL),
			  [SCHED_LEFT] = TO(NONE) },
	[UNIT_CHECK] = { [SCHED_EXAMINED] = TO(HELD) | TO(DONE) | TO(READY) |
					    TO(TO_SCAN) | TO(TO_LOCAL),
			 [SCHED_LEFT] = TO(LEFT) },
	[UNIT_HELD] = { [SCHED_TOOLCHAIN] = TO(DONE) | TO(READY) | TO(TO_SCAN) |
					    TO(TO_LOCAL),
			[SCHED_LEFT] = TO(NONE) },
	[UNIT_TO_LOCAL] = { [SCHED_TIME] = TO(LOCAL),
			    [SCHED_SCANNED] = TO(TO_LOCAL),
			    [SCHED_LEFT] = TO(NONE) | TO(LEFT) },
	[UNIT_LOCAL] = { [SCHED_SCANNED] = TO(LOCAL),
			 [SCHED_LEFT] = TO(NONE) | TO(LEFT) },
	[UNIT_DONE] = { [SCHED_SCANNED] = TO(DONE),
			[SCHED_LEFT] = TO(NONE) | TO(LEFT) },
	[UNIT_LEFT] = { [SCHED_SCANNED] = TO(NONE),
			[SCHED_EXAMINED] = TO(NONE) },
};

static void __attribute__((noreturn))
impossible(const struct sched *s, enum sched_unit_state state, uint32_t number)
{
	static const char *const states[] = { "not known", "new",   "to-scan",
					      "scan",      "ready", "remote",
					      "check",     "held",  "to-local",
					      "local",     "done",  "left" };
	static const char *const events[] = {
		"time",     "came",       "scanned",   "unsent",   "beat",
		"output",   "answered",   "failed",    "examined", "hedged",
		"unhedged", "left",       "toolchain", "object",   "fit",
		"unfit",    "lost",       "slots",     "cell",     "probed",
		"worn",     "drain",      "resume",    "added",    "removed",
		"retry",    "local-slots"
	};

	_Static_assert(sizeof(states) / sizeof(*states) == UNIT_STATES, "");
	_Static_assert(sizeof(events) / sizeof(*events) == SCHED_EVENTS, "");
	sched_impossible(events[s->by], states[state], number);
}

/* --------------------------------------------------- which there are */

struct sched_unit *sched_unit_find(const struct sched *s, uint32_t number)
{
	return number < s->n_units ? s->units[number] : NULL;
}

struct sched_unit *sched_unit_expect(const struct sched *s, uint32_t number)
{
	struct sched_unit *u = sched_unit_find(s, number);
	enum sched_unit_state state = u ? u->state : UNIT_NONE;
	bool by_worker = s->by == SCHED_SCANNED || s->by == SCHED_EXAMINED;

	if (!u || !may[state][s->by] || (by_worker && !u->working) ||
	    (s->by == SCHED_HEDGED && !u->hedged))
		impossible(s, state, number);
	return u;
}

struct sched_unit *sched_unit_new(struct sched *s, uint32_t number)
{
	struct sched_unit *u = sched_unit_find(s, number);

	if (u)
		impossible(s, u->state, number);
	while (s->n_units <= number)
		*VEC_ADD(s->units, s->n_units) = NULL;
	u = xcalloc(1, sizeof(*u));
	u->number = number;
	u->came_ms = s->now_ms;
	s->units[number] = u;
	s->n_in[UNIT_NONE]++;
	return u;
}

void sched_unit_free(struct sched *s, struct sched_unit *u)
{
	s->units[u->number] = NULL;
	free(u->words);
	free(u);
}

/* -------------------------------------------------------------- its state */

/* The list that it is in; NULL: none. */
static struct sched_units *list_of(struct sched *s, struct sched_unit *u)
{
	switch (u->state) {
	case UNIT_NEW:
		return &u->toolchain->fresh;
	case UNIT_TO_SCAN:
		return &u->toolchain->to_scan;
	case UNIT_READY:
		return &u->toolchain->ready;
	case UNIT_REMOTE:
		return &u->node->units;
	case UNIT_HELD:
		return &u->toolchain->held;
	case UNIT_TO_LOCAL:
		return &s->to_local;
	default:
		return NULL;
	}
}

/*
 * In the order of arrival.  Most come last; one that comes back is older than
 * nearly all that wait, and finds its place from the front.
 */
static void insert(struct sched_units *list, struct sched_unit *u)
{
	struct sched_unit *last = TAILQ_LAST(list, sched_units), *at;

	if (!last || last->number < u->number) {
		TAILQ_INSERT_TAIL(list, u, link);
		return;
	}
	for (at = TAILQ_FIRST(list); at->number < u->number;)
		at = TAILQ_NEXT(at, link);
	TAILQ_INSERT_BEFORE(at, u, link);
}

static void use_node(struct sched *s, struct sched_node *n, int change)
{
	sched_share_hold(&n->share, s->now_ms, change);
	sched_node_use(s, n, change);
}

/* Lists, counts and slots follow the state. */
static void move(struct sched *s, struct sched_unit *u,
		 enum sched_unit_state next)
{
	enum sched_unit_state was = u->state;
	struct sched_units *list = list_of(s, u);

	if (!(may[was][s->by] & 1u << next))
		impossible(s, was, u->number);
	if (list)
		TAILQ_REMOVE(list, u, link);
	s->n_in[was]--;
	s->n_in[next]++;
	u->state = next;
	list = list_of(s, u);
	if (list)
		insert(list, u);
	s->locals -= was == UNIT_LOCAL;
	s->locals += next == UNIT_LOCAL;
	if (was == UNIT_REMOTE)
		use_node(s, u->node, -1);
	if (next == UNIT_REMOTE)
		use_node(s, u->node, 1);
}

/* `n` is NULL where it is about this machine. */
static void act_on_unit(struct sched *s, const struct sched_unit *u,
			enum sched_action_kind kind, const struct sched_node *n)
{
	struct sched_action a = { .kind = kind,
				  .unit = u->number,
				  .node = n ? n->number : SCHED_LOCAL,
				  .reason = u->why,
				  .retries = u->retries };

	if (kind == SCHED_SEND)
		a.deadline_ms = sched_cost_deadline_ms(&s->cost, u->bytes);
	sched_act(s, &a);
}

void sched_unit_wait(struct sched *s, struct sched_unit *u,
		     enum sched_unit_state state)
{
	move(s, u, state);
	/* It may be that no node is left that it could wait for. */
	u->toolchain->review |= state == UNIT_READY;
}

static void hand_to_worker(struct sched *s, struct sched_unit *u)
{
	u->working = true;
	s->workers++;
}

void sched_unit_worked(struct sched *s, struct sched_unit *u)
{
	u->working = false;
	s->workers--;
	if (u->state != UNIT_LEFT)
		return;
	move(s, u, UNIT_NONE);
	sched_unit_free(s, u);
}

void sched_unit_scan(struct sched *s, struct sched_unit *u)
{
	move(s, u, UNIT_SCAN);
	hand_to_worker(s, u);
	act_on_unit(s, u, SCHED_SCAN, NULL);
}

static void forget_sent(struct sched *s, struct sched_unit *u)
{
	if (u->sent)
		TAILQ_REMOVE(&s->sent, u, sent_link);
	u->sent = false;
}

void sched_unit_send(struct sched *s, struct sched_unit *u,
		     struct sched_node *n)
{
	u->node = n;
	u->tried[u->n_tried++] = n;
	u->cpu_ms = 0;
	u->progress_ms = s->now_ms;
	if (!u->sent) {
		u->sent = true;
		u->first_sent_ms = s->now_ms;
		TAILQ_INSERT_TAIL(&s->sent, u, sent_link);
	}
	move(s, u, UNIT_REMOTE);
	u->since = n->share;
	act_on_unit(s, u, SCHED_SEND, n);
}

void sched_unit_cancel(struct sched *s, struct sched_unit *u)
{
	if (u->state == UNIT_REMOTE)
		act_on_unit(s, u, SCHED_CANCEL, u->node);
}

static void stop_hedge(struct sched *s, struct sched_unit *u)
{
	if (!u->hedged)
		return;
	act_on_unit(s, u, SCHED_STOP_HEDGE, NULL);
	sched_unit_end_hedge(s, u);
}

bool sched_unit_got(struct sched_unit *u, uint32_t cpu_ms)
{
	if (cpu_ms <= u->cpu_ms)
		return false;
	u->node->share.cpu_ms += cpu_ms - u->cpu_ms;
	u->cpu_ms = cpu_ms;
	return true;
}

void sched_unit_examine(struct sched *s, struct sched_unit *u, uint32_t cpu_ms)
{
	sched_unit_got(u, cpu_ms);
	u->cpu_ms = cpu_ms;
	move(s, u, UNIT_CHECK);
	/* It would write where the answer is written. */
	stop_hedge(s, u);
	hand_to_worker(s, u);
	act_on_unit(s, u, SCHED_EXAMINE, u->node);
}

void sched_unit_retry(struct sched *s, struct sched_unit *u, enum reason why)
{
	if (u->n_tried == SCHED_TRIES) {
		sched_unit_local(s, u, why);
		return;
	}
	/* Reported only if no other node can take it. */
	u->why = why;
	u->retries++;
	sched_unit_wait(s, u, UNIT_READY);
}

void sched_unit_again(struct sched *s, struct sched_unit *u, enum reason why)
{
	if (u->rescans++ == RESCANS) {
		sched_unit_local(s, u, why);
		return;
	}
	u->retries++;
	u->n_tried = 0;
	sched_unit_wait(s, u, UNIT_TO_SCAN);
}

void sched_unit_local(struct sched *s, struct sched_unit *u, enum reason why)
{
	stop_hedge(s, u);
	forget_sent(s, u);
	u->why = why;
	move(s, u, UNIT_TO_LOCAL);
}

void sched_unit_grant(struct sched *s, struct sched_unit *u)
{
	move(s, u, UNIT_LOCAL);
	act_on_unit(s, u, SCHED_COMPILE, NULL);
}

void sched_unit_hedge(struct sched *s, struct sched_unit *u)
{
	u->hedged = true;
	s->locals++;
	act_on_unit(s, u, SCHED_HEDGE, NULL);
}

void sched_unit_end_hedge(struct sched *s, struct sched_unit *u)
{
	u->hedged = false;
	s->locals--;
}

void sched_unit_deliver(struct sched *s, struct sched_unit *u, enum reason why)
{
	u->why = why;
	forget_sent(s, u);
	move(s, u, UNIT_DONE);
	act_on_unit(s, u, SCHED_DELIVER, why ? NULL : u->node);
}

void sched_unit_leave(struct sched *s, struct sched_unit *u)
{
	sched_unit_cancel(s, u);
	stop_hedge(s, u);
	forget_sent(s, u);
	if (u->state == UNIT_LOCAL)
		act_on_unit(s, u, SCHED_DONE, NULL);
	if (u->working) {
		move(s, u, UNIT_LEFT);
		return;
	}
	move(s, u, UNIT_NONE);
	sched_unit_free(s, u);
}
