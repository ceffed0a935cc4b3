/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One event loop drives all nodes.  Peer callbacks only record what happened
 * and wake the loop; on_kick() and on_tick() then advance every node
 * (admin_test_stage_advance()).  A stage ends with its result or with one of
 * the timeouts below.
 *
 * Two stages wait for all nodes.  The upload of the compiler starts after the
 * bandwidth of every node is measured, because the upload occupies the link of
 * the build host.  The burn-in starts on all nodes at once, after every node is
 * ready.
 */
#include "admin/node-test.h"

#include "admin/burn-in.h"
#include "admin/test-state.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "inputs/toolchain.h"
#include "node/duplicates.h"
#include "node/limits.h"
#include "peer/canary-db.h"
#include "store/packed-cache.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define FAST_TRANSFER_US        50000
#define BANDWIDTH_TIMEOUT_MS    8000 /* per file */
#define UPLOAD_STALL_MS         15000 /* per UPLOAD_PROGRESS_BYTES */
#define UPLOAD_PROGRESS_BYTES   (64u << 10)
#define UPLOAD_TIMEOUT_MS       600000 /* for the whole upload */
#define RESULT_TIMEOUT_MS       75000 /* more than a unit's deadline */
#define CANARY_TIMEOUT_MS       300000 /* for all units, on a busy node */
#define KNOWN_ANSWER_TIMEOUT_MS 15000
#define REDIAL_MS               2000
#define TICK_MS                 200
#define THREADS                 2

/*
 * Enter a stage, and wake the loop, because other nodes may wait for this node.
 */
static void enter_test_stage(struct admin_test_state_node *n,
			     enum admin_node_test_stage stage)
{
	n->stage = stage;
	n->progress_ms = clock_ms();
	n->trial->test->stages[n - n->trial->nodes] = stage;
	peer_shared_wake(&n->trial->shared);
}

/* Return true if every node is in this stage or a later one. */
static bool have_all_reached(const struct admin_test_state *t,
			     enum admin_node_test_stage stage)
{
	for (size_t i = 0; i < t->n_nodes; i++) {
		if (t->nodes[i].stage < stage)
			return false;
	}
	return true;
}

/* ------------------------------------------------------------ bandwidth */

/*
 * Write a file of random bytes, register it and return its entry.  Returns NULL
 * on failure.  Random bytes cannot be compressed, so about `size` bytes are
 * sent.
 */
static const struct inputs_entry *write_random_file(
	const struct admin_test_state_node *n, size_t size)
{
	struct admin_test_state *t = n->trial;
	char *path = xasprintf("%s/random-%zu-%u", t->test->work_dir,
			       (size_t)(n - t->nodes), n->n_measured);
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
		entry = peer_shared_add_source(&t->shared, real,
					       bytes_of(bytes, size));
	free(real);
	free(bytes);
	free(path);
	return entry;
}

/* End the stage with or without a result, so that the next node is measured. */
static void finish_bandwidth_stage(struct admin_test_state_node *n)
{
	struct peer_stats stats;

	/*
	 * A relay acknowledges a file only after its members have received the
	 * file, so the time does not measure the link between the build host
	 * and the relay.
	 */
	peer_stats(n->peer, &stats);
	if (stats.members)
		n->result->bandwidth = ADMIN_NODE_TEST_BANDWIDTH_UNTESTED;
	n->trial->measured_node = NULL;
	n->measuring = false;
	for (unsigned i = 0; i < 2; i++) {
		char *path = xasprintf("%s/random-%zu-%u",
				       n->trial->test->work_dir,
				       (size_t)(n - n->trial->nodes), i);

		unlink(path);
		free(path);
	}
	enter_test_stage(n, ADMIN_NODE_TEST_STAGE_COMPILER);
}

