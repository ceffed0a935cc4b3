/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sched/node.h"

#include "base/random.h"
#include "base/str.h"
#include "base/vec.h"
#include "sched/class.h"

#include <stdlib.h>

#define NEVER         UINT64_MAX
#define BACKOFF_MAX_S 60
#define STRIKES_MAX   3
#define REDIAL_MS     1000 /* minimum time between two dials */
/*
 * Delay before an unfit node is dialed again.  The first delay equals the
 * interval at which kfarmd tests whether it can run jobs.  The delay doubles
 * with each further unfit reply, because on some nodes each dial starts kfarmd.
 */
#define REFIT_MS          10000
#define REFIT_DOUBLES_MAX 5
/* time until the next probe if no known-answer test is available */
#define REPROBE_MS 1000
/*
 * A known-answer test that has no result after this time, for example because
 * its sandbox was closed, is repeated.
 */
#define PROBE_MS 60000

const char *sched_node_state_name(enum sched_node_state state)
{
	static const char *const names[] = {
		[SCHED_NODE_DOWN] = "down",
		[SCHED_NODE_CONNECTING] = "connecting",
		[SCHED_NODE_UP] = "up",
		[SCHED_NODE_UNFIT] = "unfit",
		[SCHED_NODE_BACKOFF] = "resting",
		[SCHED_NODE_PROBATION] = "resting",
		[SCHED_NODE_EXCLUDED] = "out",
		[SCHED_NODE_DRAINING] = "draining",
		[SCHED_NODE_DRAINED] = "drained",
		[SCHED_NODE_REMOVED] = "removed",
	};

	return names[state];
}

/*
 * Return the state to report: REMOVED for a removed node, DRAINING or DRAINED
 * for a drained node, otherwise the node's state.
 */
static enum sched_node_state reported_state(const struct sched_node *n)
{
	if (n->removed)
		return SCHED_NODE_REMOVED;
	if (!n->drained)
		return n->state;
	return n->n_running > n->n_busy ? SCHED_NODE_DRAINING :
					  SCHED_NODE_DRAINED;
}

void sched_node_counts(const struct sched *s, uint32_t node,
		       struct sched_node_counts *out)
{
	const struct sched_node *n = s->nodes[node];

	*out = (struct sched_node_counts){
		.state = reported_state(n),
		.text = n->text,
		.n_slots = n->n_slots,
		.n_running = n->n_running,
		.n_jobs = n->n_jobs,
		.n_errors = n->n_errors,
		.n_retries = n->n_retries,
	};
}

static void add_node_action(struct sched *s, const struct sched_node *n,
			    enum sched_action_kind kind)
{
	sched_add_action(s, &(struct sched_action){ .kind = kind,
						    .node = n->number,
						    .state = reported_state(n),
						    .text = n->text });
}

/* Report a changed state. */
static void report_sched_node(struct sched *s, struct sched_node *n)
{
	n->reported_draining = reported_state(n) == SCHED_NODE_DRAINING;
	add_node_action(s, n, SCHED_ACT_REPORT_NODE);
}

static bool is_connected(const struct sched_node *n)
{
	return n->state != SCHED_NODE_DOWN &&
	       n->state != SCHED_NODE_CONNECTING &&
	       n->state != SCHED_NODE_EXCLUDED;
}

static void set_due_ms(struct sched *s, struct sched_node *n, uint64_t ms)
{
	n->due_ms = ms;
	if (ms < s->due_ms)
		s->due_ms = ms;
}

/*
 * Return the availability while a dial or a sandbox request is pending: SOON
 * for the first max_wait_ms after `began_ms`, then AFTER_UPLOAD.  In the first
 * case, make sure that s->due_ms is not later than the change to AFTER_UPLOAD.
 * A node on the build host stays SOON.
 */
