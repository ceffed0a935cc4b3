/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events are queued and passed to the dispatcher from the loop, one at a time.
 * All actions of an event are executed before the next event, because an action
 * can cause new events, and a node must not be called from its own callback.
 *
 * A unit is freed when its wrapper has closed the connection, the dispatcher
 * has processed that event, no worker thread uses the unit, and no queued event
 * refers to it.
 */
#include "coord/dispatch.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/str.h"
#include "base/vec.h"
#include "coord/hedge.h"
#include "coord/internal.h"
#include "coord/report-events.h"
#include "coord/tool-step.h"
#include "coord/unit.h"
#include "coord/wrapper-conn.h"
#include "inputs/fixdep.h"
#include "inputs/toolchain.h"
#include "options/command.h"
#include "options/env.h"
#include "peer/peer.h"
#include "wire/limits.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* nice(1) value of local compiles while all nodes are busy */
#define BUSY_NICE 10

/* --------------------------------------------------------------- units */

/*
 * Return true if an output may be renamed to `path`.  It must not replace a
 * device, a symbolic link, a file with several names, or a file with another
 * mode than a new file has.
 */
static bool is_replaceable(const struct coord_unit *u, const char *path,
			   mode_t mode)
{
	char *full = str_join_path(u->request.cwd, path);
	struct stat st;
	/* gcc preserves the mode of an existing file; a rename does not. */
	bool ok = lstat(full, &st) ||
		  (S_ISREG(st.st_mode) && st.st_nlink == 1 &&
		   (st.st_mode & 07777) == (0666 & ~mode));

	free(full);
	return ok;
}

/*
 * Return the reason why the unit must be compiled locally, or 0.  The reason
 * can lie in its command line, source, existing outputs, umask or environment.
 * `mode` is the umask of the build.
 */
static enum reason unit_local_reason(const struct coord_unit *u, mode_t mode)
{
	struct stat st;
	char *path;
	bool ok;

	if (u->command.class == OPTIONS_CLASS_LOCAL)
		return u->command.reason;
	/* The source must exist and be readable more than once. */
	path = str_join_path(u->request.cwd, u->command.source);
	ok = !stat(path, &st) && S_ISREG(st.st_mode);
	free(path);
	if (!ok)
		return REASON_SOURCE_KIND;
	ok = (!u->object_tmp || is_replaceable(u, u->object, mode)) &&
	     (!u->dep || is_replaceable(u, u->dep, mode));
	for (size_t i = 0; i < u->side_outputs.n && ok; i++) {
		path = str_join_path(u->request.cwd, u->side_outputs.path[i]);
		/* Some releases of clang append to an existing file (-MJ). */
		ok = is_replaceable(u, u->side_outputs.path[i], mode) &&
		     (u->side_outputs.kind[i] != OPTIONS_SIDE_DATABASE ||
		      !fs_exists(path));
		free(path);
	}
	if (!ok)
		return REASON_OUTPUT_KIND;
	if (u->request.umask != mode)
		return REASON_UMASK;
	if (u->request.restricted)
		return REASON_CONFINED;
	return options_env_local_reason(strv_list(&u->request.env));
}

static void remove_output(const struct coord_unit *u, const char *tmp)
{
	char *path;

	if (!tmp)
		return;
	path = str_join_path(u->request.cwd, tmp);
	unlink(path);
	free(path);
}

/* Remove the temporary files of the unit's outputs. */
static void remove_unit_temporaries(const struct coord_unit *u)
{
	remove_output(u, u->object_tmp);
	remove_output(u, u->dep_tmp);
	for (size_t i = 0; i < u->side_outputs.n; i++)
		remove_output(u, u->side_tmps[i]);
}

static bool has_step(const struct coord_unit *u, enum wire_step_kind kind)
{
	return u->has_step && u->step.kind == kind;
}

/*
 * Parse the command.  Returns false if it is not a compile or does not match
 * the unit's tool step.
 */