/* Measure one node at a time: all nodes share the link of the build host. */
static void advance_bandwidth(struct admin_test_state_node *n, uint64_t now)
{
	struct admin_test_state *t = n->trial;
	/*
	 * The result is final if the transfer of the first file was slow or
	 * failed, or if the transfer of the second file has ended.
	 */
	bool known = n->n_measured > 1 ||
		     (n->n_measured &&
		      n->result->bits_per_s < ADMIN_TEST_STATE_SMALL_BYTES *
						      8ull * 1000000 /
						      FAST_TRANSFER_US);

	if (!t->measured_node || (t->measured_node == n && !n->measuring)) {
		if (!known) {
			const struct inputs_entry *file = write_random_file(
				n, n->n_measured ?
					   ADMIN_TEST_STATE_LARGE_BYTES :
					   ADMIN_TEST_STATE_SMALL_BYTES);

			t->measured_node = n;
			n->progress_ms = clock_ms();
			n->measuring = file &&
				       peer_measure_bandwidth(n->peer, file);
		}
		if (known || !n->measuring)
			finish_bandwidth_stage(n);
	} else if (t->measured_node == n &&
		   now > n->progress_ms + BANDWIDTH_TIMEOUT_MS) {
		if (n->result->bandwidth ==
		    ADMIN_NODE_TEST_BANDWIDTH_UNTESTED) {
			n->result->bandwidth =
				ADMIN_NODE_TEST_BANDWIDTH_TIMEOUT;
			n->result->bits_per_s = ADMIN_TEST_STATE_SMALL_BYTES *
						8ull * 1000 /
						BANDWIDTH_TIMEOUT_MS;
		}
		finish_bandwidth_stage(n);
	}
}

/* ------------------------------------------------------------- compiler */

/*
 * End the test of a node that cannot get the compiler, because the later stages
 * need the compiler.
 */
static void set_compiler_missing(struct admin_test_state_node *n,
				 const char *why)
{
	free(n->result->missing_reason);
	n->result->missing_reason = xstrdup(why);
	enter_test_stage(n, ADMIN_NODE_TEST_STAGE_FINISHED);
}

/* The upload waits until the bandwidth of all nodes is measured. */
static void advance_compiler(struct admin_test_state_node *n, uint64_t now)
{
	struct admin_test_state *t = n->trial;
	struct peer_stats figures;

	if (t->test->compiler_error) {
		enter_test_stage(n, ADMIN_NODE_TEST_STAGE_FINISHED);
		return;
	}
	if (!t->tc || t->tc->state == INPUTS_STATE_UNKNOWN ||
	    !have_all_reached(t, ADMIN_NODE_TEST_STAGE_COMPILER)) {
		n->progress_ms = now;
		return;
	}
	if (!t->compiler_added)
		peer_shared_add_toolchain(&t->shared, t->tc);
	t->compiler_added = true;
	peer_stats(n->peer, &figures);
	if (peer_toolchain_state(n->peer, t->tc) == PEER_TOOLCHAIN_READY) {
		n->result->has_compiler = true;
		enter_test_stage(n, ADMIN_NODE_TEST_STAGE_CANARY);
		return;
	}
	if (figures.toolchain_missing) {
		set_compiler_missing(
			n, figures.missing_reason ?
				   figures.missing_reason :
				   "no build of the compiler for this node");
		return;
	}

	/*
	 * Abandon the test of the compiler if its upload stalls or takes too
	 * long.
	 */
	if (!n->compiler_start_ms)
		n->compiler_start_ms = now;
	/*
	 * Fewer than UPLOAD_PROGRESS_BYTES are not progress, so that an upload
	 * to a node that reads only a few bytes at a time counts as stalled.
	 */
	if (figures.sent_bytes >= n->sent_bytes + UPLOAD_PROGRESS_BYTES) {
		n->sent_bytes = figures.sent_bytes;
		n->progress_ms = now;
	}
	if (now > n->compiler_start_ms + UPLOAD_TIMEOUT_MS)
		set_compiler_missing(n,
				     "compiler upload not finished within 10 "
				     "minutes");
	else if (now > n->progress_ms + UPLOAD_STALL_MS)
		set_compiler_missing(n, "compiler upload stalled for 15 s");
}

/* ---------------------------------------------------------- known answers */