static enum sched_availability soon_or_after_upload(struct sched *s,
						    const struct sched_node *n,
						    uint64_t began_ms)
{
	uint64_t until = began_ms + s->setup.max_wait_ms;

	if (n->on_build_host)
		return SCHED_AVAILABLE_SOON;
	if (s->now_ms > until)
		return SCHED_AVAILABLE_AFTER_UPLOAD;
	if (until + 1 < s->due_ms)
		s->due_ms = until + 1;
	return SCHED_AVAILABLE_SOON;
}

static enum sched_availability node_availability(
	struct sched *s, const struct sched_node *n,
	const struct sched_sandbox_state *c)
{
	if (n->drained)
		return SCHED_AVAILABLE_NEVER;
	if (n->state == SCHED_NODE_CONNECTING)
		return soon_or_after_upload(s, n, n->dialed_ms);
	if (n->state == SCHED_NODE_DOWN && !n->n_faults)
		return SCHED_AVAILABLE_SOON;
	if (n->state != SCHED_NODE_UP || c->disabled & SCHED_COMPILER)
		return SCHED_AVAILABLE_NEVER;
	switch (c->sandbox) {
	case SCHED_SANDBOX_READY:
		return SCHED_AVAILABLE_NOW;
	case SCHED_SANDBOX_UPLOADING:
		return SCHED_AVAILABLE_AFTER_UPLOAD;
	case SCHED_SANDBOX_REQUESTED:
		return soon_or_after_upload(s, n, c->requested_ms);
	default:
		return SCHED_AVAILABLE_NEVER;
	}
}

void sched_node_refresh(struct sched *s, struct sched_node *n)
{
	unsigned slots = sched_window_limit(&n->window, n->n_slots);

	s->n_free_slots -= n->n_free;
	n->n_free = 0;
	if (s->now_ms < n->busy_until_ms) {
		if (n->busy_until_ms < s->due_ms)
			s->due_ms = n->busy_until_ms;
	} else if (n->state == SCHED_NODE_UP && !n->drained &&
		   n->n_running < slots) {
		n->n_free = slots - n->n_running;
	}
	s->n_free_slots += n->n_free;
	sched_class_refresh_all(s, n);

	for (size_t i = 0; i < s->n_toolchains; i++) {
		struct sched_toolchain *tc = s->toolchains[i];
		struct sched_sandbox_state *c = &tc->sandboxes[n->number];
		enum sched_availability available = node_availability(s, n, c);
		bool open = available == SCHED_AVAILABLE_NOW && n->n_free &&
			    !n->ids_exhausted;

		/*
		 * If the slot window of the node is reduced, do not let units
		 * wait for one of its few slots, because a local slot is
		 * faster.
		 */
		if (available == SCHED_AVAILABLE_NOW && n->window.max_units)
			available = SCHED_AVAILABLE_AFTER_UPLOAD;
		tc->n_accepting += open;
		tc->n_accepting -= c->accepting;
		c->accepting = open;
		if (available == c->availability)
			continue;
		tc->n_available[c->availability]--;
		tc->n_available[available]++;
		c->availability = available;
		tc->recheck_ready = true;
	}
}

static void set_node_text(struct sched_node *n, const char *words)
{
	char *copy = words ? xstrdup(words) : NULL;

	free(n->text);
	n->text = copy;
}

static void set_state(struct sched *s, struct sched_node *n,
		      enum sched_node_state state)
{
	n->state = state;
	n->due_ms = NEVER;
	sched_node_refresh(s, n);
}

static void set_reported_state(struct sched *s, struct sched_node *n,
			       enum sched_node_state state, const char *words)
{
	set_node_text(n, words);
	set_state(s, n, state);
	report_sched_node(s, n);
}

