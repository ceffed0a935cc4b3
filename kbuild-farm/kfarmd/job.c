/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job with a running thread (`task`) is freed only after the thread is done;
 * if the job is dropped earlier, on_output_finished() frees it.  on_done() can
 * drop the job, so only the handler of `done_event` calls on_done().  Any other
 * function can have a caller that still uses the job afterwards.
 */
#include "kfarmd/job.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/task.h"
#include "kfarmd/kfarmd.h"
#include "options/allowlist.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEADLINE_MAX_MS 600000 /* working time (base/work-timer.h) */
#define LARGE_OUTPUT_BYTES \
	(1u << 18) /* larger outputs are hashed on a thread */

_Static_assert(sizeof(struct machine_cpus) <= SANDBOX_PREPARE_MAX,
	       "the sandbox must accept the argument of set_affinity()");

/*
 * Restrict the calling process to the CPUs `arg`; the callback `prepare` of
 * struct sandbox_job.
 */
static const char *set_affinity(const void *arg)
{
	const struct machine_cpus *cpus = arg;

	return syscall(SYS_sched_setaffinity, 0, sizeof(cpus->bits),
		       cpus->bits) ?
		       "sched_setaffinity" :
		       NULL;
}

static enum kfarmd_end find_end(const struct kfarmd_job *job)
{
	/* A job without a done_event was rejected when it was received. */
	if (job->fail_class >= 0 || !job->done_event)
		return KFARMD_END_FAILED;
	if (!job->done)
		return KFARMD_END_DROPPED;
	return job->run->end.status ? KFARMD_END_ERROR : KFARMD_END_OK;
}

static void free_job(struct kfarmd_job *job)
{
	kfarmd_slots_remove_job(&job->daemon->slots, &job->slot);
	job->daemon->finished.n_jobs[find_end(job)]++;
	job->daemon->finished.cpu_ms += job->cpu_ms;
	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		kfarmd_run_unmap_file(&job->output_maps[i]);
	if (job->run)
		kfarmd_run_free(job->run);
	kfarmd_sandbox_remove_user(&job->sandbox_user);
	if (job->done_event)
		event_free(job->done_event);
	strv_release(&job->argv);
	strv_release(&job->env);
	strv_release(&job->tool_argv);
	wire_job_release(&job->m);
	if (job->step)
		wire_step_release(job->step);
	free(job->step);
	free(job->fail_reason);
	free(job->flags);
	free(job->cwd);
	free(job);
}

static void finish_job(struct kfarmd_job *job)
{
	kfarmd_slots_end_run(&job->daemon->slots, &job->slot);
	job->done = true;
	job->state_since_ms = clock_ms();
	if (job->run)
		job->cpu_ms = kfarmd_run_cpu_ms(job->run);
	event_active(job->done_event, EV_TIMEOUT, 0);
}