/*
 * Cancel all units in flight on a node, and count them as failed.  This is for
 * a node that returns no results in time although it still sends heartbeats.
 */
static void fail_pending_units(struct admin_test_state_node *n,
			       struct admin_node_test_count *c, const char *why)
{
	admin_burn_in_record_error(n, c, NULL, why);
	admin_burn_in_fail_jobs(n, why);
	/* The timeout of the next units starts now. */
	n->progress_ms = clock_ms();
}

/*
 * Compile each unit of the canary once.  The correct results are known, because
 * the build host has compiled the units before.  If no canary could be made,
 * the node continues with the known-answer test.
 */
static void advance_canary_stage(struct admin_test_state_node *n, uint64_t now)
{
	struct admin_test_state *t = n->trial;

	if (!t->canary)
		t->canary = peer_canary_get(&t->shared, t->tc);
	if (t->canary->state == INPUTS_STATE_UNKNOWN) {
		n->progress_ms = now;
	} else if (t->canary->state != INPUTS_STATE_READY ||
		   !n->result->has_compiler) {
		enter_test_stage(n, ADMIN_NODE_TEST_STAGE_KNOWN_ANSWER);
	} else if (!admin_burn_in_send_units(n, t->canary, n->result->slots,
					     false)) {
		n->next_unit = 0;
		enter_test_stage(n, ADMIN_NODE_TEST_STAGE_KNOWN_ANSWER);
	} else if (now > n->progress_ms + RESULT_TIMEOUT_MS) {
		fail_pending_units(n, &n->result->canary,
				   "no result within 75 s");
		n->next_unit = t->canary->n_units;
	} else if (!n->canary_start_ms) {
		n->canary_start_ms = now;
	} else if (now > n->canary_start_ms + CANARY_TIMEOUT_MS) {
		/* Without this limit, a busy node would block the test. */
		fail_pending_units(n, &n->result->canary,
				   "not all results within 300 s");
		n->next_unit = t->canary->n_units;
	}
}

static void finish_known_answer_stage(struct admin_test_state_node *n)
{
	n->known_answer_sent = false;
	enter_test_stage(n, n->trial->test->burn_in_ms ?
				    ADMIN_NODE_TEST_STAGE_READY :
				    ADMIN_NODE_TEST_STAGE_FINISHED);
}

/* The test starts after the reference object is compiled locally. */
static void advance_known_answer(struct admin_test_state_node *n, uint64_t now)
{
	const struct admin_test_state *t = n->trial;
	struct admin_node_test_count *c = &n->result->known_answer;

	if (c->n_right || c->n_wrong || c->n_failed ||
	    t->reference->state == INPUTS_STATE_UNUSABLE) {
		finish_known_answer_stage(n);
	} else if (n->known_answer_sent &&
		   now > n->progress_ms + KNOWN_ANSWER_TIMEOUT_MS) {
		c->n_failed++;
		admin_burn_in_record_error(n, c, NULL, "no result within 15 s");
		finish_known_answer_stage(n);
	} else if (!n->known_answer_sent &&
		   t->reference->state == INPUTS_STATE_READY) {
		n->progress_ms = now;
		n->known_answer_sent = peer_send_known_answer(n->peer);
		c->n_sent += n->known_answer_sent;
		if (!n->known_answer_sent)
			finish_known_answer_stage(n);
	}
}

/* --------------------------------------------------------------- burn-in */

/*
 * The burn-in starts on all nodes at once, after its sources are compiled
 * locally.
 */
