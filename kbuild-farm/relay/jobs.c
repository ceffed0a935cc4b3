/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "relay/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define JOBS_PER_SLOT 4 /* a session can have this many jobs per slot */
#define OUTPUTS_MAX   (1u << 16) /* OUTPUT messages of a job */
#define BEAT_MIN_MS   200 /* minimum time between two BEATs that are handled */

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

static struct relay_attempt *find_link_attempt(struct relay_job *job,
					       const struct relay_link *l)
{
	for (unsigned i = 0; job && i < job->n_attempts; i++) {
		if (job->attempts[i].link == l)
			return &job->attempts[i];
	}
	return NULL;
}

static void release_attempt(struct relay_attempt *a)
{
	for (size_t i = 0; i < a->n_outputs; i++)
		buf_release(&a->outputs[i]);
	if (a->link)
		a->link->member->output_bytes -= a->output_bytes;
	free(a->outputs);
	free(a->via);
	*a = (struct relay_attempt){ 0 };
}

/* Remove an attempt from its job without releasing it. */
static void detach_attempt(struct relay_job *job, struct relay_attempt *a)
{
	*a = job->attempts[--job->n_attempts];
	job->attempts[job->n_attempts] = (struct relay_attempt){ 0 };
}

static void discard_attempt(struct relay_job *job, struct relay_attempt *a)
{
	struct relay_attempt ended = *a;

	detach_attempt(job, a);
	release_attempt(&ended);
}

static void release_job(struct relay_session *s, struct relay_job *job)
{
	while (job->n_attempts)
		discard_attempt(job, &job->attempts[0]);
	release_attempt(&job->done);
	TAILQ_REMOVE(&s->jobs, job, entry);
	s->n_jobs--;
	buf_release(&job->step);
	buf_release(&job->job);
	buf_release(&job->result);
	buf_release(&job->fail);
	free(job->fail_via);
	free(job);
}

/* Cancel the job on its members, count it and free it. */
static void close_job(struct relay_session *s, struct relay_job *job,
		      enum kfarmd_end end)
{
	struct kfarmd_finished *finished = &s->relay->daemon->finished;

	finished->n_jobs[end]++;
	finished->cpu_ms += job->done.cpu_ms;
	while (job->n_attempts)
		relay_job_cancel(job, job->attempts[0].link);
	if (job->dispatched)
		relay_dispatch_end_job(s, job);
	release_job(s, job);
}

void relay_jobs_free_all(struct relay_session *s)
{
	struct relay_job *job;

	s->relay->daemon->finished.n_jobs[KFARMD_END_DROPPED] += s->n_jobs;
	while ((job = TAILQ_FIRST(&s->jobs)))
		release_job(s, job);
	buf_release(&s->step);
}

