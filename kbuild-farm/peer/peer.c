/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/peer.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/vec.h"
#include "compiler/manifest.h"
#include "node/limits.h"
#include "node/pool.h"
#include "peer/native-toolchain.h"
#include "tls/dialer.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define HELLO_TIMEOUT_S     5
#define SSH_HELLO_TIMEOUT_S 10
#define TLS_HELLO_TIMEOUT_S (TLS_DIALER_MAX_MS / 1000 + 1)
#define EXIT_WAIT_US        100000
#define BEAT_MIN_MS         200 /* minimum interval of reported heartbeats */
/* limit on the lost sandboxes of a session that are requested again */
#define SANDBOX_LOSSES_MAX 5

/* A bandwidth measurement: see peer_measure_bandwidth(). */
struct peer_bandwidth {
	/* NULL: no measurement is in progress */
	const struct inputs_entry *file;
	struct peer_conn *conn;
	struct peer_blob_upload_user user;
	struct peer_input_updates updates;
	uint64_t need_us; /* time of the first NEED; 0: none yet */
};

/* End the measurement without a callback.  Does nothing if `r` is zeroed. */
static void bandwidth_stop(struct peer_bandwidth *r)
{
	struct buf body = { 0 };

	if (!r->file)
		return;
	if (r->conn->stream) {
		wire_number_encode(&body, r->updates.number);
		peer_conn_send(r->conn, WIRE_SHUT, &body, WIRE_PLAIN);
		peer_blob_upload_remove_user(r->conn->upload, &r->user);
	}
	peer_input_updates_release(&r->updates);
	r->file = NULL;
}

/* Return true if a measurement with this sandbox number is in progress. */
static bool bandwidth_is_number(const struct peer_bandwidth *r, uint32_t number)
{
	return r->file && r->updates.number == number;
}

struct peer {
	struct peer_conn conn;
	enum peer_state state;
	/*
	 * limits the time until the greeting is complete or, if `end_reason` is
	 * set, until the transport command of the ended session has exited
	 */
	struct event *hello_timer;
	char *end_reason;
	struct node_limit limit;
	struct peer_sandboxes sandboxes;
	struct peer_native_toolchain native;
	struct peer_bandwidth bandwidth;
	/*
	 * peer_advance() has processed the first `n_requested` elements of
	 * shared->toolchains
	 */
	size_t n_requested;
	/* last reported state of each toolchain */
	enum peer_toolchain_state *reported;
	size_t n_reported;
	unsigned reported_busy;
	uint64_t cpu_ms;
	uint64_t beat_ms; /* time of the last heartbeat; 0: none yet */
	struct wire_health health; /* last HEALTH of this session */
	/* n_slots of the last LEASE, or WIRE_LEASE_UNLIMITED */
	unsigned lease, reported_lease;
	struct strv members; /* of the last RELAY */
	bool members_changed; /* on_members_changed() is due */
	char *member_list; /* separated by blanks; NULL: no RELAY */
	/* Members that get no more jobs, also in later sessions. */
	struct excluded_member {
		char *name;
		uint32_t last_job; /* last job number before the exclusion */
	} * excluded;
	size_t n_excluded;
};

/* -------------------------------------------------------- sessions */

void peer_disconnect(struct peer *p)
{
	struct peer_sandbox *sandbox;

	event_del(p->hello_timer);
	free(p->end_reason);
	p->end_reason = NULL;
	peer_job_free_all(&p->conn);
	bandwidth_stop(&p->bandwidth);
	peer_native_toolchain_release(&p->native);
	while ((sandbox = TAILQ_FIRST(&p->sandboxes.list))) {
		TAILQ_REMOVE(&p->sandboxes.list, sandbox, list_entry);
		peer_input_sync_release(&sandbox->input_sync);
		free(sandbox->detail);
		free(sandbox->native_name);
		free(sandbox);
	}
	peer_conn_close(&p->conn);
	strv_release(&p->members);
	free(p->member_list);
	p->member_list = NULL;
	p->members_changed = false;
	p->state = PEER_DOWN;
	p->n_requested = p->n_reported = 0;
	p->reported_busy = 0;
	p->beat_ms = 0;
	p->lease = p->reported_lease = WIRE_LEASE_UNLIMITED;
}