static void advance_ready_stage(struct admin_test_state_node *n, uint64_t now)
{
	struct admin_test_state *t = n->trial;
	size_t sources;

	if (!t->burn_in)
		t->burn_in = peer_canary_get_burn_in(&t->shared, t->tc);
	peer_canary_db_burn_sources(&sources);
	t->test->n_sources = (unsigned)sources;
	t->test->n_sources_done = atomic_load(&t->burn_in->n_compiled);
	if (t->burn_in->state == INPUTS_STATE_UNKNOWN ||
	    !have_all_reached(t, ADMIN_NODE_TEST_STAGE_READY))
		return;
	if (t->burn_in->state == INPUTS_STATE_UNUSABLE) {
		if (!t->test->compiler_error)
			t->test->compiler_error = xstrdup(t->burn_in->error);
		enter_test_stage(n, ADMIN_NODE_TEST_STAGE_FINISHED);
		return;
	}
	if (!t->burn_in_start_ms)
		t->burn_in_start_ms = now;
	n->next_unit = (size_t)(n - t->nodes) % t->burn_in->n_units;
	enter_test_stage(n, ADMIN_NODE_TEST_STAGE_BURN_IN);
}

static void advance_burn_in(struct admin_test_state_node *n, uint64_t now)
{
	const struct admin_test_state *t = n->trial;

	if (now - t->burn_in_start_ms >= t->test->burn_in_ms) {
		admin_burn_in_drop_jobs(n, true);
		enter_test_stage(n, ADMIN_NODE_TEST_STAGE_FINISHED);
		return;
	}
	if (peer_state(n->peer) == PEER_DOWN && n->redial_ms &&
	    now > n->redial_ms + REDIAL_MS) {
		n->dialled_ms = now;
		peer_dial(n->peer);
	}
	if (peer_state(n->peer) == PEER_UP &&
	    peer_toolchain_state(n->peer, t->tc) == PEER_TOOLCHAIN_READY) {
		admin_burn_in_send_units(n, t->burn_in, n->result->slots, true);
		if (now > n->progress_ms + RESULT_TIMEOUT_MS)
			fail_pending_units(n, &n->result->burn_in,
					   "no result within 75 s");
	} else {
		/* Without a sandbox, no results are due from the node. */
		n->progress_ms = now;
	}
}

/* ---------------------------------------------------------------- stages */

void admin_test_stage_advance(struct admin_test_state *t, uint64_t now_ms)
{
	if (t->burn_in_start_ms)
		t->test->burn_in_elapsed_ms = now_ms - t->burn_in_start_ms;
	for (size_t i = 0; i < t->n_nodes; i++) {
		struct admin_test_state_node *n = &t->nodes[i];

		peer_advance(n->peer);
		switch (n->stage) {
		case ADMIN_NODE_TEST_STAGE_BANDWIDTH:
			advance_bandwidth(n, now_ms);
			break;
		case ADMIN_NODE_TEST_STAGE_COMPILER:
			advance_compiler(n, now_ms);
			break;
		case ADMIN_NODE_TEST_STAGE_CANARY:
			advance_canary_stage(n, now_ms);
			break;
		case ADMIN_NODE_TEST_STAGE_KNOWN_ANSWER:
			advance_known_answer(n, now_ms);
			break;
		case ADMIN_NODE_TEST_STAGE_READY:
			advance_ready_stage(n, now_ms);
			break;
		case ADMIN_NODE_TEST_STAGE_BURN_IN:
			advance_burn_in(n, now_ms);
			break;
		case ADMIN_NODE_TEST_STAGE_HELLO:
		case ADMIN_NODE_TEST_STAGE_FINISHED:
			break;
		}
	}
}

void admin_node_test_result_init(struct admin_node_test_result *n,
				 const struct node_entry *entry)
{
	*n = (struct admin_node_test_result){
		.entry = entry,
		.max_mk = WIRE_HEALTH_UNKNOWN,
		.min_speed_milli = WIRE_HEALTH_UNKNOWN
	};
}

void admin_node_test_result_release(struct admin_node_test_result *n)
{
	free(n->error);
	free(n->software);
	free(n->layers);
	free(n->machine);
	free(n->boot_id);
	free(n->macs);
	free(n->duplicate_text);
	free(n->missing_reason);
	free(n->class_text);
	free(n->canary.first_error);
	free(n->known_answer.first_error);
	free(n->burn_in.first_error);
	free(n->lost_reason);
	for (unsigned i = 0; i < n->n_classes; i++) {
		free(n->class_results[i].name);
		free(n->class_results[i].burn_in.first_error);
	}
	for (unsigned i = 0; i < n->n_zones; i++)
		free(n->zones[i].name);
	free(n->class_results);
	free(n->zones);
	*n = (struct admin_node_test_result){ .entry = n->entry };
}