/* Reset the state that ends with the node's connection. */
static void reset_node_session(struct sched *s, struct sched_node *n)
{
	n->n_running -= n->n_busy;
	n->n_busy = 0;
	n->busy_until_ms = 0;
	n->shared = false;
	n->ids_exhausted = false;
	for (size_t i = 0; i < s->n_toolchains; i++) {
		struct sched_toolchain *tc = s->toolchains[i];

		tc->recheck_ready |= tc->sandboxes[n->number].steps != 0;
		tc->sandboxes[n->number].sandbox = SCHED_SANDBOX_NONE;
		tc->sandboxes[n->number].steps = 0;
	}
}

/* Exclude a removed node when its units have ended. */
static void exclude_if_idle(struct sched *s, struct sched_node *n)
{
	char *words;

	if (!n->removed || n->state == SCHED_NODE_EXCLUDED ||
	    n->n_running > n->n_busy)
		return;
	if (n->state != SCHED_NODE_DOWN)
		add_node_action(s, n, SCHED_ACT_DISCONNECT);
	words = n->text ? xstrdup(n->text) : NULL;
	reset_node_session(s, n);
	n->drained = false;
	set_node_text(n, words);
	set_state(s, n, SCHED_NODE_EXCLUDED);
	free(words);
}

void sched_node_change_running(struct sched *s, struct sched_node *n,
			       int change)
{
	uint64_t dial_ms = n->dialed_ms + REDIAL_MS;

	n->n_running += (unsigned)change;
	sched_node_refresh(s, n);
	if (n->reported_draining && reported_state(n) == SCHED_NODE_DRAINED)
		report_sched_node(s, n);
	exclude_if_idle(s, n);
	if (!n->ids_exhausted || n->n_running)
		return;

	/* No job runs on the node, so renew the connection now. */
	add_node_action(s, n, SCHED_ACT_RECONNECT);
	reset_node_session(s, n);
	set_state(s, n, SCHED_NODE_DOWN);
	set_due_ms(s, n, dial_ms > s->now_ms ? dial_ms : s->now_ms);
}

void sched_node_set_ids_exhausted(struct sched *s, struct sched_node *n)
{
	if (!is_connected(n))
		return;
	n->ids_exhausted = true;
	sched_node_change_running(s, n, 0);
}

void sched_node_set_sandbox(struct sched *s, struct sched_node *n,
			    struct sched_toolchain *tc,
			    enum sched_sandbox sandbox, unsigned steps)
{
	struct sched_sandbox_state *c = &tc->sandboxes[n->number];

	if (!is_connected(n))
		return;
	c->sandbox = sandbox;
	c->requested_ms = s->now_ms;
	tc->recheck_ready |= c->steps != steps;
	c->steps = steps;
	sched_node_refresh(s, n);
}

/*
 * Return the end of a backoff that starts now.  Its length doubles with each
 * fault and each relapse, up to BACKOFF_MAX_S.
 */
static uint64_t backoff_end_ms(struct sched *s, const struct sched_node *n,
			       unsigned relapses)
{
	unsigned times = n->n_faults + relapses;
	uint64_t ms = 1000 * (times > 6 ? BACKOFF_MAX_S : 1u << (times - 1));

	return s->now_ms + ms - ms / 5 +
	       random_next(&s->random_state) % (ms * 2 / 5 + 1);
}

static void set_node_lost(struct sched *s, struct sched_node *n,
			  bool hello_received, enum sched_node_state state,
			  const char *words)
{
	reset_node_session(s, n);
	n->n_errors += hello_received;
	n->n_faults++;
	set_reported_state(s, n, state, words);
	if (state == SCHED_NODE_DOWN)
		set_due_ms(s, n, backoff_end_ms(s, n, 0));
}

static void remove_sched_node(struct sched *s, struct sched_node *n,
			      const char *words)
{
	if (n->removed)
		return;
	n->removed = n->drained = true;
	set_node_text(n, words);
	sched_node_refresh(s, n);
	report_sched_node(s, n);
	exclude_if_idle(s, n);
}

