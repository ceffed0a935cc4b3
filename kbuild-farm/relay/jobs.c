/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "relay/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_PER_SLOT 4 /* limit on the jobs of a session, as of kfarmd */
#define FAILURES_MAX  3 /* members that fail a job before the client tries */

static struct relay_job *find_client_job(const struct relay_session *s,
					 uint32_t number)
{
	struct relay_job *job;

	list_for_each(job, &s->jobs, entry) {
		if (job->number == number)
			return job;
	}
	return NULL;
}

/* Discard what the job has received from its member, and detach it. */
static void detach_job(struct relay_job *job)
{
	for (size_t i = 0; i < job->n_outputs; i++)
		buf_release(&job->outputs[i]);
	free(job->outputs);
	job->outputs = NULL;
	job->n_outputs = 0;
	memset(job->stream_bytes, 0, sizeof(job->stream_bytes));
	free(job->via);
	job->via = NULL;
	job->running = false;
	if (job->link)
		job->link->n_jobs--;
	job->link = NULL;
}

static void forget_job(struct relay_session *s, struct relay_job *job)
{
	detach_job(job);
	TAILQ_REMOVE(&s->jobs, job, entry);
	s->n_jobs--;
	buf_release(&job->step);
	buf_release(&job->job);
	buf_release(&job->fail);
	free(job->failed);
	free(job->fail_via);
	free(job);
}

void relay_jobs_free_all(struct relay_session *s)
{
	struct relay_job *job;

	while ((job = TAILQ_FIRST(&s->jobs)))
		forget_job(s, job);
	buf_release(&s->step);
}

static char *member_name(const struct relay_job *job)
{
	const char *name = job->link->member->entry.name;

	return job->via ? xasprintf("%s/%s", name, job->via) : xstrdup(name);
}

static void send_via(struct relay_session *s, uint32_t number,
		     const char *member)
{
	struct wire_via m = { .job = number, .member = (char *)member };
	struct buf body = { 0 };

	if (!wire_type_name(WIRE_VIA, s->version) ||
	    !wire_member_is_valid(member))
		return;
	wire_via_encode_at(&body, &m, s->version);
	relay_session_send(s, WIRE_VIA, &body);
}

/* End a job with a failure that the relay itself has detected. */
static void report_job_failure(struct relay_session *s, uint32_t number,
			       enum wire_fail_class class, const char *why)
{
	struct wire_fail m = { .job = number,
			       .class = (uint8_t) class,
			       .reason = (char *)why };
	struct buf body = { 0 };

	if (class == WIRE_FAIL_BUSY)
		m.retry_ms = WIRE_RETRY_MS;
	wire_fail_encode_at(&body, &m, s->version);
	relay_session_send(s, WIRE_FAIL, &body);
}

/* ------------------------------------------------------- from the client */

static int on_step(struct relay_session *s, struct bytes body)
{
	struct wire_step m;

	if (s->step.len || s->pinned ||
	    wire_step_decode_at(&m, body, s->version))
		return relay_session_end(s, "unexpected or malformed STEP");
	s->step_job = m.job;
	wire_step_release(&m);
	buf_add_bytes(&s->step, body);
	return 0;
}

static int on_pin(struct relay_session *s, struct bytes body)
{
	if (s->pinned || wire_pin_decode_at(&s->pin, body, s->version))
		return relay_session_end(s, "unexpected or malformed PIN");
	s->pinned = true;
	return 0;
}

static int on_job(struct relay_session *s, struct bytes body)
{
	struct relay_job *job;
	struct wire_job m;

	if (wire_job_decode_at(&m, body, s->version))
		return relay_session_end(s, "malformed JOB");
	job = xcalloc(1, sizeof(*job));
	job->number = m.job;
	job->target = m.cell;
	wire_job_release(&m);
	if (find_client_job(s, job->number) ||
	    (s->step.len && s->step_job != job->number) ||
	    (s->pinned && s->pin.job != job->number)) {
		free(job);
		return relay_session_end(s, "JOB: number in use, or not that "
					    "of the preceding STEP or PIN");
	}
	job->step = s->step;
	s->step = (struct buf){ 0 };
	job->pinned = s->pinned;
	job->class = s->pin.class;
	s->pinned = false;
	buf_add_bytes(&job->job, body);
	TAILQ_INSERT_TAIL(&s->jobs, job, entry);
	s->n_jobs++;
	if (s->n_jobs > JOBS_PER_SLOT * relay_count_slots(s->relay)) {
		report_job_failure(s, job->number, WIRE_FAIL_BUSY,
				   "the relay has the maximum number of jobs");
		forget_job(s, job);
	}
	return 0;
}