unsigned admin_node_test_count_classes(const struct admin_node_test_result *n)
{
	unsigned tried = 0;

	for (unsigned i = 0; i < n->n_classes; i++)
		tried += n->class_results[i].n_cpus != 0;
	return tried;
}

/* -------------------------------------------------------- node callbacks */

static void replace_test_text(char **at, const char *text)
{
	free(*at);
	*at = text ? xstrdup(text) : NULL;
}

static void on_wake(void *ctx)
{
	struct admin_test_state *t = ctx;

	event_active(t->kick, EV_TIMEOUT, 0);
}

/* Describe the usable CPUs of each class. */
static char *describe_classes(const struct wire_machine *m)
{
	struct strv words = { 0 };
	char *text;

	for (size_t i = 0; i < m->n_classes; i++) {
		const struct wire_core_class *c = &m->classes[i];
		const char *model = *c->model ? c->model : "CPU";

		if (c->n_usable && c->max_khz)
			strv_addf(&words, "%u %s at %u MHz", c->n_usable, model,
				  c->max_khz / 1000);
		else if (c->n_usable)
			strv_addf(&words, "%u %s", c->n_usable, model);
	}
	text = words.n ? strv_join(&words, ", ") : NULL;
	strv_release(&words);
	return text;
}

/* Record the properties that a node reports when it becomes UP or UNFIT. */
static void record_hello(struct admin_test_state_node *n)
{
	struct admin_node_test_result *is = n->result;
	const struct wire_inventory *inv;
	const struct wire_machine *m;
	struct peer_stats figures;
	struct timespec now;

	peer_stats(n->peer, &figures);
	m = figures.machine;
	inv = figures.inventory;
	if (is->boot_id && !str_equal(is->boot_id, inv->boot_id))
		is->n_restarts++;
	replace_test_text(&is->boot_id, inv->boot_id);
	admin_burn_heat_init_classes(n, &figures);
	if (is->up)
		return;
	is->up = true;
	is->rtt_ms = (unsigned)(clock_ms() - n->dialled_ms);
	is->cores = inv->cores;
	is->slots = peer_slots(n->peer);
	replace_test_text(&is->software, figures.software);
	replace_test_text(&is->machine, inv->machine);
	replace_test_text(&is->layers, figures.layers);

	clock_gettime(CLOCK_REALTIME, &now);
	free(is->class_text);
	is->class_text = describe_classes(m);
	is->machine_id = m->machine_id;
	free(is->macs);
	is->n_macs = m->n_macs;
	is->macs = xcalloc(m->n_macs + 1, sizeof(*is->macs));
	for (size_t i = 0; i < m->n_macs; i++)
		is->macs[i] = m->macs[i];
	is->has_clock = m->clock_ms != 0;
	is->clock_offset_ms = (int64_t)m->clock_ms -
			      (int64_t)now.tv_sec * 1000 -
			      now.tv_nsec / 1000000;
	is->has_free = m->model && m->health.store_mib != WIRE_HEALTH_UNKNOWN;
	is->free_mib = m->health.store_mib;
}

/*
 * The loss of a node ends its test, except during the burn-in: then the loss is
 * recorded as a result, and the node is dialed again.
 */
static void on_node_lost(struct admin_test_state_node *n, const char *why)
{
	admin_burn_in_drop_jobs(n, false);
	if (n->trial->measured_node == n)
		n->trial->measured_node = NULL;
	if (n->stage == ADMIN_NODE_TEST_STAGE_BURN_IN) {
		/* A failed dial is not another lost connection. */
		if (!n->redial_ms) {
			n->result->n_lost++;
			replace_test_text(&n->result->lost_reason, why);
		}
		n->redial_ms = clock_ms();
		/* The time of the outage is not throttled time. */
		n->health_ms = 0;
		return;
	}
	if (n->stage == ADMIN_NODE_TEST_STAGE_HELLO) {
		replace_test_text(&n->result->error, why);
	} else if (n->stage != ADMIN_NODE_TEST_STAGE_FINISHED) {
		n->result->lost_stage = n->stage;
		replace_test_text(&n->result->lost_reason, why);
	}
	enter_test_stage(n, ADMIN_NODE_TEST_STAGE_FINISHED);
}