static char *member_name(const struct relay_attempt *a)
{
	const char *name = a->link->member->entry.name;

	return a->via ? xasprintf("%s/%s", name, a->via) : xstrdup(name);
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

/* Report a failure that the relay itself has detected. */
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

void relay_jobs_end_all(struct relay_session *s, uint32_t sandbox)
{
	struct relay_job *job, *next;

	list_for_each_safe(job, &s->jobs, entry, next) {
		if (job->target != sandbox)
			continue;
		report_job_failure(s, job->number, WIRE_FAIL_TOOLCHAIN,
				   "the sandbox has ended");
		close_job(s, job, KFARMD_END_FAILED);
	}
}

void relay_job_give_up(struct relay_session *s, struct relay_job *job,
		       enum reason why)
{
	char *text;

	if (job->fail.len) {
		send_via(s, job->number, job->fail_via);
		relay_session_send(s, WIRE_FAIL, &job->fail);
	} else if (!relay_session_find(s, job->target)) {
		report_job_failure(s, job->number, WIRE_FAIL_TOOLCHAIN,
				   "the sandbox does not exist");
	} else {
		text = xasprintf("no member can execute the job now: %s",
				 reason_text(why));
		report_job_failure(s, job->number, WIRE_FAIL_BUSY, text);
		free(text);
	}
	close_job(s, job, KFARMD_END_FAILED);
}

void relay_job_deliver(struct relay_session *s, struct relay_job *job)
{
	char *name = member_name(&job->done);

	send_via(s, job->number, name);
	free(name);
	for (size_t i = 0; i < job->done.n_outputs; i++)
		relay_session_send(s, WIRE_OUTPUT, &job->done.outputs[i]);
	relay_session_send(s, WIRE_RESULT, &job->result);
	close_job(s, job, job->has_error ? KFARMD_END_ERROR : KFARMD_END_OK);
}

void relay_job_discard_result(struct relay_job *job)
{
	release_attempt(&job->done);
	buf_release(&job->result);
}

/* ------------------------------------------------------- from the client */

static int on_step(struct relay_session *s, struct bytes body)
{
	struct wire_step m;
	int ret = 0;

	if (s->step.len || s->pinned ||
	    wire_step_decode_at(&m, body, s->version))
		return relay_session_end(s, "unexpected or malformed STEP");
	if (!wire_paths_get(s->paths, m.tool))
		ret = relay_session_end(s, "STEP: undefined path number %u",
					m.tool);
	wire_step_release(&m);
	buf_add_bytes(&s->step, body);
	return ret;
}

/*
 * Ignore the CPU class in the PIN: the dispatcher of the relay chooses the
 * member and its CPU class, because only the relay has the current load of each
 * member.
 */
static int on_pin(struct relay_session *s, struct bytes body)
{
	struct wire_pin m;

	if (s->pinned || wire_pin_decode_at(&m, body, s->version))
		return relay_session_end(s, "unexpected or malformed PIN");
	s->pinned = true;
	s->pinned_job = m.job;
	return 0;
}

void relay_jobs_resume(struct relay_session *s, uint32_t sandbox)
{
	struct relay_target *t;
	struct relay_job *job;

	do {
		t = relay_session_find(s, sandbox);
		list_for_each(job, &s->jobs, entry) {
			if (t && job->target == sandbox && !job->dispatched &&
			    job->view <= t->forwarded_view)
				break;
		}
		/* This sets `dispatched`, so the next search skips the job. */
		if (job)
			relay_dispatch_add_job(s, job);
	} while (job);
}

/* Return true if a STEP precedes the job and does not belong to it. */
static bool is_step_unfit(const struct relay_session *s,
			  const struct wire_job *m)
{
	struct wire_step step;
	bool fits;

	if (!s->step.len)
		return false;
	if (wire_step_decode_at(&step, buf_bytes(&s->step), s->version))
		return true;
	fits = wire_step_fits_job(&step, m);
	wire_step_release(&step);
	return !fits;
}

/*
 * Check the numbers that a JOB refers to, because a member ends its session if
 * a number is undefined.  Returns 0, or -EPROTO if the session ends.
 */
static int check_numbers(struct relay_session *s, const struct wire_job *m)
{
	const struct relay_target *t = relay_session_find(s, m->cell);
	struct wire_flag *flags = NULL;
	size_t n;

	if (!s->links || (t && m->view > t->n_views))
		return relay_session_end(s, "JOB: VIEW %u not received",
					 m->view);
	if (!wire_paths_get(s->paths, m->cwd))
		return relay_session_end(s, "JOB: undefined path number %u",
					 m->cwd);
	if (wire_flags_decode_job(s->flags, m, &flags, &n))
		return relay_session_end(s, "JOB: undefined flag number");
	free(flags);
	if (find_client_job(s, m->job) || is_step_unfit(s, m) ||
	    (s->pinned && s->pinned_job != m->job))
		return relay_session_end(s, "JOB: the number is in use, or the "
					    "preceding STEP or PIN belongs to "
					    "another job");
	return 0;
}

static int on_job(struct relay_session *s, struct bytes body)
{
	const struct relay_target *t;
	struct relay_job *job;
	struct wire_job m;
	int ret;

	if (wire_job_decode_at(&m, body, s->version))
		return relay_session_end(s, "malformed JOB");
	ret = check_numbers(s, &m);
	if (ret) {
		wire_job_release(&m);
		return ret;
	}
	t = relay_session_find(s, m.cell);
	job = xcalloc(1, sizeof(*job));
	job->number = m.job;
	job->target = m.cell;
	job->toolchain = t ? t->toolchain : 0;
	job->view = m.view;
	job->cost_ms = m.cost_ms;
	job->n_sides = m.n_sides;
	job->received_ms = clock_ms();
	wire_job_release(&m);
	job->step = s->step;
	s->step = (struct buf){ 0 };
	s->pinned = false;
	buf_add_bytes(&job->job, body);
	TAILQ_INSERT_TAIL(&s->jobs, job, entry);
	s->n_jobs++;
	if (!t) {
		report_job_failure(s, job->number, WIRE_FAIL_TOOLCHAIN,
				   "the sandbox does not exist");
		release_job(s, job);
	} else if (s->relay->daemon->slots.draining) {
		report_job_failure(s, job->number, WIRE_FAIL_BUSY,
				   "kfarmd is shutting down");
		release_job(s, job);
	} else if (s->n_jobs > JOBS_PER_SLOT * relay_count_slots(s->relay)) {
		report_job_failure(
			s, job->number, WIRE_FAIL_BUSY,
			"too many jobs: this session already has the maximum "
			"number");
		release_job(s, job);
	} else {
		relay_jobs_resume(s, t->number);
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
	if (job)
		close_job(s, job, KFARMD_END_DROPPED);
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

/* -------------------------------------------------------- to the members */

void relay_job_send(struct relay_job *job, struct relay_link *l, bool pinned,
		    unsigned class)
{
	struct wire_pin pin = { .job = job->number, .class = (uint8_t) class };
	struct buf body = { 0 };

	/* SCHED_EV_NODE_LOST follows if the session has ended. */
	if (l->state != RELAY_LINK_UP ||
	    job->n_attempts == ARRAY_SIZE(job->attempts))
		return;
	job->attempts[job->n_attempts++] = (struct relay_attempt){ .link = l };
	if (job->step.len)
		wire_stream_send(l->conn.stream, WIRE_STEP,
				 buf_bytes(&job->step), l->conn.codec);
	if (pinned && wire_type_name(WIRE_PIN, l->conn.version)) {
		wire_pin_encode_at(&body, &pin, l->conn.version);
		peer_conn_send(&l->conn, WIRE_PIN, &body, WIRE_PLAIN);
	}
	wire_stream_send(l->conn.stream, WIRE_JOB, buf_bytes(&job->job),
			 l->conn.codec);
}

static void send_cancel(const struct relay_link *l, uint32_t number)
{
	struct buf body = { 0 };

	wire_number_encode(&body, number);
	peer_conn_send(&l->conn, WIRE_CANCEL, &body, WIRE_PLAIN);
}

void relay_job_cancel(struct relay_job *job, struct relay_link *l)
{
	struct relay_attempt *a = find_link_attempt(job, l);

	if (!a)
		return;
	if (l->state == RELAY_LINK_UP)
		send_cancel(l, job->number);
	discard_attempt(job, a);
}

/*
 * Record the loss of a member as the FAIL of the job.  The client receives this
 * FAIL if no other member executes the job.
 */
static void record_loss(struct relay_session *s, struct relay_job *job,
			const struct relay_attempt *a, const char *why)
{
	struct wire_fail m = { .job = job->number, .class = WIRE_FAIL_NODE };

	m.reason = xasprintf("connection to the member lost: %s", why);
	buf_reset(&job->fail);
	wire_fail_encode_at(&job->fail, &m, s->version);
	free(m.reason);
	free(job->fail_via);
	job->fail_via = member_name(a);
}

void relay_jobs_forget(struct relay_link *l, const char *why)
{
	struct relay_job *job;

	list_for_each(job, &l->session->jobs, entry) {
		struct relay_attempt *a = find_link_attempt(job, l);

		if (!a)
			continue;
		record_loss(l->session, job, a, why);
		discard_attempt(job, a);
	}
}

/* ------------------------------------------------------- from the members */

static int on_result(struct relay_link *l, struct bytes body, struct err *err)
{
	struct sched_event event = { .kind = SCHED_EV_RESULT };
	struct relay_attempt *a;
	struct relay_job *job;
	struct wire_result m;

	if (wire_result_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed RESULT");
	job = find_client_job(l->session, m.job);
	a = find_link_attempt(job, l);
	if (!a)
		return 0;
	if (job->result.len) {
		/*
		 * Another member has already sent a result, but the dispatcher
		 * has not processed it yet.  Discard the new result and report
		 * it as a failure, so that the dispatcher continues with the
		 * job if the dispatcher ignores the first result.
		 */
		discard_attempt(job, a);
		event.kind = SCHED_EV_JOB_FAILED;
		event.fail = SCHED_FAIL_BUSY;
	} else {
		job->done = *a;
		detach_attempt(job, a);
		buf_add_bytes(&job->result, body);
		job->has_error = m.wait_status;
		job->done.cpu_ms = m.cpu_ms;
		event.cpu_ms = m.cpu_ms;
	}
	relay_dispatch_job_event(job, l, &event);
	return 0;
}

/*
 * If the member caused the failure, let another member execute the job.  Report
 * any other failure to the client, because it concerns the job.
 */
static void handle_attempt_failure(struct relay_link *l, struct relay_job *job,
				   struct relay_attempt *a,
				   const struct wire_fail *m, struct bytes body)
{
	static const enum sched_fail as[] = {
		[WIRE_FAIL_TOOLCHAIN] = SCHED_FAIL_TOOLCHAIN,
		[WIRE_FAIL_NODE] = SCHED_FAIL_NODE,
		[WIRE_FAIL_DEADLINE] = SCHED_FAIL_DEADLINE,
		[WIRE_FAIL_BUSY] = SCHED_FAIL_BUSY,
	};
	struct sched_event event = { .kind = SCHED_EV_JOB_FAILED,
				     .text = m->reason,
				     .retry_ms = m->retry_ms };

	if (m->class != WIRE_FAIL_BUSY) {
		log_info("member %s: job %u failed: %s", l->member->entry.name,
			 m->job, m->reason);
		free(job->fail_via);
		job->fail_via = member_name(a);
		buf_reset(&job->fail);
		buf_add_bytes(&job->fail, body);
	}
	discard_attempt(job, a);
	switch (m->class) {
	case WIRE_FAIL_TOOLCHAIN:
	case WIRE_FAIL_NODE:
	case WIRE_FAIL_DEADLINE:
	case WIRE_FAIL_BUSY:
		event.fail = as[m->class];
		relay_dispatch_job_event(job, l, &event);
		break;
	default:
		relay_job_give_up(l->session, job, REASON_NONE);
	}
}

/*
 * Cancel a job because the member's outputs take too much memory, and let
 * another member execute the job.
 */
static int fail_large_output(struct relay_link *l, struct relay_job *job,
			     struct relay_attempt *a)
{
	struct wire_fail m = {
		.job = job->number,
		.class = WIRE_FAIL_NODE,
		.reason = (char *)"output of the unfinished jobs of the member "
				  "is too large"
	};
	struct buf body = { 0 };

	send_cancel(l, job->number);
	wire_fail_encode_at(&body, &m, l->session->version);
	handle_attempt_failure(l, job, a, &m, buf_bytes(&body));
	buf_release(&body);
	return 0;
}

static int on_output(struct relay_link *l, struct bytes body, struct err *err)
{
	struct sched_event event = { .kind = SCHED_EV_OUTPUT };
	struct relay_attempt *a;
	struct relay_job *job;
	uint64_t bytes = body.len + sizeof(*a->outputs);
	struct wire_piece m;

	if (wire_piece_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed OUTPUT");
	job = find_client_job(l->session, m.job);
	a = find_link_attempt(job, l);
	if (!a)
		return 0;
	/* Each message takes memory, even if it has no data. */
	if (a->n_outputs >= OUTPUTS_MAX)
		return err_set(err, EMSGSIZE,
			       "output of a job exceeds %u messages",
			       OUTPUTS_MAX);
	/*
	 * Drop unrequested output.  RESULT also declares this output, so the
	 * client detects the error.
	 */
	if (m.stream >= WIRE_OUTPUT_SIDE + job->n_sides)
		return 0;
	if (l->member->output_bytes + bytes > l->session->relay->max_output)
		return fail_large_output(l, job, a);
	a->stream_bytes[m.stream] += m.data.len;
	if (a->stream_bytes[m.stream] > wire_output_max(m.stream))
		return err_set(err, EMSGSIZE, "output of a job is too large");
	buf_add_bytes(VEC_ADD(a->outputs, a->n_outputs), body);
	a->output_bytes += bytes;
	l->member->output_bytes += bytes;
	relay_dispatch_job_event(job, l, &event);
	return 0;
}

static int on_fail(struct relay_link *l, struct bytes body, struct err *err)
{
	struct relay_attempt *a;
	struct relay_job *job;
	struct wire_fail m;

	if (wire_fail_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed FAIL");
	job = find_client_job(l->session, m.job);
	a = find_link_attempt(job, l);
	if (a)
		handle_attempt_failure(l, job, a, &m, body);
	wire_fail_release(&m);
	return 0;
}

static int on_via(struct relay_link *l, struct bytes body, struct err *err)
{
	struct relay_attempt *a;
	struct wire_via m;

	if (wire_via_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed VIA");
	a = find_link_attempt(find_client_job(l->session, m.job), l);
	if (a) {
		free(a->via);
		a->via = m.member;
		m.member = NULL;
	}
	wire_via_release(&m);
	return 0;
}

static int on_beat(struct relay_link *l, struct bytes body, struct err *err)
{
	uint64_t now = clock_ms();
	struct wire_beat m;

	if (wire_beat_decode_at(&m, body, l->conn.version))
		return err_set(err, EPROTO, "malformed BEAT");
	/*
	 * Ignore frequent BEATs: looking up their jobs would delay other
	 * messages.
	 */
	if (l->beat_ms && now < l->beat_ms + BEAT_MIN_MS) {
		wire_beat_release(&m);
		return 0;
	}
	l->beat_ms = now;
	for (unsigned i = 0; i < m.n_jobs; i++) {
		struct relay_job *job = find_client_job(l->session,
							m.jobs[i].job);
		struct relay_attempt *a = find_link_attempt(job, l);
		struct sched_event event = { .kind = SCHED_EV_HEARTBEAT,
					     .cpu_ms = m.jobs[i].cpu_ms };

		if (!a)
			continue;
		a->running = true;
		a->cpu_ms = m.jobs[i].cpu_ms;
		relay_dispatch_job_event(job, l, &event);
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