static bool parse_unit(struct coord_unit *u)
{
	bool text = has_step(u, WIRE_STEP_SYMBOLS);

	if (has_step(u, WIRE_STEP_DEVICETREE)) {
		options_command_parse_asm_cpp(&u->command, u->request.argv.v);
		return options_devicetree_parse(&u->devicetree, &u->step.args,
						&u->dtc_arguments) &&
		       u->command.object &&
		       !strcmp(u->devicetree.source, u->command.object) &&
		       u->command.class == OPTIONS_CLASS_REMOTE;
	}
	if (text && *u->step.text)
		options_command_parse_stdin(&u->command, u->request.argv.v);
	else if (text)
		options_command_parse_text(&u->command, u->request.argv.v);
	else
		options_command_parse(&u->command, u->request.argv.v);
	return u->command.class == OPTIONS_CLASS_REMOTE ||
	       (u->command.class == OPTIONS_CLASS_LOCAL && !u->has_step);
}

/*
 * Forget the unit's job on the node, so that further messages about it are
 * ignored.  Returns the number of the job, or 0 if the unit has none there.
 */
static uint32_t clear_job(struct coord_unit *u, const struct coord_node *n)
{
	for (size_t i = 0; i < ARRAY_SIZE(u->jobs); i++) {
		uint32_t number = u->jobs[i].number;

		if (!number || u->jobs[i].node != n)
			continue;
		u->coord->units.jobs[number] = NULL;
		u->jobs[i].number = 0;
		return number;
	}
	return 0;
}

/* Free a unit.  No worker thread and no hedge may use it any more. */
static void free_unit(struct coord_unit *u)
{
	/*
	 * Keep the outputs, because the wrapper may have compiled locally or
	 * may still do so.
	 */
	remove_unit_temporaries(u);
	for (size_t i = 0; i < ARRAY_SIZE(u->jobs); i++)
		clear_job(u, u->jobs[i].node);
	inputs_result_release(&u->inputs);
	peer_job_result_release(&u->result);
	buf_release(&u->diagnostics);
	options_command_release(&u->command);
	wire_cc_job_release(&u->request);
	if (u->has_step)
		wire_cc_step_release(&u->step);
	if (u->text_path)
		unlink(u->text_path);
	free(u->text_path);
	free(u->name);
	strv_release(&u->dtc_arguments);
	free(u->genksyms_text_path);
	free(u->object);
	free(u->object_tmp);
	free(u->dep);
	free(u->dep_tmp);
	for (size_t i = 0; i < u->side_outputs.n; i++)
		free(u->side_tmps[i]);
	options_side_outputs_release(&u->side_outputs);
	free(u);
}

/*
 * Create a unit.  Takes ownership of the contents of `ask` and of `step`, which
 * can be NULL.  Returns NULL if the command is not a compile, or does not match
 * the step.
 */
static struct coord_unit *new_unit(struct coord *c, struct wire_cc_job *ask,
				   struct wire_cc_step *step)
{
	struct coord_unit *u = xcalloc(1, sizeof(*u));
	struct buf text = { 0 };
	const char *base;
	struct err err;

	u->coord = c;
	u->start_ms = clock_ms();
	u->request = *ask;
	*ask = (struct wire_cc_job){ 0 };
	u->has_step = step;
	if (step)
		u->step = *step;
	if (!parse_unit(u)) {
		free_unit(u);
		return NULL;
	}
	/*
	 * Write the text from stdin to a file, which becomes the source.  The
	 * #line directive gives the text the name that gcc uses for stdin.  If
	 * the file cannot be written, the unit has no source and is compiled
	 * locally.
	 */
	if (u->command.from_stdin) {
		u->text_path = xasprintf("%s/text-%u.c", c->work_dir,
					 c->next_file_number++);
		buf_add_str(&text, "#line 1 \"<stdin>\"\n");
		buf_add_str(&text, u->step.text);
		if (fs_write(u->text_path, buf_bytes(&text), 0600, &err))
			log_debug("%s", err.text);
		buf_release(&text);
		options_command_set_text(&u->command, u->text_path);
	}