static void on_state(void *ctx, enum peer_state state, const char *why)
{
	struct admin_test_state_node *n = ctx;

	if (state == PEER_UP || state == PEER_UNFIT)
		record_hello(n);
	if (state == PEER_UP)
		n->redial_ms = 0;
	if (state == PEER_UP && n->stage == ADMIN_NODE_TEST_STAGE_HELLO) {
		n->result->fit = true;
		enter_test_stage(n, ADMIN_NODE_TEST_STAGE_BANDWIDTH);
	} else if (state == PEER_UNFIT) {
		n->result->fit = false;
		replace_test_text(&n->result->error, why);
		enter_test_stage(n, ADMIN_NODE_TEST_STAGE_FINISHED);
	} else if (state == PEER_DOWN || state == PEER_INCOMPATIBLE) {
		n->result->incompatible = state == PEER_INCOMPATIBLE;
		on_node_lost(n, why);
	}
}

static void on_known_answer_checked(void *ctx, enum peer_known_answer is,
				    const char *why)
{
	struct admin_test_state_node *n = ctx;
	struct admin_node_test_count *c = &n->result->known_answer;

	if (!n->known_answer_sent)
		return;
	c->n_right += is == PEER_KNOWN_ANSWER_RIGHT;
	c->n_wrong += is == PEER_KNOWN_ANSWER_WRONG;
	c->n_failed += is == PEER_KNOWN_ANSWER_FAILED ||
		       is == PEER_KNOWN_ANSWER_BUSY;
	if (is != PEER_KNOWN_ANSWER_RIGHT)
		admin_burn_in_record_error(n, c, NULL, why);
	peer_shared_wake(&n->trial->shared);
}

/* `us` is the time of the transfer; 0: the transfer failed. */
static void on_measured(void *ctx, uint64_t us)
{
	struct admin_test_state_node *n = ctx;
	uint64_t bytes = n->n_measured ? ADMIN_TEST_STATE_LARGE_BYTES :
					 ADMIN_TEST_STATE_SMALL_BYTES;

	n->measuring = false;
	n->n_measured++;
	if (us) {
		n->result->bandwidth = ADMIN_NODE_TEST_BANDWIDTH_MEASURED;
		n->result->bits_per_s = bytes * 8 * 1000000 / us;
	}
	peer_shared_wake(&n->trial->shared);
}

static void on_load(void *ctx)
{
	struct admin_test_state_node *n = ctx;
	struct peer_stats figures;

	peer_stats(n->peer, &figures);
	admin_burn_heat_record(n, &figures, clock_ms());
}

static void on_job_finished(void *ctx, uint32_t job,
			    struct peer_job_result *answer)
{
	admin_burn_in_handle_result(ctx, job, answer);
}

static void on_failed(void *ctx, const struct wire_fail *m)
{
	admin_burn_in_handle_failure(ctx, m->job, m->class, m->reason);
}

/*
 * The compiler's files changed, so the sandbox was closed and its jobs were
 * cancelled.
 */
static void on_sandbox_stale(void *ctx, struct inputs_toolchain *tc)
{
	(void)tc;
	admin_burn_in_drop_jobs(ctx, false);
}

static void on_busy(void *ctx, unsigned n)
{
	(void)ctx;
	(void)n;
}

static void on_toolchain_changed(void *ctx, struct inputs_toolchain *tc,
				 enum peer_toolchain_state has)
{
	const struct admin_test_state_node *n = ctx;

	(void)tc;
	(void)has;
	peer_shared_wake(&n->trial->shared);
}

static void on_reconnect_needed(void *ctx)
{
	(void)ctx;
}

