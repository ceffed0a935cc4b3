/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dispatcher of a session (sched/).  For the dispatcher, each link to a
 * member is a node, each sandbox is a toolchain, and each job is a unit.  JOB
 * contains the cost of a job.  The client scans the unit and verifies the
 * result, so the relay reports both steps to the dispatcher as completed.  If
 * the dispatcher decides to compile a unit locally, the relay sends FAIL to the
 * client.
 */
#include "relay/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"

#include <event2/event.h>
#include <stdlib.h>

/* maximum time that a job waits for a sandbox or a connection of a member */
#define WAIT_MS   30000
#define SCANS_MAX 1024

static uint32_t link_number(const struct relay_link *l)
{
	return (uint32_t)(l - l->session->links);
}

static void dial(struct relay_session *s, struct relay_link *l)
{
	struct sched_event lost = { .kind = SCHED_EV_NODE_LOST,
				    .node = link_number(l),
				    .permanent = l->barred,
				    .text = l->member->problem };

	if (!l->barred && relay_member_is_usable(l->member))
		relay_link_dial(l);
	else
		relay_dispatch_event(s, &lost);
}

static void report_state(const struct relay_link *l,
			 const struct sched_action *a)
{
	if (a->text &&
	    (a->state == SCHED_NODE_BACKOFF || a->state == SCHED_NODE_EXCLUDED))
		log_warning("member %s gets no jobs: %s", l->member->entry.name,
			    a->text);
}

/* Carry out an action that concerns a member. */
static void carry_out_on_link(struct relay_session *s, struct relay_link *l,
			      struct relay_job *job,
			      const struct sched_action *a)
{
	/*
	 * The relay has no known-answer test.  Report the test as passed: the
	 * next job tests the member.
	 */
	const struct sched_event probed = { .kind = SCHED_EV_PROBE_DONE,
					    .node = a->node,
					    .probe = SCHED_PROBE_PASSED };

	switch (a->kind) {
	case SCHED_ACT_SEND:
		if (job)
			relay_job_send(job, l, a->pinned, a->class);
		break;
	case SCHED_ACT_CANCEL:
		if (job)
			relay_job_cancel(job, l);
		break;
	case SCHED_ACT_DIAL:
		dial(s, l);
		break;
	case SCHED_ACT_DISCONNECT:
	case SCHED_ACT_RECONNECT:
		if (l->state != RELAY_LINK_DOWN)
			relay_link_close(l, "disconnected");
		break;
	case SCHED_ACT_PROBE:
		relay_dispatch_event(s, &probed);
		break;
	case SCHED_ACT_REPORT_NODE:
		report_state(l, a);
		break;
	default: /* carry_out() handles all other actions */
		break;
	}
}

static void carry_out(struct relay_session *s, const struct sched_action *a)
{
	struct relay_job *job = a->unit < s->n_units ? s->units[a->unit] : NULL;
	struct sched_event event = { .unit = a->unit, .node = a->node };

	switch (a->kind) {
	case SCHED_ACT_SCAN:
		event.kind = SCHED_EV_SCANNED;
		relay_dispatch_event(s, &event);
		break;
	case SCHED_ACT_VERIFY:
		event.kind = SCHED_EV_VERIFIED;
		event.verdict = SCHED_VERDICT_VALID;
		relay_dispatch_event(s, &event);
		break;
	case SCHED_ACT_COMPILE_LOCAL:
		if (job)
			relay_job_give_up(s, job, a->reason);
		break;
	case SCHED_ACT_HEDGE:
		event.kind = SCHED_EV_HEDGE_FAILED;
		relay_dispatch_event(s, &event);
		break;
	case SCHED_ACT_DELIVER:
		if (job)
			relay_job_deliver(s, job);
		break;
	case SCHED_ACT_STOP_HEDGE:
	case SCHED_ACT_LOCAL_DONE:
		break;
	default:
		carry_out_on_link(s, &s->links[a->node], job, a);
	}
}

static void set_dispatch_timer(struct relay_session *s)
{
	uint64_t next = sched_next_ms(s->sched), now = clock_ms();
	uint64_t ms = next > now ? next - now : 0;

	if (next == UINT64_MAX)
		event_del(s->dispatch_timer);
	else
		event_add(s->dispatch_timer,
			  &(struct timeval){
				  .tv_sec = (time_t)(ms / 1000),
				  .tv_usec = (suseconds_t)(ms % 1000) * 1000 });
}