	if (u->devicetree.blob) {
		u->object = xstrdup(u->devicetree.blob);
		options_devicetree_side_outputs(&u->side_outputs,
						&u->devicetree);
	} else {
		u->object = options_output_object_path(&u->command);
		options_output_side_outputs(&u->side_outputs, &u->command);
	}
	u->dep = options_output_dep_path(&u->command);
	if (!has_step(u, WIRE_STEP_SYMBOLS))
		u->object_tmp = options_output_temp_path(u->object,
							 u->request.pid);
	if (u->dep)
		u->dep_tmp = options_output_temp_path(u->dep, u->request.pid);
	for (size_t i = 0; i < u->side_outputs.n; i++)
		u->side_tmps[i] = options_output_temp_path(
			u->side_outputs.path[i], u->request.pid);
	if (!u->text_path) {
		if (u->command.source)
			u->name = xstrdup(u->command.source);
		return u;
	}

	/* kbuild's "DIR/.NAME.o.d" belongs to DIR/NAME.o. */
	base = u->dep ? str_base(u->dep) : "";
	if (*base == '.' && str_ends(base, ".o.d"))
		u->name = xasprintf("%.*s%.*s", (int)(base - u->dep), u->dep,
				    (int)strlen(base) - 3, base + 1);
	else
		u->name = xstrdup("-");
	return u;
}

/* -------------------------------------------------------------- events */

static struct coord_unit *find_unit(const struct coord *c, uint32_t number)
{
	return number < c->units.n ? c->units.v[number] : NULL;
}

void coord_dispatch_event(struct coord *c, const struct sched_event *event)
{
	struct coord_pending_event *pending;

	if (c->ending)
		return;
	c->queue.v = vec_reserve(c->queue.v, &c->queue.cap, c->queue.n,
				 sizeof(*pending));
	pending = &c->queue.v[c->queue.n++];
	pending->event = *event;
	pending->words = event->text ? xstrdup(event->text) : NULL;
	if (c->queue.n == 1)
		event_active(c->timers.kick, EV_TIMEOUT, 0);
}

/* Queue an event of a unit.  The queued event keeps the unit alive. */
static void queue_unit_event(struct coord_unit *u, struct sched_event *event)
{
	event->unit = u->id;
	u->n_pending_events += !u->coord->ending;
	coord_dispatch_event(u->coord, event);
}

static void free_if_finished(struct coord_unit *u)
{
	struct coord *c = u->coord;

	if (u->conn || u->in_worker || u->n_pending_events)
		return;
	c->units.v[u->id] = NULL;
	coord_hedge_stop(u);
	free_unit(u);
}

/*
 * Mark the unit as no longer used by a worker thread.  Returns false if the
 * build is ending.
 */
static bool finish_worker(struct coord_unit *u)
{
	bool ending = u->coord->ending;

	u->in_worker = false;
	if (ending)
		free_if_finished(u);
	return !ending;
}

/* ------------------------------------------------------------ requests */

uint32_t coord_dispatch_get_toolchain_number(struct coord *c,
					     struct inputs_toolchain *tc)
{
	if (!tc->user_number) {
		tc->user_number = ++c->units.n_toolchains;
		coord_dispatch_toolchain(c, tc);
	}
	return tc->user_number - 1;
}

static uint32_t get_kind_number(struct coord *c,
				struct inputs_reference_object *ref)
{
	if (!ref->user_number) {
		ref->user_number = ++c->units.n_kinds;
		coord_dispatch_on_reference(c, ref);
	}
	return ref->user_number - 1;
}

static enum sched_status to_sched_known(enum inputs_state known)
{
	static const enum sched_status as[] = {
		[INPUTS_STATE_UNKNOWN] = SCHED_STATUS_UNKNOWN,
		[INPUTS_STATE_READY] = SCHED_STATUS_READY,
		[INPUTS_STATE_UNVERIFIED] = SCHED_STATUS_UNVERIFIED,
		[INPUTS_STATE_UNUSABLE] = SCHED_STATUS_UNUSABLE,
	};

	return as[known];
}

void coord_dispatch_toolchain(struct coord *c, struct inputs_toolchain *tc)
{
	struct sched_event event = {
		.kind = SCHED_EV_TOOLCHAIN,
		.toolchain = coord_dispatch_get_toolchain_number(c, tc),
		.status = to_sched_known(tc->state),
		.reason = tc->reason
	};

	coord_dispatch_event(c, &event);
}

void coord_dispatch_on_reference(void *ctx, struct inputs_reference_object *ref)
{
	struct coord *c = ctx;
	struct sched_event event = { .kind = SCHED_EV_OBJECT_FORMAT,
				     .object_format = get_kind_number(c, ref),
				     .status = to_sched_known(ref->state) };

	coord_dispatch_event(c, &event);
}