/* The session ended or could not be established. */
static void on_lost(struct peer *p, enum peer_state state, const char *why)
{
	struct peer_shared *shared = p->conn.shared;
	char *text = p->state == PEER_GREETING ?
			     peer_conn_explain(&p->conn, why) :
			     xstrdup(*why ? why : "connection closed");

	peer_disconnect(p);
	p->state = state;
	if (shared->benchmark)
		peer_benchmark_fail_node(shared->benchmark, p->conn.entry->name,
					 text);
	shared->ops->on_state_changed(p->conn.ctx, state, text);
	free(text);
}

/*
 * Compute the number of slots of a connected node.  A build with a low weight
 * should leave slots to other build hosts.  If the protocol version has no
 * WEIGHT, the node does not receive the weight, so the build uses only half of
 * the node's slots.
 */
static void update_limit(struct peer *p)
{
	const struct peer_conn *l = &p->conn;
	unsigned percent = l->shared->weight_percent;

	free(p->limit.reason);
	node_limit(&p->limit, &l->hello.inventory, &l->machine,
		   l->entry->slots);
	if (percent && percent <= WIRE_WEIGHT_MAX / 2 &&
	    !wire_type_name(WIRE_WEIGHT, l->version))
		node_limit_halve(&p->limit);
}

static int on_fit(struct peer *p)
{
	struct peer_conn *l = &p->conn;
	const char *why = l->fit.usable ? NULL : l->fit.reason;

	event_del(p->hello_timer);
	if (l->machine_received)
		p->health = l->machine.health;
	update_limit(p);
	peer_conn_send_weight(l);
	p->native = (struct peer_native_toolchain){
		.conn = l,
		.machine = l->hello.inventory.machine,
		.hosts = &l->fit.hosts
	};
	p->state = why ? PEER_UNFIT : PEER_UP;
	if (why && l->shared->benchmark)
		peer_benchmark_fail_node(l->shared->benchmark, l->entry->name,
					 why);
	l->shared->ops->on_state_changed(l->ctx, p->state, why);
	peer_shared_wake(l->shared);
	return 0;
}

/* ---------------------------------------------------------------- jobs */

static int on_beat(struct peer *p, struct bytes body, struct err *err)
{
	struct peer_conn *l = &p->conn;
	uint64_t now = clock_ms();
	struct wire_beat m;

	if (wire_beat_decode_at(&m, body, p->conn.version))
		return err_set(err, EPROTO, "malformed BEAT");
	/* Drop excess heartbeats so that a node cannot flood the event log. */
	if (p->beat_ms && now - p->beat_ms < BEAT_MIN_MS) {
		wire_beat_release(&m);
		return 0;
	}
	p->beat_ms = now;
	l->hello.inventory.available_mib = m.available_mib;
	l->hello.inventory.load_milli = m.load_milli;
	for (unsigned i = 0; i < m.n_jobs; i++) {
		const struct peer_job *job = peer_job_find(l, m.jobs[i].job);

		if (job && job->kind == PEER_JOB_UNIT)
			l->shared->ops->on_heartbeat_received(
				l->ctx, job->number, m.jobs[i].cpu_ms);
	}
	wire_beat_release(&m);
	if (p->lease != p->reported_lease && l->shared->ops->on_lease_changed) {
		p->reported_lease = p->lease;
		l->shared->ops->on_lease_changed(l->ctx);
	}
	if (p->members_changed && l->shared->ops->on_members_changed)
		l->shared->ops->on_members_changed(l->ctx);
	p->members_changed = false;
	l->shared->ops->on_load_received(l->ctx);
	return 0;
}

static int on_lease(struct peer *p, struct bytes body, struct err *err)
{
	struct wire_lease m;

	if (wire_lease_decode_at(&m, body, p->conn.version))
		return err_set(err, EPROTO, "malformed LEASE");
	/* on_beat() reports the lease, at most once per BEAT_MIN_MS. */
	p->lease = m.n_slots;
	return 0;
}

static int on_via(struct peer *p, struct bytes body, struct err *err)
{
	struct peer_job *job;
	struct wire_via m;

	if (wire_via_decode_at(&m, body, p->conn.version))
		return err_set(err, EPROTO, "malformed VIA");
	job = peer_job_find(&p->conn, m.job);
	if (job) {
		free(job->result.member);
		job->result.member = m.member;
		m.member = NULL;
	}
	wire_via_release(&m);
	return 0;
}

static void send_exclusion(struct peer *p, const char *member)
{
	struct wire_exclude m = { .member = (char *)member };
	struct buf body = { 0 };

	wire_exclude_encode_at(&body, &m, p->conn.version);
	peer_conn_send(&p->conn, WIRE_EXCLUDE, &body, WIRE_PLAIN);
}