void relay_dispatch_event(struct relay_session *s,
			  const struct sched_event *event)
{
	struct relay_event *e;

	if (!s->sched || s->end_reason)
		return;
	e = xcalloc(1, sizeof(*e));
	e->event = *event;
	e->text = event->text ? xstrdup(event->text) : NULL;
	e->event.text = e->text;
	TAILQ_INSERT_TAIL(&s->events, e, entry);
	event_active(s->dispatch_event, EV_TIMEOUT, 0);
}

/*
 * Handle the queued events in order, including events that the resulting
 * actions queue.
 */
static void on_dispatch_due(evutil_socket_t fd, short what, void *arg)
{
	struct relay_session *s = arg;
	struct relay_event *e;

	(void)fd;
	(void)what;
	while ((e = TAILQ_FIRST(&s->events))) {
		bool is_result = e->event.kind == SCHED_EV_RESULT;
		bool accepted = false;
		struct sched_action a;

		TAILQ_REMOVE(&s->events, e, entry);
		sched_event(s->sched, clock_ms(), &e->event);
		while (sched_next_action(s->sched, &a)) {
			accepted |= a.kind == SCHED_ACT_VERIFY;
			carry_out(s, &a);
		}
		/*
		 * The dispatcher ignores a result if an earlier event in the
		 * queue has ended the attempt.
		 */
		if (is_result && !accepted && s->units[e->event.unit])
			relay_job_discard_result(s->units[e->event.unit]);
		free(e->text);
		free(e);
	}
	set_dispatch_timer(s);
}

static void on_dispatch_timer(evutil_socket_t fd, short what, void *arg)
{
	static const struct sched_event event = { .kind = SCHED_EV_TIME };

	(void)fd;
	(void)what;
	relay_dispatch_event(arg, &event);
}

void relay_dispatch_start(struct relay_session *s)
{
	const struct sched_setup setup = {
		.n_local_slots = 1,
		.max_scans = SCANS_MAX,
		.max_wait_ms = WAIT_MS,
		.seed = clock_ms(),
		.n_nodes = s->relay->n_members,
	};
	const struct sched_event format = { .kind = SCHED_EV_OBJECT_FORMAT,
					    .status = SCHED_STATUS_READY };

	TAILQ_INIT(&s->events);
	s->sched = sched_new(&setup);
	s->dispatch_timer = event_new(s->relay->daemon->base, -1, 0,
				      on_dispatch_timer, s);
	s->dispatch_event = event_new(s->relay->daemon->base, -1, 0,
				      on_dispatch_due, s);
	if (!s->dispatch_timer || !s->dispatch_event)
		str_out_of_memory();
	for (size_t i = 0; i < s->relay->n_members; i++)
		s->links[i].was_usable = relay_member_is_usable(
			s->links[i].member);
	relay_dispatch_event(s, &format);
}

void relay_dispatch_stop(struct relay_session *s)
{
	struct relay_event *e;

	if (!s->sched)
		return;
	sched_free(s->sched);
	s->sched = NULL;
	event_free(s->dispatch_timer);
	event_free(s->dispatch_event);
	while ((e = TAILQ_FIRST(&s->events))) {
		TAILQ_REMOVE(&s->events, e, entry);
		free(e->text);
		free(e);
	}
	free(s->units);
}

void relay_dispatch_job_event(const struct relay_job *job, struct relay_link *l,
			      struct sched_event *event)
{
	event->unit = job->unit;
	event->node = link_number(l);
	relay_dispatch_event(l->session, event);
}

void relay_dispatch_add_job(struct relay_session *s, struct relay_job *job)
{
	struct sched_event event = {
		.kind = SCHED_EV_UNIT_ADDED,
		.unit = (uint32_t)s->n_units,
		.toolchain = relay_session_find(s, job->target)->toolchain,
		.cost_ms = job->cost_ms,
	};

	job->dispatched = true;
	job->unit = event.unit;
	job->toolchain = event.toolchain;
	*VEC_ADD(s->units, s->n_units) = job;
	relay_dispatch_event(s, &event);
}

void relay_dispatch_end_job(struct relay_session *s,
			    const struct relay_job *job)
{
	const struct sched_event event = { .kind = SCHED_EV_UNIT_GONE,
					   .unit = job->unit };

	s->units[job->unit] = NULL;
	relay_dispatch_event(s, &event);
}