static void retry_node(struct sched *s, struct sched_node *n)
{
	if (n->removed)
		return;
	if (n->state == SCHED_NODE_EXCLUDED)
		set_reported_state(s, n, SCHED_NODE_DOWN, NULL);
	if (n->state != SCHED_NODE_DOWN)
		return;
	/*
	 * The node may be a different machine now, so past faults do not count.
	 */
	n->n_faults = n->n_strikes = n->n_unfit = 0;
	n->window = (struct sched_window){ 0 };
	n->was_connected = false;
	set_due_ms(s, n, s->now_ms);
}

static void report_fewer_slots(struct sched *s, struct sched_node *n,
			       const char *words)
{
	char *text = words && n->window.max_units ?
			     xasprintf("fewer concurrent jobs: %s", words) :
			     NULL;

	set_reported_state(s, n, SCHED_NODE_UP, text);
	free(text);
}

void sched_node_shrink_window(struct sched *s, struct sched_node *n,
			      unsigned max_units, const char *words)
{
	if (sched_window_shrink(&n->window, n->n_slots, max_units))
		report_fewer_slots(s, n, words);
}

void sched_node_add_fault(struct sched *s, struct sched_node *n,
			  bool wrong_result, const char *words)
{
	n->n_strikes += wrong_result;
	if (n->state != SCHED_NODE_EXCLUDED && n->n_strikes >= STRIKES_MAX) {
		if (n->state != SCHED_NODE_DOWN)
			add_node_action(s, n, SCHED_ACT_DISCONNECT);
		/* set_node_lost() counts the error and the fault. */
		set_node_lost(s, n, true, SCHED_NODE_EXCLUDED, words);
		return;
	}
	n->n_errors++;
	n->n_faults++;
	if (n->state == SCHED_NODE_EXCLUDED)
		return;
	if (n->state == SCHED_NODE_UP || n->state == SCHED_NODE_PROBATION) {
		/* the failed unit and the units that still run */
		unsigned n_units = 1 + n->share.n_units;
		/* Relapses prolong the backoff unless the window shrinks. */
		bool shrunk = sched_window_shrink(&n->window, n->n_slots,
						  n_units / 2);

		set_reported_state(s, n, SCHED_NODE_BACKOFF, words);
		set_due_ms(s, n,
			   backoff_end_ms(s, n,
					  shrunk ? 0 : n->window.n_relapses));
	} else {
		/*
		 * The fault changes the availability: a node that is DOWN with
		 * a fault is not expected to connect soon.
		 */
		sched_node_refresh(s, n);
	}
}

void sched_node_add_suspicion(struct sched *s, struct sched_node *n,
			      const char *words)
{
	if (n->n_jobs && !n->suspected && !n->window.n_relapses &&
	    n->state == SCHED_NODE_UP) {
		n->n_errors++;
		n->suspected = true;
	} else {
		sched_node_add_fault(s, n, false, words);
	}
}

/* Clear the faults of a node that succeeded, which ends its probation. */
static void clear_node_faults(struct sched *s, struct sched_node *n)
{
	char *why = n->text ? xstrdup(n->text) : NULL;

	n->n_faults = 0;
	n->suspected = false;
	if (n->state == SCHED_NODE_PROBATION) {
		sched_window_add_probe(&n->window);
		report_fewer_slots(s, n, why);
	} else {
		sched_node_refresh(s, n);
	}
	free(why);
}

void sched_node_add_success(struct sched *s, struct sched_node *n)
{
	bool whole = sched_window_add_success(&n->window, n->n_slots);

	clear_node_faults(s, n);
	if (whole && n->state == SCHED_NODE_UP)
		set_reported_state(s, n, SCHED_NODE_UP, NULL);
}

static void handle_probe_result(struct sched *s, struct sched_node *n,
				enum sched_probe probe, const char *words)
{
	bool proving = n->state == SCHED_NODE_PROBATION;