static void on_event(void *ctx, const struct inputs_toolchain *tc,
		     const char *reason)
{
	(void)ctx;
	(void)tc;
	(void)reason;
}

static void on_beat(void *ctx, uint32_t job, uint32_t cpu_ms)
{
	(void)ctx;
	(void)job;
	(void)cpu_ms;
}

static void on_output(void *ctx, uint32_t job)
{
	(void)ctx;
	(void)job;
}

const struct peer_ops admin_test_state_ops = {
	.on_wake_requested = on_wake,
	.on_state_changed = on_state,
	.on_busy_changed = on_busy,
	.on_toolchain_changed = on_toolchain_changed,
	.on_sandbox_stale = on_sandbox_stale,
	.on_reconnect_needed = on_reconnect_needed,
	.on_notice_received = on_event,
	.on_known_answer_checked = on_known_answer_checked,
	.on_bandwidth_measured = on_measured,
	.on_load_received = on_load,
	.on_heartbeat_received = on_beat,
	.on_output_received = on_output,
	.on_job_finished = on_job_finished,
	.on_job_failed = on_failed,
};

/* ------------------------------------------------------------------ loop */

static void advance_node_test(struct admin_test_state *t)
{
	admin_test_stage_advance(t, clock_ms());
	if (have_all_reached(t, ADMIN_NODE_TEST_STAGE_FINISHED))
		event_base_loopbreak(t->shared.base);
}

static void on_kick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	advance_node_test(arg);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct admin_test_state *t = arg;
	uint64_t now = clock_ms();

	(void)fd;
	(void)what;
	if (t->test->cancel && atomic_load(t->test->cancel)) {
		t->test->cancelled = true;
		event_base_loopbreak(t->shared.base);
		return;
	}
	if (t->tc)
		inputs_reference_object_kill_stalled(t->tc);
	for (size_t i = 0; i < t->n_nodes; i++)
		peer_tick(t->nodes[i].peer, now);
	advance_node_test(t);
	if (t->test->on_progress)
		t->test->on_progress(t->test->ctx);
}

/* Start the compile of the reference object once the compiler is identified. */
static void on_toolchain(void *ctx, struct inputs_toolchain *tc,
			 enum inputs_state was)
{
	struct admin_test_state *t = ctx;
	struct options_command command;
	char *argv[] = { tc->driver, (char *)"-c", (char *)"x.c", NULL };

	if (was != INPUTS_STATE_UNKNOWN)
		return;
	if (tc->state == INPUTS_STATE_READY) {
		options_command_parse(&command, argv);
		t->reference = inputs_reference_object_get(tc, &command);
		options_command_release(&command);
	} else {
		t->test->compiler_error = xstrdup(tc->err.text);
	}
	event_active(t->kick, EV_TIMEOUT, 0);
}

static void on_reference(void *ctx, struct inputs_reference_object *ref)
{
	struct admin_test_state *t = ctx;

	(void)ref;
	event_active(t->kick, EV_TIMEOUT, 0);
}

/* ------------------------------------------------- set-up and clean-up */

static struct event *new_test_event(struct admin_test_state *t, short what,
				    event_callback_fn fn)
{
	struct event *ev = event_new(t->shared.base, -1, what, fn, t);

	if (!ev)
		str_out_of_memory();
	return ev;
}