/*
 * Return true if a new unit runs locally because the nodes are dialed on demand
 * and no node is up yet.
 */
static bool is_node_unneeded(const struct coord *c)
{
	struct sched_counts counts;

	if (c->demand.roster && c->demand.roster->n)
		return true;
	if (!c->demand.waiting || !c->nodes.n)
		return false;
	sched_counts(c->sched, &counts);
	return counts.n_running + counts.n_queued < c->setup.local_slots;
}

static struct coord_unit *on_job_requested(struct coord *c,
					   struct coord_wrapper_conn *client,
					   struct wire_cc_job *ask,
					   struct wire_cc_step *step)
{
	struct sched_event added = { .kind = SCHED_EV_UNIT_ADDED };
	struct coord_unit *u = new_unit(c, ask, step);
	int64_t cost_ms;

	if (!u)
		return NULL;
	cost_ms = coord_report_past_cost_ms(u);
	u->conn = client;
	u->id = (uint32_t)c->units.n;
	*VEC_ADD(c->units.v, c->units.n) = u;
	coord_report_unit_state(u, EVENTS_JOB_QUEUED, NULL, NULL);
	if (u->command.class == OPTIONS_CLASS_LOCAL || c->nodes.n)
		added.reason = unit_local_reason(u, c->umask);
	if (!added.reason && is_node_unneeded(c))
		added.reason = REASON_NODES_NOT_NEEDED;
	if (!added.reason && c->nodes.n) {
		u->toolchain = inputs_toolchain_get(&c->toolchains,
						    u->request.compiler,
						    strv_list(&u->request.env));
		u->reference = inputs_reference_object_get(u->toolchain,
							   &u->command);
		added.toolchain = coord_dispatch_get_toolchain_number(
			c, u->toolchain);
		added.object_format = get_kind_number(c, u->reference);
		/*
		 * An exclusive unit gets no hedge (a concurrent local compile).
		 * A hedge uses another -o, which changes the side outputs and
		 * each output that contains the name of the object.  A hedge
		 * also cannot run tool steps.
		 */
		added.exclusive = u->side_outputs.name_in_object || u->has_step;
		added.steps = coord_tool_step_kind(u);
		if (cost_ms > 0)
			added.cost_ms = cost_ms < UINT32_MAX ?
						(uint32_t)cost_ms :
						UINT32_MAX;
	}
	u->deferred = coord_tool_step_is_pending(u);
	if (u->deferred)
		u->added_event = added;
	else
		queue_unit_event(u, &added);
	return u;
}

static void on_job_closed(struct coord_unit *u)
{
	struct sched_event left = { .kind = SCHED_EV_UNIT_GONE };

	u->conn = NULL;
	if (u->deferred)
		coord_report_unit_state(u, EVENTS_JOB_ABANDONED, NULL, NULL);
	else
		queue_unit_event(u, &left);
	free_if_finished(u);
}

void coord_dispatch_deferred(struct coord *c)
{
	for (size_t i = 0; i < c->units.n; i++) {
		struct coord_unit *u = c->units.v[i];

		if (!u || !u->deferred || coord_tool_step_is_pending(u))
			continue;
		u->deferred = false;
		queue_unit_event(u, &u->added_event);
	}
}

const struct coord_wrapper_conn_ops coord_dispatch_wrapper_ops = {
	.on_job_requested = on_job_requested,
	.on_job_closed = on_job_closed,
};

/* -------------------------------------------------------------- inputs */

static void on_inputs_found(void *ctx, struct inputs_result *result)
{
	struct coord_unit *u = ctx;
	const struct inputs_manifest *m = &result->manifest;
	struct sched_event event = { .kind = SCHED_EV_SCANNED,
				     .reason = result->reason,
				     .input_bytes = result->total_bytes };

	u->coord->stats.scan_us += m->scan_us + m->list_us;
	if (!finish_worker(u))
		return;
	if (result->reason)
		log_debug("%s: not offloaded: %s%s%s", u->name,
			  reason_text(result->reason), m->detail ? ": " : "",
			  m->detail ? m->detail : "");
	u->inputs = *result;
	*result = (struct inputs_result){ 0 };
	queue_unit_event(u, &event);
}