static int on_relay(struct peer *p, struct bytes body, struct err *err)
{
	bool is_first = !p->members.n;
	struct wire_relay m;

	if (wire_relay_decode_at(&m, body, p->conn.version))
		return err_set(err, EPROTO, "malformed RELAY");
	strv_release(&p->members);
	p->members = m.members;
	m.members = (struct strv){ 0 };
	wire_relay_release(&m);
	free(p->member_list);
	p->member_list = strv_join(&p->members, " ");
	for (size_t i = 0; is_first && i < p->n_excluded; i++)
		send_exclusion(p, p->excluded[i].name);
	/* on_beat() reports the change, at most once per BEAT_MIN_MS. */
	p->members_changed = true;
	return 0;
}

/*
 * Return true if `member` is equal to `relay` or is a member behind it, such as
 * "rack/board1" behind "rack".
 */
static bool is_below(const char *member, const char *relay)
{
	return str_equal(member, relay) || str_skip_dir(member, relay);
}

/*
 * Return the exclusion of a member, or of a relay through which the member is
 * reached, or NULL.
 */
static const struct excluded_member *find_exclusion(const struct peer *p,
						    const char *member)
{
	for (size_t i = 0; i < p->n_excluded; i++) {
		if (is_below(member, p->excluded[i].name))
			return &p->excluded[i];
	}
	return NULL;
}

/*
 * Return true if any other member can execute jobs.  Relays do not count.  A
 * member is a relay if a member behind it is listed or excluded.
 */
static bool has_other_member(const struct peer *p, const char *member)
{
	for (size_t i = 0; i < p->members.n; i++) {
		const char *other = p->members.v[i];
		bool counts = !is_below(other, member);

		counts &= !find_exclusion(p, other);
		for (size_t k = 0; k < p->n_excluded; k++)
			counts &= !str_skip_dir(p->excluded[k].name, other);
		for (size_t k = 0; k < p->members.n; k++)
			counts &= !str_skip_dir(p->members.v[k], other);
		if (counts)
			return true;
	}
	return false;
}

bool peer_exclude_member(struct peer *p, const char *member, uint32_t job)
{
	const struct excluded_member *e = find_exclusion(p, member);

	if (e)
		return job <= e->last_job;
	if (p->state != PEER_UP || !strv_has(&p->members, member) ||
	    !has_other_member(p, member))
		return false;
	*VEC_ADD(p->excluded, p->n_excluded) = (struct excluded_member){
		xstrdup(member), p->conn.shared->n_jobs
	};
	send_exclusion(p, member);
	return true;
}

static void finish_canary_job(struct peer *p, struct peer_job *job,
			      const struct wire_fail *fail)
{
	struct peer_sandbox *sandbox = job->sandbox;
	struct peer_canary_result outcome;
	/* The sandbox may have closed while its job was in flight. */
	bool over = sandbox->canary.in_flight &&
		    peer_canary_handle_job(job, fail, &outcome);

	peer_job_free(&p->conn, job);
	if (over)
		peer_native_toolchain_handle_canary(&p->native, sandbox,
						    &outcome);
	/*
	 * Continue at once, except if the node was busy: then the next
	 * peer_tick() sends the unit again.
	 */
	if (!fail || over)
		peer_shared_wake(p->conn.shared);
}

/* Return true if the result of a known-answer test is right and undamaged. */
static bool is_known_answer(const struct peer_job *job)
{
	const struct peer_job_result *a = &job->result;
	struct err err;

	return !a->wire.wait_status && !peer_job_result_check(a, &err) &&
	       bytes_equal(buf_bytes(&a->streams[WIRE_OUTPUT_OBJECT]),
			   buf_bytes(&job->reference->object));
}

/* Continue the canaries, which may have waited for the slot of a unit. */
static void wake_canaries(const struct peer *p)
{
	const struct peer_sandbox *sandbox;

	list_for_each(sandbox, &p->sandboxes.list, list_entry) {
		if (sandbox->canary.n_rounds_left)
			peer_shared_wake(p->conn.shared);
	}
}