	if (!proving && n->state != SCHED_NODE_UP)
		return;
	switch (probe) {
	case SCHED_PROBE_PASSED:
		clear_node_faults(s, n);
		return;
	case SCHED_PROBE_IMPOSSIBLE:
		if (!proving)
			return;
		set_state(s, n, SCHED_NODE_BACKOFF);
		set_due_ms(s, n, s->now_ms + REPROBE_MS);
		return;
	default:
		sched_node_add_fault(s, n, probe == SCHED_PROBE_WRONG, words);
	}
}

/* Return true if SCHED_ACT_DIAL has no reply yet. */
static bool is_dialing(const struct sched_node *n)
{
	return n->state == SCHED_NODE_CONNECTING ||
	       (n->state == SCHED_NODE_UNFIT && n->due_ms == NEVER);
}

/*
 * Handle the reply of a node that cannot run jobs.  A session has only one such
 * reply, so dial the node again later to find out whether it has become fit.
 * Report the state only if the state or its reason has changed.
 */
static void set_unfit(struct sched *s, struct sched_node *n, const char *words)
{
	if (n->state != SCHED_NODE_UNFIT || !str_equal(n->text, words))
		set_reported_state(s, n, SCHED_NODE_UNFIT, words);
	set_due_ms(s, n, s->now_ms + ((uint64_t)REFIT_MS << n->n_unfit));
	n->n_unfit += n->n_unfit < REFIT_DOUBLES_MAX;
}

/* Handle the reply to SCHED_ACT_DIAL. */
static void handle_fit_event(struct sched *s, struct sched_node *n,
			     const struct sched_event *ev)
{
	bool is_fit = ev->kind == SCHED_EV_NODE_FIT;

	if (!is_dialing(n))
		sched_abort_impossible(is_fit ? "node fit" : "node unfit",
				       sched_node_state_name(n->state),
				       n->number);
	if (!is_fit) {
		set_unfit(s, n, ev->text);
		return;
	}
	n->n_unfit = 0;
	n->n_slots = ev->n_slots;
	sched_class_set_all(s, n, ev->classes, ev->n_classes, ev->n_slots);
	/* A node that failed before must first pass a known-answer test. */
	if (n->was_connected && n->n_faults) {
		set_state(s, n, SCHED_NODE_BACKOFF);
		report_sched_node(s, n);
		set_due_ms(s, n, s->now_ms);
	} else {
		set_reported_state(s, n, SCHED_NODE_UP, NULL);
	}
	n->was_connected = true;
	for (size_t i = 0; i < s->n_toolchains; i++)
		sched_node_set_sandbox(s, n, s->toolchains[i],
				       SCHED_SANDBOX_REQUESTED, 0);
}

/* Drain or resume a node without a change of its session or health. */
static void set_drained(struct sched *s, struct sched_node *n, bool drained)
{
	if (n->drained == drained || n->removed)
		return;
	n->drained = drained;
	sched_node_refresh(s, n);
	report_sched_node(s, n);
	/* The backoff may have expired while the node was drained. */
	if (!drained)
		set_due_ms(s, n, n->due_ms);
}

/*
 * Return the time of the node's next timeout.  A drained node gets no probe,
 * because a probe is a job.
 */
static uint64_t node_due_ms(const struct sched_node *n)
{
	return n->drained && n->state == SCHED_NODE_BACKOFF ? NEVER : n->due_ms;
}

/* Find the time of the next timeout or change of availability. */
static void update_due_ms(struct sched *s)
{
	s->due_ms = NEVER;
	for (size_t i = 0; i < s->n_nodes; i++) {
		sched_node_refresh(s, s->nodes[i]);
		if (node_due_ms(s->nodes[i]) < s->due_ms)
			s->due_ms = node_due_ms(s->nodes[i]);
	}
}