static int on_cancel(struct relay_session *s, struct bytes body)
{
	struct relay_job *job;
	uint32_t number;

	if (wire_number_decode(&number, body))
		return relay_session_end(s, "malformed CANCEL");
	job = find_client_job(s, number);
	if (!job)
		return 0;
	if (job->link)
		wire_stream_send(job->link->conn.stream, WIRE_CANCEL, body,
				 WIRE_PLAIN);
	forget_job(s, job);
	return 0;
}

int relay_jobs_receive(struct relay_session *s, uint16_t type,
		       struct bytes body)
{
	switch (type) {
	case WIRE_STEP:
		return on_step(s, body);
	case WIRE_PIN:
		return on_pin(s, body);
	case WIRE_JOB:
		return on_job(s, body);
	default:
		return on_cancel(s, body);
	}
}

/* ------------------------------------------------------------- selection */

/*
 * Return the index of the member's class that equals a class of the client's
 * MACHINE, or -1.
 */
static int find_member_class(const struct relay_link *l, unsigned class)
{
	const struct wire_machine *all = &l->session->machine;

	if (class >= all->n_classes)
		return -1;
	for (unsigned i = 0; i < l->conn.machine.n_classes; i++) {
		if (relay_is_same_class(&l->conn.machine.classes[i],
					&all->classes[class]))
			return (int)i;
	}
	return -1;
}

static bool has_failed(const struct relay_job *job, const struct relay_link *l)
{
	for (size_t i = 0; i < job->n_failed; i++) {
		if (job->failed[i] == l->member)
			return true;
	}
	return false;
}

/* Return true if the member could execute the job, now or later. */
static bool is_candidate(struct relay_link *l, const struct relay_job *job)
{
	const struct relay_link_target *lt;

	if (l->incompatible || has_failed(job, l) ||
	    !relay_member_is_usable(l->member))
		return false;
	if (l->state != RELAY_LINK_UP)
		return true;
	lt = relay_link_find(l, job->target);
	return lt && lt->state != RELAY_TARGET_GONE &&
	       (!job->pinned || find_member_class(l, job->class) >= 0);
}

static unsigned count_link_slots(const struct relay_link *l)
{
	return relay_member_count_slots(l->member, l->lease);
}

/* Return true if the member can accept the job now. */
static bool is_available(struct relay_link *l, const struct relay_job *job,
			 uint64_t now)
{
	const struct relay_link_target *lt = relay_link_find(l, job->target);

	return l->state == RELAY_LINK_UP && lt &&
	       lt->state == RELAY_TARGET_READY && now >= l->busy_until_ms &&
	       l->n_jobs < count_link_slots(l);
}

/* Select the member with the smallest share of its slots in use. */
static struct relay_link *select_link(struct relay_session *s,
				      const struct relay_job *job, bool *any)
{
	struct relay_link *best = NULL;
	uint64_t now = clock_ms();

	*any = false;
	for (size_t i = 0; i < s->relay->n_members; i++) {
		struct relay_link *l = &s->links[i];

		if (!is_candidate(l, job))
			continue;
		*any = true;
		if (is_available(l, job, now) &&
		    (!best || l->n_jobs * count_link_slots(best) <
				      best->n_jobs * count_link_slots(l)))
			best = l;
	}
	return best;
}

static void pass_job(struct relay_link *l, struct relay_job *job)
{
	struct wire_pin pin = { .job = job->number };
	struct buf body = { 0 };

	job->link = l;
	l->n_jobs++;
	if (job->step.len)
		wire_stream_send(l->conn.stream, WIRE_STEP,
				 buf_bytes(&job->step), l->conn.codec);
	if (job->pinned) {
		pin.class = (uint8_t)find_member_class(l, job->class);
		wire_pin_encode_at(&body, &pin, l->conn.version);
		peer_conn_send(&l->conn, WIRE_PIN, &body, WIRE_PLAIN);
	}
	wire_stream_send(l->conn.stream, WIRE_JOB, buf_bytes(&job->job),
			 l->conn.codec);
}

/* No member can execute the job: repeat the last failure to the client. */
static void give_up_job(struct relay_session *s, struct relay_job *job)
{
	if (job->fail.len) {
		send_via(s, job->number, job->fail_via);
		relay_session_send(s, WIRE_FAIL, &job->fail);
	} else if (!relay_inputs_find(s, job->target)) {
		report_job_failure(s, job->number, WIRE_FAIL_TOOLCHAIN,
				   "the sandbox does not exist");
	} else if (job->pinned) {
		report_job_failure(s, job->number, WIRE_FAIL_UNSUPPORTED,
				   "no member has this class of cores");
	} else {
		report_job_failure(s, job->number, WIRE_FAIL_NODE,
				   "no member can run the job");
	}
	forget_job(s, job);
}