static int on_result(struct peer *p, struct bytes body, struct err *err)
{
	struct peer_conn *l = &p->conn;
	struct peer_job_result answer;
	struct wire_result m;
	struct peer_job *job;
	bool right;

	if (wire_result_decode_at(&m, body, p->conn.version))
		return err_set(err, EPROTO, "malformed RESULT");
	job = peer_job_find(l, m.job);
	if (!job)
		return 0;
	job->result.wire = m;
	if (job->kind == PEER_JOB_UNIT) {
		answer = job->result;
		job->result = (struct peer_job_result){ 0 };
		peer_job_free(l, job);
		wake_canaries(p);
		p->cpu_ms += m.cpu_ms;
		l->shared->ops->on_job_finished(l->ctx, m.job, &answer);
	} else if (job->kind == PEER_JOB_CANARY) {
		finish_canary_job(p, job, NULL);
	} else {
		right = is_known_answer(job);
		peer_job_free(l, job);
		l->shared->ops->on_known_answer_checked(
			l->ctx,
			right ? PEER_KNOWN_ANSWER_RIGHT :
				PEER_KNOWN_ANSWER_WRONG,
			"wrong result of the known-answer test");
	}
	return 0;
}

static void handle_failed_job(struct peer *p, struct peer_job *job,
			      const struct wire_fail *m)
{
	const struct peer_conn *l = &p->conn;
	struct inputs_toolchain *tc = job->sandbox->toolchain;
	const struct peer_sandbox *sandbox;
	enum peer_job_kind kind = job->kind;

	if (kind == PEER_JOB_CANARY) {
		finish_canary_job(p, job, m);
	} else {
		peer_job_free(&p->conn, job);
		wake_canaries(p);
	}
	/*
	 * If HAVE has reported that the node lost the sandbox of the job,
	 * request another sandbox, but only a limited number of times.  Do not
	 * request one for a benchmark, which records the loss as its result.
	 */
	sandbox = peer_sandbox_find(&p->sandboxes, tc);
	if (m->class == WIRE_FAIL_TOOLCHAIN && sandbox &&
	    !l->shared->benchmark && sandbox->state == PEER_SANDBOX_CLOSED &&
	    sandbox->lost && tc->state == INPUTS_STATE_READY &&
	    p->sandboxes.n_lost <= SANDBOX_LOSSES_MAX) {
		peer_sandbox_request(&p->sandboxes, tc, sandbox->native_name);
		peer_shared_wake(l->shared);
	}
	if (kind == PEER_JOB_KNOWN_ANSWER)
		l->shared->ops->on_known_answer_checked(
			l->ctx,
			m->class == WIRE_FAIL_BUSY ? PEER_KNOWN_ANSWER_BUSY :
						     PEER_KNOWN_ANSWER_FAILED,
			m->reason);
	else if (kind == PEER_JOB_UNIT)
		l->shared->ops->on_job_failed(l->ctx, m);
}

static int on_output(struct peer *p, struct bytes body, struct err *err)
{
	struct peer_conn *l = &p->conn;
	struct wire_fail fail;
	struct wire_piece m;
	struct peer_job *job;
	int ret;

	if (wire_piece_decode_at(&m, body, p->conn.version))
		return err_set(err, EPROTO, "malformed OUTPUT");
	job = peer_job_find(l, m.job);
	if (!job)
		return 0;
	ret = peer_job_add_output(l, job, &m, err);
	if (ret == -ENOBUFS || ret == -EBUSY) {
		fail = (struct wire_fail){
			.job = m.job,
			.class = ret == -EBUSY ? WIRE_FAIL_BUSY :
						 WIRE_FAIL_NODE,
			.retry_ms = ret == -EBUSY ? WIRE_RETRY_MS : 0,
			.reason = err->text,
		};
		peer_job_send_cancel(l, m.job);
		handle_failed_job(p, job, &fail);
		return 0;
	}
	if (!ret && job->kind == PEER_JOB_UNIT)
		l->shared->ops->on_output_received(l->ctx, job->number);
	return ret;
}

static int on_fail(struct peer *p, struct bytes body, struct err *err)
{
	struct wire_fail m;
	struct peer_job *job;

	if (wire_fail_decode_at(&m, body, p->conn.version))
		return err_set(err, EPROTO, "malformed FAIL");
	job = peer_job_find(&p->conn, m.job);
	if (job)
		handle_failed_job(p, job, &m);
	wire_fail_release(&m);
	return 0;
}

/* ------------------------------------------------------- sandboxes */

static struct peer_sandbox *find_sandbox(const struct peer_sandboxes *all,
					 uint32_t id)
{
	struct peer_sandbox *sandbox;

	list_for_each(sandbox, &all->list, list_entry) {
		if (sandbox->input_sync.updates.number == id)
			return sandbox;
	}
	return NULL;
}