static void start_input_scan(struct coord_unit *u)
{
	struct coord *c = u->coord;
	const struct inputs_request request = {
		.inputs = &c->inputs,
		.pool = c->pool,
		.unit = { .cwd = u->request.cwd,
			  .compiler = u->request.compiler,
			  .toolchain = &u->toolchain->manifest.id,
			  .command = &u->command,
			  .env = strv_list(&u->request.env),
			  .stat_max_age_ns =
				  u->scanned ? 0 :
					       COORD_UNIT_CACHE_MAX_AGE_NS },
		.toolchain = u->toolchain,
		.tool_path = u->step.program,
		.tools = c->tools,
		/* Round up, so that this time is not before the request. */
		.requested_us = (u->start_ms + 1) * 1000,
	};

	u->in_worker = true;
	u->scanned = true;
	inputs_result_release(&u->inputs);
	inputs_collect_start(&request, on_inputs_found, u);
	coord_report_unit_state(u, EVENTS_JOB_SCAN, NULL, NULL);
}

/* -------------------------------------------------------------- sending */

static void register_job(struct coord_unit *u, const struct coord_node *n,
			 uint32_t number)
{
	struct coord *c = u->coord;
	size_t i = u->jobs[0].number ? 1 : 0;

	while (c->units.n_jobs <= number)
		*VEC_ADD(c->units.jobs, c->units.n_jobs) = NULL;
	c->units.jobs[number] = u;
	u->jobs[i].number = number;
	u->jobs[i].node = n;
}

void coord_dispatch_forget_jobs(const struct coord_node *n)
{
	const struct coord_unit_table *units = &n->coord->units;

	for (size_t i = 0; i < units->n_jobs; i++) {
		if (units->jobs[i])
			clear_job(units->jobs[i], n);
	}
}

void coord_dispatch_job_event(struct coord_unit *u, const struct coord_node *n,
			      struct sched_event *event)
{
	event->node = n->number;
	if (event->kind == SCHED_EV_HEARTBEAT)
		coord_report_unit_progress(u, EVENTS_JOB_RUN);
	else if (event->kind == SCHED_EV_OUTPUT)
		coord_report_unit_progress(u, EVENTS_JOB_RECEIVE);
	else
		clear_job(u, n);
	queue_unit_event(u, event);
}

/*
 * Return true if the compiler would accept $PWD as a name of its working
 * directory.
 */