void sched_node_handle_event(struct sched *s, struct sched_node *n,
			     const struct sched_event *ev)
{
	int change;

	switch (ev->kind) {
	case SCHED_EV_NODE_SLOTS:
		if (!is_connected(n))
			break;
		change = (int)ev->n_busy - (int)n->n_busy;
		n->n_slots = ev->n_slots;
		n->n_busy = ev->n_busy;
		n->shared = ev->shared;
		sched_node_change_running(s, n, change);
		break;
	case SCHED_EV_NODE_CLOCK:
		if (is_connected(n))
			sched_class_set_clocks(s, n, ev->classes,
					       ev->n_classes);
		break;
	case SCHED_EV_IDS_EXHAUSTED:
		sched_node_set_ids_exhausted(s, n);
		break;
	case SCHED_EV_PROBE_DONE:
		handle_probe_result(s, n, ev->probe, ev->text);
		break;
	case SCHED_EV_NODE_DRAIN:
	case SCHED_EV_NODE_RESUME:
		set_drained(s, n, ev->kind == SCHED_EV_NODE_DRAIN);
		break;
	case SCHED_EV_NODE_LOCAL:
		n->on_build_host = true;
		sched_node_refresh(s, n);
		break;
	case SCHED_EV_NODE_REMOVED:
		remove_sched_node(s, n, ev->text);
		break;
	case SCHED_EV_NODE_RETRY:
		retry_node(s, n);
		break;
	case SCHED_EV_NODE_LOST:
		if (n->state != SCHED_NODE_EXCLUDED &&
		    (n->state != SCHED_NODE_DOWN || ev->permanent))
			set_node_lost(s, n, ev->hello_received,
				      ev->permanent ? SCHED_NODE_EXCLUDED :
						      SCHED_NODE_DOWN,
				      ev->text);
		break;
	default:
		handle_fit_event(s, n, ev);
	}
	exclude_if_idle(s, n);
	update_due_ms(s);
}

void sched_node_handle_due(struct sched *s)
{
	for (size_t i = 0; i < s->n_nodes; i++) {
		struct sched_node *n = s->nodes[i];

		if (node_due_ms(n) > s->now_ms)
			continue;
		if (n->state == SCHED_NODE_DOWN) {
			n->dialed_ms = s->now_ms;
			set_state(s, n, SCHED_NODE_CONNECTING);
			add_node_action(s, n, SCHED_ACT_DIAL);
		} else if (n->state == SCHED_NODE_UNFIT) {
			/* Stay UNFIT, so that no unit waits for the reply. */
			add_node_action(s, n, SCHED_ACT_RECONNECT);
			reset_node_session(s, n);
			n->dialed_ms = s->now_ms;
			set_state(s, n, SCHED_NODE_UNFIT);
			add_node_action(s, n, SCHED_ACT_DIAL);
		} else {
			set_state(s, n, SCHED_NODE_PROBATION);
			set_due_ms(s, n, s->now_ms + PROBE_MS);
			add_node_action(s, n, SCHED_ACT_PROBE);
		}
	}
	update_due_ms(s);
}

void sched_node_add_sandboxes(struct sched *s, struct sched_toolchain *tc)
{
	while (tc->n_sandboxes < s->n_nodes) {
		*VEC_ADD(tc->sandboxes,
			 tc->n_sandboxes) = (struct sched_sandbox_state){
			.disabled = tc->disabled
		};
		tc->n_available[SCHED_AVAILABLE_NEVER]++;
	}
}

void sched_node_add(struct sched *s)
{
	struct sched_node *n = xcalloc(1, sizeof(*n));

	n->number = (uint32_t)s->n_nodes;
	*VEC_ADD(s->nodes, s->n_nodes) = n;
	for (size_t i = 0; i < s->n_toolchains; i++)
		sched_node_add_sandboxes(s, s->toolchains[i]);
	n->state = SCHED_NODE_DOWN;
	TAILQ_INIT(&n->jobs);
	set_due_ms(s, n, 0);
}