static int on_have(struct peer *p, struct bytes body, struct err *err)
{
	const struct peer_conn *l = &p->conn;
	struct peer_sandbox *sandbox = NULL;
	uint64_t need_us = p->bandwidth.need_us, took;
	struct wire_have m;

	if (wire_have_decode_at(&m, body, p->conn.version))
		return err_set(err, EPROTO, "malformed HAVE");
	if (bandwidth_is_number(&p->bandwidth, m.cell)) {
		/* `took` is 0 if the node never sent NEED. */
		took = need_us ? clock_us() - need_us : 0;
		bandwidth_stop(&p->bandwidth);
		l->shared->ops->on_bandwidth_measured(
			l->ctx, need_us && !took ? 1 : took);
	} else if (peer_bundle_upload_is_number(&p->native.upload, m.cell)) {
		peer_native_toolchain_handle_have(&p->native, &m);
	} else {
		sandbox = find_sandbox(&p->sandboxes, m.cell);
		if (sandbox && !peer_sandbox_handle_have(sandbox, &m))
			sandbox = NULL;
	}
	wire_have_release(&m);
	if (sandbox)
		peer_native_toolchain_handle_sandbox(&p->native, sandbox);
	peer_shared_wake(p->conn.shared);
	return 0;
}

static int on_need(struct peer *p, struct bytes body, struct err *err)
{
	struct peer_bundle_upload *bundle = &p->native.upload;
	struct peer_bandwidth *r = &p->bandwidth;
	struct peer_input_updates *updates = NULL;
	struct peer_sandbox *sandbox;
	struct wire_need m;
	int ret = 0;

	if (wire_need_decode_at(&m, body, p->conn.version))
		return err_set(err, EPROTO, "malformed NEED");
	sandbox = find_sandbox(&p->sandboxes, m.cell);
	if (bandwidth_is_number(r, m.cell)) {
		updates = &r->updates;
		if (m.n_indices && !r->need_us)
			r->need_us = clock_us();
	} else if (peer_bundle_upload_is_number(bundle, m.cell)) {
		updates = &bundle->updates;
	} else if (sandbox) {
		/*
		 * Send the blobs even if the sandbox has closed: the node
		 * requests each blob once, and another sandbox may need it.
		 */
		updates = &sandbox->input_sync.updates;
		if (m.n_indices &&
		    m.view <= sandbox->input_sync.toolchain_update)
			sandbox->blobs_missing = true;
	}
	if (updates)
		ret = peer_input_updates_handle_need(updates, &m, &p->conn,
						     err);
	wire_need_release(&m);
	/*
	 * Each job causes a NEED, so avoid a wakeup if possible: a NEED of a
	 * READY sandbox changes no state that peer_advance() examines.
	 */
	if (!sandbox || sandbox->state != PEER_SANDBOX_READY)
		peer_shared_wake(p->conn.shared);
	return ret;
}

void peer_advance(struct peer *p)
{
	struct peer_conn *l = &p->conn;
	const struct peer_shared *shared = l->shared;
	struct peer_canary_result outcome;
	struct peer_sandbox *sandbox, *next;

	if (p->state != PEER_UP)
		return;
	if (p->native.list_changed) {
		p->n_requested = 0;
		peer_native_toolchain_confirm(&p->native, &p->sandboxes);
	}
	p->native.list_changed = false;
	while (p->n_requested < shared->n_toolchains) {
		struct inputs_toolchain *tc =
			shared->toolchains[p->n_requested];

		if (tc->state == INPUTS_STATE_UNVERIFIED)
			break;
		p->n_requested++;
		if (tc->state == INPUTS_STATE_READY &&
		    !peer_sandbox_find(&p->sandboxes, tc))
			peer_native_toolchain_request(&p->native, &p->sandboxes,
						      tc);
	}
	list_for_each_safe(sandbox, &p->sandboxes.list, list_entry, next) {
		if (l->n_jobs < p->limit.slots &&
		    peer_canary_advance(sandbox, &outcome))
			peer_native_toolchain_handle_canary(&p->native, sandbox,
							    &outcome);
	}

	/* Report what has changed since the last call. */
	while (p->n_reported < shared->n_toolchains)
		*VEC_ADD(p->reported, p->n_reported) = PEER_TOOLCHAIN_NONE;
	for (size_t i = 0; i < p->n_reported; i++) {
		enum peer_toolchain_state has = peer_toolchain_state(
			p, shared->toolchains[i]);

		if (has != p->reported[i])
			shared->ops->on_toolchain_changed(
				l->ctx, shared->toolchains[i], has);
		p->reported[i] = has;
	}
	if (l->n_test_jobs != p->reported_busy)
		shared->ops->on_busy_changed(l->ctx, l->n_test_jobs);
	p->reported_busy = l->n_test_jobs;
	if (p->native.upload_failed) {
		p->native.upload_failed = false;
		shared->ops->on_reconnect_needed(l->ctx);
	}
}