static void fail_job(struct kfarmd_job *job, enum wire_fail_class class,
		     const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void fail_job(struct kfarmd_job *job, enum wire_fail_class class,
		     const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	job->fail_class = (int)class;
	job->fail_reason = xvasprintf(fmt, ap);
	va_end(ap);
	finish_job(job);
}

static void finish_job_output(void *arg)
{
	struct kfarmd_job *job = arg;

	kfarmd_run_output_finish(&job->output, &job->job_digest);
}

static void on_output_finished(void *arg)
{
	struct kfarmd_job *job = arg;

	job->task = NULL;
	if (!job->on_done)
		free_job(job);
	else if (job->output.has_private_path)
		fail_job(
			job, WIRE_FAIL_VOID,
			"output contains the path of a private directory of the node");
	else
		finish_job(job);
}

/*
 * Return true if the job has an object output, which is an object file or
 * preprocessed text.
 */
static bool has_object_output(const struct kfarmd_job *job)
{
	return !job->compile.preprocess_only || job->compile.output_to_file;
}

/*
 * Return true if the job's tool writes a dependency list.  This list replaces
 * the assembler's list as WIRE_OUTPUT_AS_DEPS, because a job with such a tool
 * does not run the assembler.
 */
static bool has_tool_deps(const struct kfarmd_job *job)
{
	return job->step && job->step->kind == WIRE_STEP_DEVICETREE;
}

/*
 * Map one output file, if the job has this output.  On failure, fails the job
 * and returns false.
 */
static bool map_output_file(struct kfarmd_job *job, enum wire_output stream,
			    const char *name)
{
	/*
	 * The client names the side outputs and chooses the tool.  The node is
	 * therefore not at fault if a side output, or the output of the tool
	 * (`by_tool`), is missing or not a regular file.
	 */
	enum wire_output by_tool = has_tool_deps(job) ? WIRE_OUTPUT_AS_DEPS :
							WIRE_OUTPUT_OBJECT;
	enum wire_fail_class class =
		stream >= WIRE_OUTPUT_SIDE || (job->run->status_from_tool &&
					       stream == by_tool) ?
			WIRE_FAIL_VOID :
			WIRE_FAIL_NODE;
	int ret;

	if ((stream == WIRE_OUTPUT_OBJECT && !has_object_output(job)) ||
	    (stream == WIRE_OUTPUT_DEPS &&
	     !kfarmd_argv_has_cpp_deps(&job->compile)) ||
	    (stream == WIRE_OUTPUT_AS_DEPS && !has_tool_deps(job) &&
	     !options_allowlist_has_as_deps(&job->argv)))
		return true;
	ret = kfarmd_run_map_file(job->run, name, wire_output_max(stream),
				  &job->output_maps[stream]);
	if (ret == -EFBIG)
		fail_job(job, WIRE_FAIL_VOID, "%s: too large", name);
	else if (ret == -ENOENT)
		fail_job(job, class, "exit status 0, but %s is missing", name);
	else if (ret)
		fail_job(job,
			 stream == by_tool || ret == -EPERM ? class :
							      WIRE_FAIL_NODE,
			 "%s: %s", name, strerror(-ret));
	return !ret;
}

/*
 * Map all output files of the job.  On failure, fails the job and returns
 * false.
 */
static bool map_output_files(struct kfarmd_job *job)
{
	if (!map_output_file(job, WIRE_OUTPUT_OBJECT, KFARMD_ARGV_OBJECT) ||
	    !map_output_file(job, WIRE_OUTPUT_DEPS, KFARMD_ARGV_DEPS) ||
	    !map_output_file(job, WIRE_OUTPUT_AS_DEPS, KFARMD_ARGV_AS_DEPS))
		return false;
	for (unsigned i = 0; i < job->m.n_sides; i++) {
		enum wire_output side = (enum wire_output)(WIRE_OUTPUT_SIDE +
							   i);
		char *name = xasprintf(KFARMD_ARGV_SIDE "%u", i);
		bool good = map_output_file(job, side, name);

		free(name);
		if (!good)
			return false;
	}
	if (has_object_output(job) &&
	    !job->output_maps[WIRE_OUTPUT_OBJECT].len) {
		fail_job(job, WIRE_FAIL_VOID, "object file is empty");
		return false;
	}
	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		job->output.streams[i] = job->output_maps[i];
	return true;
}

static void on_run_done(void *arg)
{
	struct kfarmd_job *job = arg;
	struct kfarmd_run_status ending = {
		.cwd = job->cwd,
		.tool = job->tool_argv.n ? job->tool_argv.v[0] : NULL,
	};

	if (!kfarmd_run_classify(&ending, job->run)) {
		fail_job(job, ending.class, "%s", ending.reason);
		free(ending.reason);
		return;
	}
	if (!job->run->end.status && !map_output_files(job))
		return;
	for (int i = 0; i < 2; i++)
		job->output.streams[WIRE_OUTPUT_STDOUT + i] = buf_bytes(
			&job->run->output[i]);
	if (kfarmd_run_output_size(&job->output) > LARGE_OUTPUT_BYTES)
		job->task = task_start_notify(job->daemon->base,
					      finish_job_output,
					      on_output_finished, job);
	if (!job->task) {
		finish_job_output(job);
		on_output_finished(job);
	}
}

static void on_slot_paused(void *ctx)
{
	struct kfarmd_job *job = ctx;

	job->state_since_ms = clock_ms();
	if (job->run)
		kfarmd_run_set_paused(job->run, true);
}

/* Start the compiler, or let a paused compiler continue. */
static void on_slot_granted(void *ctx)
{
	struct kfarmd_job *job = ctx;
	uint32_t deadline = job->m.deadline_ms;
	struct sandbox_job what = {
		.argv = job->argv.v,
		.env = job->env.v,
		.cwd = job->cwd,
		.stdin_fd = -1,
		.prepare = job->pin ? set_affinity : NULL,
		.prepare_arg = &job->cpus,
		.prepare_bytes = sizeof(job->cpus),
		.deadline_ms = deadline && deadline < DEADLINE_MAX_MS ?
				       deadline :
				       DEADLINE_MAX_MS,
	};
	const struct kfarmd_run_tool tool = {
		.argv = job->tool_argv.v,
		.input_file = has_object_output(job) ? KFARMD_ARGV_OBJECT :
						       NULL,
		.deps_file = has_tool_deps(job) ? KFARMD_ARGV_AS_DEPS : NULL,
		.client_name = job->m.object,
	};
	struct err err = { 0 };
	int ret;

	job->state_since_ms = clock_ms();
	if (job->run) {
		kfarmd_run_set_paused(job->run, false);
		return;
	}
	if (job->pin)
		job->cpus = job->pin->cpus;
	ret = kfarmd_run_start(&job->run, job->daemon->base,
			       job->sandbox_user.sandbox->sandbox, &what,
			       job->step ? &tool : NULL, on_run_done, job,
			       &err);
	if (ret == -EPIPE)
		fail_job(job, WIRE_FAIL_TOOLCHAIN, "sandbox lost");
	else if (ret)
		/* A command line that is too long is no fault of the node. */
		fail_job(job,
			 ret == -E2BIG ? WIRE_FAIL_UNSUPPORTED : WIRE_FAIL_NODE,
			 "%s", err.text);
}

static void on_done_event(evutil_socket_t fd, short what, void *arg)
{
	struct kfarmd_job *job = arg;

	(void)fd;
	(void)what;
	job->on_done(job->ctx, job);
}

/* Called when the sandbox is ready (`why` is NULL) or has ended. */
static void on_sandbox_decided(void *ctx, const char *why)
{
	struct kfarmd_job *job = ctx;

	job->state_since_ms = clock_ms();
	if (why)
		fail_job(job, WIRE_FAIL_TOOLCHAIN, "%s", why);
	else
		kfarmd_slots_queue_job(&job->daemon->slots, &job->slot);
}

/*
 * Resolve the path and flag numbers of the job.  Returns 0, or -EPROTO with
 * `err` set if a number is undefined or the job's VIEW was not received.
 */
static int resolve_job_ids(struct kfarmd_job *job,
			   const struct kfarmd_client *client,
			   const struct kfarmd_sandbox *cell, struct err *err)
{
	const struct wire_cell *setup = &cell->request;
	const char *cwd = wire_paths_get(client->paths, job->m.cwd);

	if (!cwd)
		return err_set(err, EPROTO, "job %u: undefined path number %u",
			       job->m.job, job->m.cwd);
	if (job->m.view > cell->sink.last_received)
		return err_set(err, EPROTO, "job %u: VIEW %u not received",
			       job->m.job, job->m.view);
	if (wire_flags_decode_job(client->flags, &job->m, &job->flags,
				  &job->compile.n_flags))
		return err_set(err, EPROTO, "job %u: undefined flag number",
			       job->m.job);
	if (job->step && !wire_paths_get(client->paths, job->step->tool))
		return err_set(err, EPROTO, "job %u: undefined path number %u",
			       job->m.job, job->step->tool);
	job->cwd = xstrdup(cwd);
	job->compile.flags = job->flags;
	job->compile.m = &job->m;
	job->compile.driver = setup->driver;
	job->compile.is_clang = setup->is_clang;
	job->compile.preprocess_only = job->step &&
				       job->step->kind != WIRE_STEP_OBJECT;
	job->compile.output_to_file = has_tool_deps(job);
	return 0;
}

/*
 * Find the sandbox of the job, build its command lines and reserve a slot.  On
 * failure, *class is the failure class, or -1 if the session must end.
 */
static int prepare_job(struct kfarmd_job *job, struct kfarmd_client *client,
		       struct kfarmd_sandbox **out, int *class, struct err *err)
{
	struct kfarmd_sandbox *cell = kfarmd_client_find_sandbox(client,
								 job->m.cell);
	int ret;

	/*
	 * Take the STEP and the PIN that precede the job even if the job is
	 * rejected below, because they do not apply to the next job.
	 */
	*class = -1;
	if (kfarmd_argv_take_step(&client->steps, &job->m, &job->step, err))
		return -EPROTO;
	ret = kfarmd_client_take_job_pin(&client->pins, job->m.job, &job->pin,
					 err);
	if (ret != -EPROTO)
		*class = WIRE_FAIL_UNSUPPORTED;
	if (ret)
		return ret;
	if (job->pin)
		job->slot.share = &job->pin->share;

	*class = WIRE_FAIL_NODE;
	if (!job->daemon->sandbox_check.usable)
		return err_set(err, EPERM, "%s",
			       job->daemon->sandbox_check.reason);
	*class = WIRE_FAIL_TOOLCHAIN;
	if (!cell)
		return err_set(err, ENOENT, "no such sandbox");
	*class = -1;
	ret = resolve_job_ids(job, client, cell, err);
	if (ret)
		return ret;

	*class = WIRE_FAIL_UNSUPPORTED;
	ret = kfarmd_argv_build(&job->argv, &job->compile, err);
	if (!ret)
		ret = kfarmd_argv_env(&job->env, &job->m, err);
	if (!ret && job->step)
		ret = kfarmd_argv_build_step(
			&job->tool_argv, job->step,
			wire_paths_get(client->paths, job->step->tool),
			job->cwd, &job->env, err);
	if (ret)
		return ret;
	*class = WIRE_FAIL_BUSY;
	*out = cell;
	return kfarmd_slots_add_job(&job->daemon->slots, &job->slot, err);
}

struct kfarmd_job *kfarmd_job_new(struct kfarmd_client *client,
				  struct wire_job *m,
				  void (*on_done)(void *ctx,
						  struct kfarmd_job *job),
				  void *ctx, int *fail_class, struct err *err)
{
	struct kfarmd_job *job = xcalloc(1, sizeof(*job));
	struct kfarmd_sandbox *cell = NULL;

	*job = (struct kfarmd_job){
		.daemon = client->daemon,
		.m = *m,
		.slot = { .client = &client->slots,
			  .on_granted = on_slot_granted,
			  .on_paused = on_slot_paused,
			  .ctx = job },
		.sandbox_user = { .update_number = m->view,
				  .on_ready = on_sandbox_decided,
				  .ctx = job },
		.on_done = on_done,
		.ctx = ctx,
		.received_ms = clock_ms(),
		.state_since_ms = clock_ms(),
		.fail_class = -1,
	};
	if (prepare_job(job, client, &cell, fail_class, err)) {
		job->m = (struct wire_job){ 0 };
		free_job(job);
		return NULL;
	}
	*m = (struct wire_job){ 0 };
	job->done_event = event_new(job->daemon->base, -1, 0, on_done_event,
				    job);
	if (!job->done_event)
		str_out_of_memory();
	job->version = client->version;
	wire_job_digest(job->step, &job->m, job->flags, job->compile.n_flags,
			&cell->request.toolchain, job->version,
			&job->job_digest);
	kfarmd_sandbox_add_user(cell, &job->sandbox_user);
	return job;
}

bool kfarmd_job_is_running(struct kfarmd_job *job, uint32_t *cpu_ms)
{
	if (!job->run || job->done)
		return false;
	*cpu_ms = job->cpu_ms = kfarmd_run_cpu_ms(job->run);
	return true;
}

void kfarmd_job_check_deadline(struct kfarmd_job *job)
{
	if (job->run && !job->done)
		kfarmd_run_check_deadline(job->run);
}

static const char *job_state_name(const struct kfarmd_job *job)
{
	if (job->done)
		return "answering";
	switch (job->slot.state) {
	case KFARMD_SLOT_QUEUED:
		return "waiting";
	case KFARMD_SLOT_PAUSED:
		return "paused";
	case KFARMD_SLOT_RUNNING:
		return "running";
	default:
		return job->run ? "answering" : "receiving";
	}
}

json_t *kfarmd_job_to_json(const struct kfarmd_job *job, uint64_t now)
{
	json_t *o = json_object();
	uint64_t total_ms = now - job->received_ms;
	uint64_t state_ms = now - job->state_since_ms;

	json_object_set_new(o, "job", json_integer(job->m.job));
	json_object_set_new(o, "file", json_text(job->m.source));
	json_object_set_new(o, "dir", json_text(job->cwd));
	json_object_set_new(o, "cell", json_integer(job->m.cell));
	json_object_set_new(o, "state", json_text(job_state_name(job)));
	json_object_set_new(o, "seconds", json_real((double)state_ms / 1000));
	json_object_set_new(o, "here", json_real((double)total_ms / 1000));
	json_object_set_new(o, "cpu", json_real((double)job->cpu_ms / 1000));
	return o;
}

bool kfarmd_job_encode_next(struct kfarmd_job *job, enum wire_type *type,
			    struct buf *body)
{
	const struct wire_fail failure = {
		.job = job->m.job,
		.class = (uint8_t)job->fail_class,
		.reason = job->fail_reason,
	};
	struct wire_piece piece;
	struct wire_result result;
	const struct sandbox_end *end;

	if (job->fail_class >= 0) {
		log_info("job %u failed: %s", job->m.job, job->fail_reason);
		wire_fail_encode_at(body, &failure, job->version);
		*type = WIRE_FAIL;
		return true;
	}
	if (kfarmd_run_output_next_piece(&job->output, &piece)) {
		piece.job = job->m.job;
		wire_piece_encode_at(body, &piece, job->version);
		*type = WIRE_OUTPUT;
		return false;
	}
	end = &job->run->end;
	result = (struct wire_result){
		.job = job->m.job,
		.wait_status = (uint32_t)end->status |
			       (end->status && job->run->status_from_tool ?
					WIRE_STATUS_FROM_TOOL :
					0),
		.cpu_ms = end->cpu_ms,
		.wall_ms = end->wall_ms,
		.peak_kib = end->peak_kib,
		.toolchain = job->sandbox_user.sandbox->request.toolchain,
		.n_sides = end->status ? 0 : job->m.n_sides,
		.digest = job->output.digest,
	};
	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		result.output_bytes[i] = (uint32_t)job->output.streams[i].len;
	wire_result_encode_at(body, &result, job->version);
	*type = WIRE_RESULT;
	return true;
}

void kfarmd_job_drop(struct kfarmd_job *job)
{
	job->on_done = NULL;
	/*
	 * Release the slot now: slot.share is a member of the pin, which the
	 * client owns and can free before the thread is done.
	 */
	kfarmd_slots_remove_job(&job->daemon->slots, &job->slot);
	job->pin = NULL;
	if (!job->task)
		free_job(job);
}