void relay_jobs_dispatch(struct relay_session *s)
{
	struct relay_job *job, *next;

	if (s->end_reason)
		return;
	list_for_each_safe(job, &s->jobs, entry, next) {
		struct relay_link *l;
		bool any;

		if (job->link)
			continue;
		l = select_link(s, job, &any);
		if (l)
			pass_job(l, job);
		else if (!any || !relay_inputs_find(s, job->target) ||
			 job->n_failed >= FAILURES_MAX)
			give_up_job(s, job);
	}
}

void relay_jobs_requeue(struct relay_link *l, const char *why)
{
	struct relay_job *job;

	list_for_each(job, &l->session->jobs, entry) {
		if (job->link != l)
			continue;
		log_info("member %s: job %u is sent again: %s",
			 l->member->entry.name, job->number, why);
		detach_job(job);
	}
}

/* ------------------------------------------------------- from the members */

/* Return the job that the member executes, or NULL. */
static struct relay_job *find_link_job(const struct relay_link *l,
				       uint32_t number)
{
	struct relay_job *job = find_client_job(l->session, number);

	return job && job->link == l ? job : NULL;
}

static int on_output(struct relay_link *l, struct bytes body, struct err *err)
{
	struct relay_job *job;
	struct wire_piece m;

	if (wire_piece_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed OUTPUT");
	job = find_link_job(l, m.job);
	if (!job)
		return 0;
	job->stream_bytes[m.stream] += m.data.len;
	if (job->stream_bytes[m.stream] > wire_output_max(m.stream))
		return err_set(err, EMSGSIZE, "output of a job too large");
	buf_add_bytes(VEC_ADD(job->outputs, job->n_outputs), body);
	return 0;
}

static int on_result(struct relay_link *l, struct bytes body, struct err *err)
{
	struct relay_session *s = l->session;
	struct relay_job *job;
	struct wire_result m;
	struct buf copy = { 0 };
	char *name;

	if (wire_result_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed RESULT");
	job = find_link_job(l, m.job);
	if (!job)
		return 0;
	name = member_name(job);
	send_via(s, m.job, name);
	free(name);
	for (size_t i = 0; i < job->n_outputs; i++)
		relay_session_send(s, WIRE_OUTPUT, &job->outputs[i]);
	buf_add_bytes(&copy, body);
	relay_session_send(s, WIRE_RESULT, &copy);
	forget_job(s, job);
	relay_jobs_dispatch(s);
	return 0;
}

/*
 * Another member executes a job again that failed because of the member.  Other
 * failures concern the job, so the client handles them.
 */
static int on_fail(struct relay_link *l, struct bytes body, struct err *err)
{
	struct relay_session *s = l->session;
	struct relay_job *job;
	struct wire_fail m;

	if (wire_fail_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed FAIL");
	job = find_link_job(l, m.job);
	if (job && m.class == WIRE_FAIL_BUSY) {
		l->busy_until_ms = clock_ms() + m.retry_ms;
		detach_job(job);
	} else if (job) {
		free(job->fail_via);
		job->fail_via = member_name(job);
		buf_reset(&job->fail);
		buf_add_bytes(&job->fail, body);
		*VEC_ADD(job->failed, job->n_failed) = l->member;
		detach_job(job);
		log_info("member %s: job %u failed: %s", l->member->entry.name,
			 m.job, m.reason);
		if (m.class != WIRE_FAIL_NODE && m.class != WIRE_FAIL_TOOLCHAIN)
			give_up_job(s, job);
	}
	wire_fail_release(&m);
	relay_jobs_dispatch(s);
	return 0;
}

static int on_via(struct relay_link *l, struct bytes body, struct err *err)
{
	struct relay_job *job;
	struct wire_via m;

	if (wire_via_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed VIA");
	job = find_link_job(l, m.job);
	if (job) {
		free(job->via);
		job->via = m.member;
		m.member = NULL;
	}
	wire_via_release(&m);
	return 0;
}

static int on_beat(struct relay_link *l, struct bytes body, struct err *err)
{
	struct wire_beat m;

	if (wire_beat_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed BEAT");
	for (unsigned i = 0; i < m.n_jobs; i++) {
		struct relay_job *job = find_link_job(l, m.jobs[i].job);

		if (!job)
			continue;
		job->running = true;
		job->cpu_ms = m.jobs[i].cpu_ms;
	}
	wire_beat_release(&m);
	return 0;
}

int relay_jobs_handle(struct relay_link *l, uint16_t type, struct bytes body,
		      struct err *err)
{
	switch (type) {
	case WIRE_OUTPUT:
		return on_output(l, body, err);
	case WIRE_RESULT:
		return on_result(l, body, err);
	case WIRE_FAIL:
		return on_fail(l, body, err);
	case WIRE_VIA:
		return on_via(l, body, err);
	case WIRE_BEAT:
		return on_beat(l, body, err);
	default:
		return err_set(err, EPROTO, "unexpected message of type %u",
			       type);
	}
}