/* -------------------------------------------------------------- stream */

static int on_msg(void *ctx, uint16_t type, struct bytes body, struct err *err)
{
	struct peer *p = ctx;
	int ret = peer_conn_handle_message(&p->conn, type, body, err);

	if (ret <= 0)
		return ret;
	if (type == WIRE_FIT || type == WIRE_MACHINE)
		return on_fit(p);
	if (type == WIRE_BEAT)
		return on_beat(p, body, err);
	if (type == WIRE_HEALTH)
		return wire_health_decode_at(&p->health, body,
					     p->conn.version) ?
			       err_set(err, EPROTO, "malformed HEALTH") :
			       0;
	if (type == WIRE_RELAY)
		return on_relay(p, body, err);
	if (type == WIRE_LEASE)
		return on_lease(p, body, err);
	if (p->state != PEER_UP)
		return err_set(err, EPROTO,
			       "unexpected message from an unfit node");
	switch (type) {
	case WIRE_HAVE:
		return on_have(p, body, err);
	case WIRE_NEED:
		return on_need(p, body, err);
	case WIRE_HELD:
		return peer_native_toolchain_handle_held(&p->native, body, err);
	case WIRE_OUTPUT:
		return on_output(p, body, err);
	case WIRE_RESULT:
		return on_result(p, body, err);
	case WIRE_FAIL:
		return on_fail(p, body, err);
	case WIRE_VIA:
		return on_via(p, body, err);
	default:
		return err_set(err, EPROTO, "unexpected message of type %u",
			       type);
	}
}

static void on_close(void *ctx, const struct err *why)
{
	static const struct timeval exit_wait = { .tv_usec = EXIT_WAIT_US };
	struct peer *p = ctx;
	/*
	 * A node with another protocol version does not become compatible when
	 * it is dialed again.
	 */
	bool strange = p->conn.hello_received && !p->conn.fit_received &&
		       p->conn.version < 0;

	if (p->state == PEER_GREETING &&
	    peer_conn_await_exit(&p->conn, why->text)) {
		p->end_reason = xstrdup(why->text);
		event_add(p->hello_timer, &exit_wait);
		return;
	}
	on_lost(p, strange ? PEER_INCOMPATIBLE : PEER_DOWN, why->text);
}

static void on_drain(void *ctx)
{
	peer_blob_upload_resume(((struct peer *)ctx)->conn.upload);
}

/* Let on_hello_timer() check the working time of a node on the build host. */
static void set_greeting_timer(struct peer *p)
{
	unsigned ms = work_timer_wait_ms(&p->conn.greeting);
	struct timeval wait = { ms / 1000, ms % 1000 * 1000 };

	event_add(p->hello_timer, &wait);
}

static void on_hello_timer(evutil_socket_t fd, short what, void *arg)
{
	struct peer *p = arg;

	(void)fd;
	(void)what;
	if (!p->end_reason && p->conn.greeting.pid &&
	    !work_timer_has_expired(&p->conn.greeting)) {
		set_greeting_timer(p);
		return;
	}
	on_lost(arg, PEER_DOWN,
		p->end_reason ? p->end_reason : "session setup timed out");
}

/* -------------------------------------------------------- commands */

void peer_dial(struct peer *p)
{
	static const struct wire_stream_ops ops = { .on_msg = on_msg,
						    .on_close = on_close,
						    .on_drain = on_drain };
	static const time_t hello_s[] = {
		[NODE_ADDRESS_EXEC] = HELLO_TIMEOUT_S,
		[NODE_ADDRESS_UNIX] = HELLO_TIMEOUT_S,
		[NODE_ADDRESS_SSH] = SSH_HELLO_TIMEOUT_S,
		[NODE_ADDRESS_TLS] = TLS_HELLO_TIMEOUT_S,
	};
	const struct node_entry *entry = p->conn.entry;
	struct timeval limit = {
		.tv_sec = entry->pool ? NODE_POOL_START_MAX_S :
					hello_s[entry->address.kind]
	};
	struct err err;

	if (peer_conn_dial(&p->conn, &ops, p, &err)) {
		on_lost(p, PEER_DOWN, err.text);
		return;
	}
	p->state = PEER_GREETING;
	p->health = wire_health_unknown;
	p->sandboxes.n_lost = 0;
	event_add(p->hello_timer, &limit);
	if (p->conn.silence.pid)
		set_greeting_timer(p);
}