static bool is_alias_of_cwd(const char *pwd, const char *cwd)
{
	struct stat a, b;

	return strcmp(pwd, cwd) && !stat(pwd, &a) && !stat(cwd, &b) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/*
 * Send a unit to a node.  Returns 0 and the job's number, or an error of
 * coord_tool_step_select() or peer_send().
 */
static int send_job(struct coord_unit *u, struct coord_node *n,
		    const struct sched_action *a, uint32_t *number)
{
	const struct inputs_result *in = &u->inputs;
	static const enum wire_lang langs[] = {
		[OPTIONS_LANG_C] = WIRE_LANG_C,
		[OPTIONS_LANG_ASM_CPP] = WIRE_LANG_ASM,
		[OPTIONS_LANG_ASM] = WIRE_LANG_PLAIN_ASM,
	};
	struct strv env = { 0 };
	struct peer_job_request q = {
		.lang = langs[u->command.lang],
		.deadline_ms = a->deadline_ms,
		.pinned = a->pinned,
		.class = (uint8_t)a->class,
		.cwd = in->manifest.cwd,
		.source = u->command.source,
		.object = u->devicetree.blob ? u->command.object : u->object,
		.sides_named = u->side_outputs.name_in_object,
		.n_side_outputs = u->side_outputs.name_in_object ?
					  (unsigned)u->side_outputs.n :
					  0,
		.flags = &in->flags,
		.entries = in->manifest.entries,
		.n_entries = in->manifest.n_entries,
		.language = in->locale->entries,
		.n_language = in->locale->n_entries,
		.step = (enum wire_step_kind)u->step.kind,
		.arguments = strv_list(u->devicetree.blob ? &u->dtc_arguments :
							    &u->step.args),
	};
	int ret = coord_tool_step_select(u, n);

	if (ret)
		return ret;
	q.tool = u->cross_tool ? u->cross_tool : in->tool;
	for (size_t i = 0; i < u->request.env.n; i++) {
		const char *entry = u->request.env.v[i];

		if (options_env_is_allowed(entry) &&
		    (!str_starts(entry, "PWD=") ||
		     is_alias_of_cwd(entry + 4, u->request.cwd)))
			strv_add(&env, entry);
	}
	q.env = strv_list(&env);
	ret = peer_send(n->peer, u->toolchain, &q, number);
	strv_release(&env);
	return ret;
}

/* Map an error of send_job() to the reason for the user. */
static enum reason send_failure_reason(int ret)
{
	switch (ret) {
	case -ENOSPC:
		return REASON_MANY_NAMES;
	case -ESTALE:
		return REASON_COMPILER_CHANGED;
	case -ENOTSUP:
		return REASON_NO_STEPS;
	case -EPROTONOSUPPORT:
		return REASON_OLD_NODE;
	default:
		return REASON_MANY_OPTIONS;
	}
}

static void send_unit(struct coord *c, const struct sched_action *a)
{
	struct coord_unit *u = find_unit(c, a->unit);
	struct coord_node *n = c->nodes.v[a->node];
	struct sched_event event = { .kind = SCHED_EV_SEND_FAILED,
				     .node = a->node };
	uint32_t number;
	int ret;

	if (peer_toolchain_state(n->peer, u->toolchain) !=
	    PEER_TOOLCHAIN_READY) {
		/*
		 * The sandbox was closed or the node was lost; the event that
		 * reports this is already queued.
		 */
		event.kind = SCHED_EV_JOB_FAILED;
		event.fail = SCHED_FAIL_TOOLCHAIN;
		queue_unit_event(u, &event);
		return;
	}
	ret = send_job(u, n, a, &number);
	if (ret) {
		event.reason = send_failure_reason(ret);
		queue_unit_event(u, &event);
		return;
	}
	register_job(u, n, number);
	if (a->backup) {
		coord_report_unit_twice(u, n->entry->name);
		return;
	}
	u->node_name = n->entry->name;
	coord_report_unit_state(u, EVENTS_JOB_SEND, u->node_name, NULL);
}

/* --------------------------------------------------------- verification */

static void verify_on_thread(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;

	coord_verify_result(&u->verification);
	/* Cache the verified inputs for fixdep, which the recipe runs next. */
	if (u->verification.verdict == SCHED_VERDICT_VALID && u->dep)
		inputs_fixdep_add_verified(u->coord->fixdep,
					   u->verification.manifest,
					   u->request.cwd, u->dep);
}

static void on_result_verified(struct pool_work *w)
{
	struct coord_unit *u = (struct coord_unit *)w;
	const struct coord_verify_result_job *e = &u->verification;
	struct sched_event event = { .kind = SCHED_EV_VERIFIED,
				     .verdict = e->verdict,
				     .reason = e->reason,
				     .text = e->err.text };

	u->coord->stats.check_us += e->cpu_us;
	if (!finish_worker(u))
		return;
	if (e->verdict == SCHED_VERDICT_WRONG)
		log_warning("node %s: %s: %s", u->node_name, u->name,
			    e->err.text);
	else if (e->verdict != SCHED_VERDICT_VALID)
		log_debug("%s: %s%s%s", u->name,
			  e->reason ? reason_text(e->reason) : "input changed",
			  *e->err.text ? ": " : "", e->err.text);
	coord_tool_step_record_check(u);
	/*
	 * Check the toolchain before the verdict is queued, so that the events
	 * of a changed toolchain precede the verdict in the queue.
	 */
	inputs_toolchain_check(u->toolchain, u->start_ms);
	queue_unit_event(u, &event);
}

static void start_verification(struct coord *c, struct coord_unit *u)
{
	u->verification = (struct coord_verify_result_job){
		.result = &u->result,
		.manifest = &u->inputs.manifest,
		.command = &u->command,
		.flags = &u->inputs.flags,
		.cwd = u->request.cwd,
		.reference_object = buf_bytes(&u->reference->object),
		.object_tmp = u->object_tmp,
		.dep_tmp = u->dep_tmp,
		.side_outputs = &u->side_outputs,
		.side_tmp = u->side_tmps,
		.to_terminal = u->request.tty_stderr,
		.tool = u->inputs.tool,
		.devicetree = u->devicetree.blob ? &u->devicetree : NULL,
		.genksyms_check = coord_tool_step_prepare_check(u),
	};
	u->in_worker = true;
	u->work.run = verify_on_thread;
	u->work.on_done = on_result_verified;
	pool_add(c->pool, &u->work);
	coord_report_unit_progress(u, EVENTS_JOB_RECEIVE);
}

/* ---------------------------------------------------------- local compile */

static void on_hedge_finished(struct coord_unit *u, bool good)
{
	struct sched_event event = { .kind = SCHED_EV_HEDGE_DONE,
				     .text = u->name };

	if (!good)
		event.reason = REASON_NODE_SLOW;
	else if (u->request.tty_stderr && u->diagnostics.len)
		/*
		 * The hedge wrote to a file, so its diagnostics lack the
		 * colours and the width of the terminal.
		 */
		event.reason = REASON_TERMINAL;
	queue_unit_event(u, &event);
}

static void start_unit_hedge(struct coord_unit *u)
{
	struct sched_event event = { .kind = SCHED_EV_HEDGE_FAILED };
	struct err err;

	if (!coord_hedge_start(u, on_hedge_finished, &err)) {
		coord_report_unit_twice(u, EVENTS_LOCAL);
		return;
	}
	log_debug("%s: %s", u->name, err.text);
	queue_unit_event(u, &event);
}

static void deliver_outputs(struct coord *c, const struct sched_action *a)
{
	static char none[] = "";
	struct coord_unit *u = find_unit(c, a->unit);
	const struct buf *stream = u->result.streams;
	bool local = a->node == SCHED_LOCAL;
	struct wire_cc_rename side[OPTIONS_SIDE_OUTPUTS_MAX];
	struct wire_cc_done done = {
		.n_sides = (uint8_t)u->side_outputs.n,
		.sides = side,
		.dep_tmp = u->dep ? u->dep_tmp : none,
		.dep = u->dep ? u->dep : none,
		.object_tmp = u->object_tmp ? u->object_tmp : none,
		.object = u->object_tmp ? u->object : none,
		.err = buf_bytes(&stream[WIRE_OUTPUT_STDERR]),
	};

	for (size_t i = 0; i < u->side_outputs.n; i++)
		side[i] = (struct wire_cc_rename){ u->side_tmps[i],
						   u->side_outputs.path[i] };
	if (local)
		done.err = buf_bytes(&u->diagnostics);
	else if (!u->devicetree.blob) /* dtc's stdout is in the blob file */
		done.out = buf_bytes(&stream[WIRE_OUTPUT_STDOUT]);
	coord_report_unit_done(u, local ? EVENTS_LOCAL : u->node_name,
			       local ? reason_text(a->reason) : NULL, a);
	if (u->conn)
		coord_wrapper_conn_send_done(u->conn, &done);
}

/* -------------------------------------------------------------- actions */

static void execute_action(struct coord *c, const struct sched_action *a)
{
	bool of_unit = a->kind < SCHED_ACT_DIAL;
	struct coord_unit *u = of_unit ? find_unit(c, a->unit) : NULL;
	const struct coord_node *n = of_unit ? NULL : c->nodes.v[a->node];
	const struct sched_event no_probe = { .kind = SCHED_EV_PROBE_DONE,
					      .node = a->node,
					      .probe = SCHED_PROBE_IMPOSSIBLE };
	uint32_t job;

	switch (a->kind) {
	case SCHED_ACT_SCAN:
		start_input_scan(u);
		break;
	case SCHED_ACT_SEND:
		send_unit(c, a);
		break;
	case SCHED_ACT_CANCEL:
		n = c->nodes.v[a->node];
		job = clear_job(u, n);
		if (job)
			peer_cancel(n->peer, job);
		break;
	case SCHED_ACT_VERIFY:
		start_verification(c, u);
		break;
	case SCHED_ACT_COMPILE_LOCAL:
		remove_unit_temporaries(u);
		/* make and the scans, which keep the nodes busy, come first. */
		if (a->reason == REASON_NODES_BUSY && u->conn &&
		    u->request.pid > 0)
			setpriority(PRIO_PROCESS, (id_t)u->request.pid,
				    BUSY_NICE);
		if (u->conn)
			coord_wrapper_conn_send_local(u->conn,
						      reason_text(a->reason));
		coord_report_unit_state(u, EVENTS_JOB_RUN, EVENTS_LOCAL,
					reason_text(a->reason));
		break;
	case SCHED_ACT_HEDGE:
		start_unit_hedge(u);
		break;
	case SCHED_ACT_STOP_HEDGE:
		coord_hedge_stop(u);
		break;
	case SCHED_ACT_DELIVER:
		deliver_outputs(c, a);
		break;
	case SCHED_ACT_LOCAL_DONE:
		coord_report_unit_done(u, EVENTS_LOCAL, reason_text(a->reason),
				       a);
		break;
	case SCHED_ACT_DIAL:
		peer_dial(n->peer);
		break;
	case SCHED_ACT_DISCONNECT:
		peer_disconnect(n->peer);
		coord_dispatch_forget_jobs(n);
		break;
	case SCHED_ACT_RECONNECT:
		peer_end_session(n->peer);
		break;
	case SCHED_ACT_PROBE:
		if (!peer_send_known_answer(n->peer))
			coord_dispatch_event(c, &no_probe);
		break;
	case SCHED_ACT_REPORT_NODE:
		coord_report_node_state(n, sched_node_state_name(a->state),
					a->text);
		break;
	}
}

static void apply_sched_event(struct coord *c, const struct sched_event *event)
{
	struct sched_action action;

	sched_event(c->sched, clock_ms(), event);
	while (sched_next_action(c->sched, &action))
		execute_action(c, &action);
}

static bool is_unit_event(const struct sched_event *event)
{
	return event->kind > SCHED_EV_TIME && event->kind <= SCHED_EV_UNIT_GONE;
}

void coord_dispatch(struct coord *c)
{
	static const struct sched_event time = { .kind = SCHED_EV_TIME };
	uint64_t at, now, ms;

	/* The array can move while an event is processed: copy the element. */
	for (size_t i = 0; i < c->queue.n; i++) {
		struct coord_pending_event pending = c->queue.v[i];
		struct coord_unit *u = is_unit_event(&pending.event) ?
					       find_unit(c,
							 pending.event.unit) :
					       NULL;

		pending.event.text = pending.words;
		apply_sched_event(c, &pending.event);
		free(pending.words);
		if (!u)
			continue;
		if (pending.event.kind == SCHED_EV_RESULT)
			u->result_node = NULL;
		if (pending.event.kind == SCHED_EV_UNIT_GONE &&
		    u->reported_state != EVENTS_JOB_DONE)
			coord_report_unit_state(u, EVENTS_JOB_ABANDONED, NULL,
						NULL);
		u->n_pending_events--;
		free_if_finished(u);
	}
	c->queue.n = 0;
	if (sched_next_ms(c->sched) <= clock_ms())
		apply_sched_event(c, &time);

	at = sched_next_ms(c->sched);
	now = clock_ms();
	if (at == c->timers.sched_ms)
		return;
	c->timers.sched_ms = at;
	ms = at > now ? at - now : 0;
	if (at == UINT64_MAX)
		event_del(c->timers.sched);
	else
		event_add(c->timers.sched,
			  &(struct timeval){
				  .tv_sec = (time_t)(ms / 1000),
				  .tv_usec = (suseconds_t)(ms % 1000) * 1000 });
}

void coord_dispatch_stop(struct coord *c)
{
	atomic_store(&c->ending, true);
	for (size_t i = 0; i < c->queue.n; i++) {
		const struct coord_pending_event *pending = &c->queue.v[i];

		if (is_unit_event(&pending->event))
			find_unit(c, pending->event.unit)->n_pending_events--;
		free(pending->words);
	}
	c->queue.n = 0;
	for (size_t i = 0; i < c->units.n; i++) {
		if (c->units.v[i])
			coord_hedge_stop(c->units.v[i]);
	}
}