void relay_dispatch_link_up(struct relay_link *l)
{
	struct sched_event event = { .kind = SCHED_EV_NODE_FIT,
				     .node = link_number(l),
				     .classes = l->classes };

	l->n_slots = relay_member_count_slots(l->member, l->lease);
	l->n_classes = node_limit_core_classes(
		l->classes, &l->conn.hello.inventory,
		wire_type_name(WIRE_PIN, l->conn.version) ? &l->conn.machine :
							    NULL);
	event.n_slots = l->n_slots;
	event.n_classes = l->n_classes;
	relay_dispatch_event(l->session, &event);
	for (size_t i = 0; i < l->n_targets; i++) {
		if (l->targets[i].state == RELAY_TARGET_GONE)
			relay_dispatch_set_sandbox(l, l->targets[i].target,
						   SCHED_SANDBOX_NONE);
	}
}

void relay_dispatch_link_down(struct relay_link *l, bool was_up,
			      const char *why)
{
	const struct sched_event event = { .kind = SCHED_EV_NODE_LOST,
					   .node = link_number(l),
					   .hello_received = was_up,
					   .permanent = l->barred,
					   .text = why };

	relay_dispatch_event(l->session, &event);
}

void relay_dispatch_update_link(struct relay_link *l)
{
	bool usable = relay_member_is_usable(l->member);
	bool drained = relay_member_is_drained(l->member);
	unsigned n_slots = relay_member_count_slots(l->member, l->lease);
	const struct sched_event drain = {
		.kind = drained ? SCHED_EV_NODE_DRAIN : SCHED_EV_NODE_RESUME,
		.node = link_number(l),
	};
	const struct sched_event retry = { .kind = SCHED_EV_NODE_RETRY,
					   .node = link_number(l) };
	const struct sched_event slots = {
		.kind = SCHED_EV_NODE_SLOTS,
		.node = link_number(l),
		.n_slots = n_slots,
		.shared = l->lease < WIRE_LEASE_UNLIMITED,
	};

	if (drained != l->was_drained)
		relay_dispatch_event(l->session, &drain);
	l->was_drained = drained;
	if (usable && !l->was_usable && !l->barred)
		relay_dispatch_event(l->session, &retry);
	l->was_usable = usable;
	if (l->state == RELAY_LINK_UP && usable && n_slots != l->n_slots) {
		l->n_slots = n_slots;
		relay_dispatch_event(l->session, &slots);
	}
}

void relay_dispatch_set_clock(struct relay_link *l, uint32_t milli)
{
	const struct sched_event event = { .kind = SCHED_EV_NODE_CLOCK,
					   .node = link_number(l),
					   .classes = l->classes,
					   .n_classes = l->n_classes };
	bool changed = false;

	if (milli == WIRE_HEALTH_UNKNOWN)
		milli = 0;
	for (unsigned i = 0; i < l->n_classes; i++) {
		changed |= l->classes[i].clock_milli != milli;
		l->classes[i].clock_milli = milli;
	}
	if (changed)
		relay_dispatch_event(l->session, &event);
}

void relay_dispatch_set_sandbox(struct relay_link *l,
				const struct relay_target *t,
				enum sched_sandbox state)
{
	const struct sched_event event = {
		.kind = SCHED_EV_SANDBOX,
		.node = link_number(l),
		.toolchain = t->toolchain,
		.sandbox = state,
		.steps = SCHED_STEP_SYMBOLS | SCHED_STEP_OBJECT |
			 SCHED_STEP_DEVICETREE,
	};

	if (!t->is_bundle)
		relay_dispatch_event(l->session, &event);
}

static bool is_toolchain_in_use(const struct relay_session *s, uint32_t number,
				const struct relay_target *except)
{
	const struct relay_target *t;
	const struct relay_job *job;

	list_for_each(t, &s->targets, entry) {
		if (t != except && !t->is_bundle && t->toolchain == number)
			return true;
	}
	list_for_each(job, &s->jobs, entry) {
		if (job->toolchain == number)
			return true;
	}
	return false;
}

void relay_dispatch_add_target(struct relay_target *t)
{
	struct relay_session *s = t->session;
	struct sched_event event = { .kind = SCHED_EV_TOOLCHAIN,
				     .status = SCHED_STATUS_READY };

	if (t->is_bundle)
		return;
	while (is_toolchain_in_use(s, t->toolchain, t))
		t->toolchain++;
	event.toolchain = t->toolchain;
	relay_dispatch_event(s, &event);
	/* Reset the states: an earlier sandbox may have had this number. */
	for (size_t i = 0; i < s->relay->n_members; i++) {
		relay_dispatch_set_sandbox(&s->links[i], t,
					   SCHED_SANDBOX_REQUESTED);
	}
}

void relay_dispatch_remove_target(const struct relay_target *t)
{
	struct relay_session *s = t->session;

	for (size_t i = 0; s->links && i < s->relay->n_members; i++)
		relay_dispatch_set_sandbox(&s->links[i], t, SCHED_SANDBOX_NONE);
}