void peer_end_session(struct peer *p)
{
	struct buf body = { 0 };

	if (p->conn.stream) {
		wire_bye_encode(&body, "the build host reconnects");
		peer_conn_send(&p->conn, WIRE_BYE, &body, WIRE_PLAIN);
	}
	peer_disconnect(p);
}

bool peer_send_known_answer(struct peer *p)
{
	return p->state == PEER_UP &&
	       peer_canary_send_known_answer(&p->sandboxes);
}

bool peer_measure_bandwidth(struct peer *p, const struct inputs_entry *file)
{
	struct peer_bandwidth *r = &p->bandwidth;
	struct peer_conn *l = &p->conn;
	const struct compiler_entry driver = {
		.path = (char *)file->path->name,
		.kind = COMPILER_ENTRY_FILE,
		.executable = file->file_digest.executable,
		.size_bytes = file->file_digest.stamp.size,
		.mtime_ns = file->file_digest.stamp.mtime_ns,
		.digest = file->file_digest.digest,
	};
	struct wire_cell m = { .driver = driver.path };
	struct buf body = { 0 };

	bandwidth_stop(r);
	if (p->state != PEER_UP)
		return false;
	m.cell = l->next_number++;
	/* The toolchain consists of this file only. */
	if (compiler_manifest_id(&driver, 1, driver.path, false, &m.toolchain))
		return false;
	*r = (struct peer_bandwidth){
		.file = file,
		.conn = l,
		/*
		 * on_failed() is not necessary: if the file cannot be read, the
		 * node never sends HAVE, and the caller's time limit ends the
		 * measurement.
		 */
		.user = { .base_dir = "" },
	};
	peer_input_updates_init(&r->updates, m.cell, &r->user);
	wire_cell_encode_at(&body, &m, p->conn.version);
	peer_conn_send(l, WIRE_CELL, &body, WIRE_PLAIN);
	if (!peer_input_updates_send(&r->updates, l, &file, 1, true))
		return true;
	bandwidth_stop(r);
	return false;
}

int peer_send(struct peer *p, const struct inputs_toolchain *tc,
	      const struct peer_job_request *q, uint32_t *number)
{
	struct peer_job *job;
	int ret = peer_job_send(peer_sandbox_find(&p->sandboxes, tc),
				PEER_JOB_UNIT, q, &job);

	if (!ret)
		*number = job->number;
	return ret;
}

void peer_cancel(struct peer *p, uint32_t number)
{
	struct peer_job *job = peer_job_find(&p->conn, number);

	if (job)
		peer_job_cancel(&p->conn, job);
}

void peer_tick(struct peer *p, uint64_t now_ms)
{
	if (p->state != PEER_UP && p->state != PEER_UNFIT)
		return;
	if (work_timer_has_expired(&p->conn.silence)) {
		on_lost(p, PEER_DOWN, "silent for 5 s");
		return;
	}
	peer_blob_upload_retry(p->conn.upload);
	/* A benchmark records a refusal as its result, so do not retry. */
	if (!p->conn.shared->benchmark)
		peer_sandbox_retry_refused(&p->sandboxes, now_ms);
	peer_advance(p);
}

struct peer *peer_new(struct peer_shared *shared,
		      const struct node_entry *entry, void *ctx)
{
	struct peer *p = xcalloc(1, sizeof(*p));

	peer_conn_init(&p->conn, shared, entry, ctx);
	p->sandboxes.conn = &p->conn;
	TAILQ_INIT(&p->sandboxes.list);
	p->hello_timer = event_new(shared->base, -1, 0, on_hello_timer, p);
	if (!p->hello_timer)
		str_out_of_memory();
	p->lease = p->reported_lease = WIRE_LEASE_UNLIMITED;
	return p;
}

bool peer_is_ending(const struct peer *p)
{
	return peer_conn_is_ending(&p->conn);
}