static void start_node_test(struct admin_test_state *t)
{
	static const struct timeval tick = { .tv_usec = TICK_MS * 1000 };
	struct peer_shared *shared = &t->shared;

	t->kick = new_test_event(t, 0, on_kick);
	t->tick = new_test_event(t, EV_PERSIST, on_tick);
	event_add(t->tick, &tick);

	t->codec = WIRE_ZSTD;
	*shared = (struct peer_shared){
		.base = shared->base,
		.children = children_new(shared->base),
		.pool = pool_new(shared->base, THREADS),
		.packed = peer_blob_upload_new_cache(&t->codec),
		.paths = inputs_paths_new(),
		.work_dir = t->test->work_dir,
		.canary_db = t->test->canary_db,
		.data_dir = t->test->data_dir,
		.ops = &admin_test_state_ops,
		.ctx = t,
	};
	TAILQ_INIT(&shared->canaries);
	t->toolchains = (struct inputs_toolchains){
		.event_base = shared->base,
		.children = shared->children,
		.paths = shared->paths,
		.work_dir = t->test->work_dir,
		.on_state_changed = on_toolchain,
		.on_reference_made = on_reference,
		.ctx = t,
	};
	inputs_toolchains_init(&t->toolchains, NULL);
	t->tc = inputs_toolchain_get(&t->toolchains, t->test->driver,
				     t->test->env);

	t->n_nodes = t->test->n_nodes;
	t->nodes = xcalloc(t->n_nodes + 1, sizeof(*t->nodes));
	t->test->stages = xcalloc(t->n_nodes + 1, sizeof(*t->test->stages));
	for (size_t i = 0; i < t->n_nodes; i++) {
		struct admin_test_state_node *n = &t->nodes[i];

		n->trial = t;
		n->result = &t->test->nodes[i];
		n->dialled_ms = clock_ms();
		n->peer = peer_new(&t->shared, n->result->entry, n);
	}
	for (size_t i = 0; i < t->n_nodes; i++)
		peer_dial(t->nodes[i].peer);
	event_active(t->kick, EV_TIMEOUT, 0);
}

/* Free the peers first, because they use everything else. */
static void finish_node_test(struct admin_test_state *t)
{
	bool has_members = false;

	for (size_t i = 0; i < t->n_nodes; i++) {
		admin_burn_in_drop_jobs(&t->nodes[i], true);
		has_members |= t->nodes[i].result->entry->pool != NULL;
		peer_free(t->nodes[i].peer);
		free(t->nodes[i].jobs);
	}
	pool_free(t->shared.pool);
	peer_canary_free_all(&t->shared);
	inputs_toolchains_release(&t->toolchains);
	peer_shared_wait_for_commands(&t->shared, has_members);
	children_free(t->shared.children);
	store_packed_cache_free(t->shared.packed);
	inputs_paths_free(t->shared.paths);
	peer_shared_release(&t->shared);
	event_free(t->kick);
	event_free(t->tick);
	free(t->nodes);
	free(t->test->stages);
	t->test->stages = NULL;
}

/* Find duplicates among the nodes that are up. */
static void find_duplicates(struct admin_node_test *trial)
{
	struct node_duplicates_identity *v = xcalloc(trial->n_nodes + 1,
						     sizeof(*v));
	struct wire_machine *m = xcalloc(trial->n_nodes + 1, sizeof(*m));
	size_t *index = xcalloc(trial->n_nodes + 1, sizeof(*index)), up = 0;

	for (size_t i = 0; i < trial->n_nodes; i++) {
		const struct admin_node_test_result *is = &trial->nodes[i];

		if (!is->up)
			continue;
		m[up] = (struct wire_machine){ .machine_id = is->machine_id,
					       .n_macs = is->n_macs,
					       .macs = is->macs };
		v[up] = (struct node_duplicates_identity){
			.name = is->entry->name,
			.key = &is->entry->pin,
			.boot_id = is->boot_id,
			.machine = &m[up]
		};
		index[up++] = i;
	}
	for (size_t i = 0; i < up; i++) {
		struct admin_node_test_result *is = &trial->nodes[index[i]];

		is->duplicate_text = node_duplicates_find_worst(v, up, i,
								&is->excluded);
	}
	free(index);
	free(m);
	free(v);
}

int admin_node_test_run(struct admin_node_test *trial, struct err *err)
{
	struct admin_test_state t = { .test = trial };

	t.shared.base = event_base_new();
	if (!t.shared.base)
		return err_set(err, ENOMEM, "cannot create event loop");
	start_node_test(&t);
	if (t.n_nodes)
		event_base_dispatch(t.shared.base);
	finish_node_test(&t);
	event_base_free(t.shared.base);
	find_duplicates(trial);
	return 0;
}