void peer_set_entry(struct peer *p, const struct node_entry *entry)
{
	p->conn.entry = entry;
	p->conn.codec = entry->codec;
	if (p->state == PEER_UP)
		update_limit(p);
}

void peer_free(struct peer *p)
{
	peer_disconnect(p);
	event_free(p->hello_timer);
	peer_conn_release(&p->conn);
	for (size_t i = 0; i < p->n_excluded; i++)
		free(p->excluded[i].name);
	free(p->excluded);
	free(p->limit.reason);
	free(p->reported);
	free(p);
}

/* --------------------------------------------------------- queries */

enum peer_state peer_state(const struct peer *p)
{
	return p->state;
}

static bool is_sandbox_requested(const struct peer *p,
				 const struct inputs_toolchain *tc)
{
	for (size_t i = 0; i < p->n_requested; i++) {
		if (p->conn.shared->toolchains[i] == tc)
			return true;
	}
	return false;
}

enum peer_toolchain_state peer_toolchain_state(
	const struct peer *p, const struct inputs_toolchain *tc)
{
	if (p->state != PEER_UP)
		return PEER_TOOLCHAIN_NONE;
	if (!is_sandbox_requested(p, tc))
		return PEER_TOOLCHAIN_REQUESTED;
	return peer_native_toolchain_get_state(&p->native, &p->sandboxes, tc);
}

bool peer_can_run_step(const struct peer *p, const struct inputs_toolchain *tc,
		       enum wire_step_kind kind, const char **host)
{
	const struct wire_hello *hello = &p->conn.hello;
	const struct peer_sandbox *sandbox;
	const struct wire_step step = { .kind = (uint8_t)kind };
	struct utsname here;

	if (peer_toolchain_state(p, tc) != PEER_TOOLCHAIN_READY)
		return false;
	*host = NULL;
	sandbox = peer_sandbox_find(&p->sandboxes, tc);
	if (!wire_type_name(WIRE_STEP, p->conn.version) ||
	    wire_find_unsupported(&wire_step_layout, &step, p->conn.version))
		return false;
	if (!sandbox->native_name)
		return !uname(&here) &&
		       !strcmp(hello->inventory.machine, here.machine);
	for (size_t i = 0; i < p->native.n_entries && !*host; i++) {
		if (!strcmp(p->native.entries[i].id, sandbox->native_name))
			*host = p->native.entries[i].host;
	}
	return *host && kind == WIRE_STEP_SYMBOLS;
}

unsigned peer_slots(const struct peer *p)
{
	return p->limit.slots;
}

unsigned peer_lease(const struct peer *p)
{
	return p->lease;
}

const char *peer_boot_id(const struct peer *p)
{
	return p->conn.has_hello ? p->conn.hello.inventory.boot_id : NULL;
}

/*
 * Return true if the node can use none of the toolchains.  *why becomes the
 * latest reason, or NULL.
 */
static bool is_toolchain_missing(const struct peer *p, const char **why)
{
	const struct peer_sandbox *sandbox = TAILQ_FIRST(&p->sandboxes.list);

	*why = sandbox && sandbox->detail ? sandbox->detail :
					    p->native.missing_reason;
	if (!sandbox)
		return p->native.missing_reason;
	list_for_each(sandbox, &p->sandboxes.list, list_entry) {
		if (sandbox->state == PEER_SANDBOX_READY || !sandbox->detail)
			return false;
	}
	return true;
}

void peer_stats(const struct peer *p, struct peer_stats *out)
{
	const struct peer_conn *l = &p->conn;

	*out = (struct peer_stats){
		.inventory = l->has_hello ? &l->hello.inventory : NULL,
		.machine = &l->machine,
		.software = l->has_hello ? l->hello.software : NULL,
		.members = p->member_list,
		.layers = l->fit_received ? l->fit.layers : NULL,
		.cpu_ms = p->cpu_ms,
		.health = &p->health,
		.heat = &l->heat,
		.can_pin_jobs = l->machine_received &&
				wire_type_name(WIRE_PIN, l->version),
		.sent_bytes = l->prior_sent_bytes,
		.received_bytes = l->prior_received_bytes,
	};
	if (p->state == PEER_UP)
		out->toolchain_missing = is_toolchain_missing(
			p, &out->missing_reason);
	if (l->stream) {
		out->sent_bytes += wire_stream_sent_bytes(l->stream);
		out->received_bytes += wire_stream_received_bytes(l->stream);
	}
}
