/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job at which a thread works (`task`) cannot go before that is done; one
 * that was dropped meanwhile ends there.  `tell` always comes through the
 * `telling` event, so that no call into a job can free it under its caller.
 */
#include "agent/job.h"

#include "agent/agent.h"
#include "agent/answer.h"
#include "agent/argv.h"
#include "agent/cell.h"
#include "agent/client.h"
#include "agent/ending.h"
#include "agent/pins.h"
#include "agent/run.h"
#include "agent/step.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "base/task.h"
#include "wire/key.h"

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_MOST 600000 /* ms */
#define LARGE         (1u << 18) /* bytes to be gone through on a thread */

struct agent_job {
	struct agent *agent;
	struct wire_job m;
	struct wire_step *step; /* NULL: none */
	struct agent_place place;
	struct agent_pin *pin; /* of its client; NULL: none */
	struct agent_cell_user user; /* of its cell */
	void (*tell)(void *ctx, struct agent_job *job); /* NULL: dropped */
	void *ctx;
	struct event *telling;
	bool has_answer;
	uint32_t cpu_ms; /* of its compiler, when that was asked for last */
	uint64_t came_ms, since_ms; /* here, as it is: clock_ms() */

	struct agent_compile compile;
	struct wire_flag *flags;
	char *cwd;
	struct strv argv;
	struct strv env;
	struct strv tool; /* the command line of its step */

	struct digest key;

	struct agent_run *run; /* of the compile, perhaps done */
	struct bytes map[WIRE_STREAMS]; /* files that it made */
	struct agent_answer answer;

	struct task *task; /* on a thread */
	void (*after)(struct agent_job *job);

	int fail_class; /* enum wire_fail_class, -1: none */
	char *fail_reason;
};

static void free_job(struct agent_job *job)
{
	agent_slots_leave(&job->agent->slots, &job->place);
	job->agent->cpu_ms += job->cpu_ms;
	for (int i = 0; i < WIRE_STREAMS; i++)
		agent_run_unmap(&job->map[i]);
	if (job->run)
		agent_run_free(job->run);
	agent_cell_leave(&job->user);
	if (job->telling)
		event_free(job->telling);
	strv_release(&job->argv);
	strv_release(&job->env);
	strv_release(&job->tool);
	wire_job_release(&job->m);
	if (job->step)
		wire_step_release(job->step);
	free(job->step);
	free(job->fail_reason);
	free(job->flags);
	free(job->cwd);
	free(job);
}

static void set_answered(struct agent_job *job)
{
	agent_slots_rest(&job->agent->slots, &job->place);
	job->has_answer = true;
	job->since_ms = clock_ms();
	if (job->run)
		job->cpu_ms = agent_run_cpu_ms(job->run);
	event_active(job->telling, EV_TIMEOUT, 0);
}

static void fail_job(struct agent_job *job, enum wire_fail_class class,
		     const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void fail_job(struct agent_job *job, enum wire_fail_class class,
		     const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	job->fail_class = (int)class;
	job->fail_reason = xvasprintf(fmt, ap);
	va_end(ap);
	set_answered(job);
}

static void on_task(void *arg)
{
	struct agent_job *job = arg;

	job->task = NULL;
	if (job->tell)
		job->after(job);
	else
		free_job(job);
}

static void set_aside(struct agent_job *job, bool large, void (*fn)(void *arg),
		      void (*after)(struct agent_job *job))
{
	job->after = after;
	if (large)
		job->task = task_start_then(job->agent->base, fn, on_task, job);
	if (!job->task) {
		fn(job);
		after(job);
	}
}

/* ----------------------------------------------------------- the answer */

static void seal_answer(void *arg)
{
	struct agent_job *job = arg;

	agent_answer_seal(&job->answer, &job->key);
}

static void after_seal(struct agent_job *job)
{
	if (job->answer.tells)
		fail_job(job, WIRE_FAIL_VOID,
			 "the answer names a directory of the node");
	else
		set_answered(job);
}

/* The last step to a result. */
static void seal_on_thread(struct agent_job *job)
{
	for (int i = 0; i < 2; i++)
		job->answer.out[WIRE_STDOUT + i] = buf_bytes(
			&job->run->output[i]);
	set_aside(job, agent_answer_size(&job->answer) > LARGE, seal_answer,
		  after_seal);
}

/* Or what is in its place. */
static bool makes_object(const struct agent_job *job)
{
	return !job->compile.preprocesses || job->compile.to_file;
}

/* The tool says what it read, and the assembler does not run. */
static bool lists_by_tool(const struct agent_job *job)
{
	return job->step && job->step->kind == WIRE_STEP_DEVICETREE;
}

/* A file that it made; false when the job failed over it. */
static bool map_file(struct agent_job *job, enum wire_output stream,
		     const char *name)
{
	/*
	 * Which files a compile writes beside its object the client says, and
	 * what its tool makes of the object is no fault of ours.
	 */
	enum wire_output by_tool = lists_by_tool(job) ? WIRE_AS_DEPS :
							WIRE_OBJECT;
	enum wire_fail_class class = stream >= WIRE_SIDE ||
						     (job->run->by_tool &&
						      stream == by_tool) ?
					     WIRE_FAIL_VOID :
					     WIRE_FAIL_NODE;
	int ret;

	if ((stream == WIRE_OBJECT && !makes_object(job)) ||
	    (stream == WIRE_DEPS &&
	     !agent_argv_lists_preprocessor(&job->compile)) ||
	    (stream == WIRE_AS_DEPS && !lists_by_tool(job) &&
	     !agent_argv_lists_assembler(&job->compile)))
		return true;
	ret = agent_run_map(job->run, name, wire_output_max(stream),
			    &job->map[stream]);
	if (ret == -EFBIG)
		fail_job(job, WIRE_FAIL_VOID, "%s: too large", name);
	else if (ret == -ENOENT)
		fail_job(job, class, "exit status 0, but no %s", name);
	else if (ret)
		fail_job(job, stream == by_tool ? class : WIRE_FAIL_NODE,
			 "%s: %s", name, strerror(-ret));
	return !ret;
}

static bool map_sides(struct agent_job *job)
{
	bool good = true;

	for (unsigned i = 0; i < job->m.sides && good; i++) {
		char *name = xasprintf(AGENT_SIDE "%u", i);

		good = map_file(job, (enum wire_output)(WIRE_SIDE + i), name);
		free(name);
	}
	return good;
}

static bool map_files(struct agent_job *job)
{
	if (!map_file(job, WIRE_OBJECT, AGENT_OBJECT) ||
	    !map_file(job, WIRE_DEPS, AGENT_DEPS) ||
	    !map_file(job, WIRE_AS_DEPS, AGENT_READ) || !map_sides(job))
		return false;
	if (makes_object(job) && !job->map[WIRE_OBJECT].len) {
		fail_job(job, WIRE_FAIL_VOID, "an object of 0 bytes");
		return false;
	}
	return true;
}

/* ---------------------------------------------------------------- runs */

static void finish_success(struct agent_job *job)
{
	if (!map_files(job))
		return;
	for (int i = 0; i < WIRE_STREAMS; i++)
		job->answer.out[i] = job->map[i];
	seal_on_thread(job);
}

static void on_run_done(void *arg)
{
	struct agent_job *job = arg;
	struct agent_ending ending = {
		.cwd = job->cwd,
		.tool = job->tool.n ? job->tool.v[0] : NULL,
	};

	if (!agent_ending_judge(&ending, job->run))
		fail_job(job, ending.class, "%s", ending.reason);
	else if (job->run->end.status)
		seal_on_thread(job);
	else
		finish_success(job);
	free(ending.reason);
}

/* Its turn came: start its compiler. */
static void on_turn(void *ctx)
{
	struct agent_job *job = ctx;
	uint32_t deadline = job->m.deadline_ms;
	struct cell_job what = {
		.argv = job->argv.v,
		.env = job->env.v,
		.cwd = job->cwd,
		.stdin_fd = -1,
		.cpus = job->pin ? job->pin->cpus.bits : NULL,
		.cpu_words = NODE_CPUS_MAX / 64,
		.deadline_ms = deadline && deadline < DEADLINE_MOST ?
				       deadline :
				       DEADLINE_MOST,
	};
	const struct agent_run_tool tool = {
		.argv = job->tool.v,
		.file = makes_object(job) ? AGENT_OBJECT : NULL,
		.list = lists_by_tool(job) ? AGENT_READ : NULL,
		.name = job->m.object,
	};
	struct err err = { 0 };
	int ret;

	job->since_ms = clock_ms();
	ret = agent_run_start(&job->run, job->agent->base,
			      agent_cell_of(job->user.cell), &what,
			      job->step ? &tool : NULL, on_run_done, job, &err);

	if (ret == -EPIPE)
		fail_job(job, WIRE_FAIL_TOOLCHAIN, "its cell is gone");
	else if (ret)
		fail_job(job, WIRE_FAIL_NODE, "%s", err.text);
}

/* ------------------------------------------------------ until it starts */

static void on_telling(evutil_socket_t fd, short what, void *arg)
{
	struct agent_job *job = arg;

	(void)fd;
	(void)what;
	job->tell(job->ctx, job);
}

/* Its cell is ready, or gone. */
static void on_cell(void *ctx, const char *why)
{
	struct agent_job *job = ctx;

	job->since_ms = clock_ms();
	if (why)
		fail_job(job, WIRE_FAIL_TOOLCHAIN, "%s", why);
	else
		agent_slots_wait(&job->agent->slots, &job->place);
}

/* What the job's numbers stand for.  -EPROTO where they stand for nothing. */
static int resolve_numbers(struct agent_job *job,
			   const struct agent_client *client,
			   const struct agent_cell *cell, struct err *err)
{
	const struct wire_cell *setup = agent_cell_setup(cell);
	const char *cwd = agent_client_path(client, job->m.cwd);

	if (!cwd)
		return err_set(err, EPROTO, "job %u: path %u has no name",
			       job->m.job, job->m.cwd);
	if (job->m.view > agent_cell_last_view(cell))
		return err_set(err, EPROTO, "job %u: view %u did not come",
			       job->m.job, job->m.view);
	if (agent_client_flags(client, &job->m, &job->flags,
			       &job->compile.n_flags))
		return err_set(err, EPROTO, "job %u: flags without names",
			       job->m.job);
	if (job->step && !agent_client_path(client, job->step->tool))
		return err_set(err, EPROTO, "job %u: path %u has no name",
			       job->m.job, job->step->tool);
	job->cwd = xstrdup(cwd);
	job->compile.flags = job->flags;
	job->compile.m = &job->m;
	job->compile.driver = setup->driver;
	job->compile.is_clang = setup->is_clang;
	job->compile.preprocesses = job->step &&
				    job->step->kind != WIRE_STEP_OBJECT;
	job->compile.to_file = lists_by_tool(job);
	return 0;
}

/* The CPUs for it, if it came with PIN. */
static int find_cpus(struct agent_job *job, struct agent_client *client,
		     int *class, struct err *err)
{
	int ret = agent_pins_job(agent_client_pins(client), job->m.job,
				 &job->pin, err);

	*class = ret == -EPROTO ? -1 : WIRE_FAIL_UNSUPPORTED;
	if (job->pin)
		job->place.share = &job->pin->share;
	return ret;
}

/* All that is to be executed. */
static int build_commands(struct agent_job *job,
			  const struct agent_client *client, struct err *err)
{
	int ret = agent_argv_build(&job->argv, &job->compile, err);

	if (!ret)
		ret = agent_argv_env(&job->env, &job->m, err);
	if (!ret && job->step)
		ret = agent_step_argv(
			&job->tool, job->step,
			agent_client_path(client, job->step->tool), job->cwd,
			&job->env, err);
	return ret;
}

/* What came in front of it, whether it can be run or not. */
static int take_prefixes(struct agent_job *job, struct agent_client *client,
			 int *class, struct err *err)
{
	*class = -1;
	if (agent_steps_job(agent_client_steps(client), &job->m, &job->step,
			    err))
		return -EPROTO;
	return find_cpus(job, client, class, err);
}

/* The cell, the command line and a place, or why not. */
static int prepare_job(struct agent_job *job, struct agent_client *client,
		       int *class, struct err *err)
{
	struct agent_cell *cell = agent_client_cell(client, job->m.cell);
	int ret = take_prefixes(job, client, class, err);

	if (ret)
		return ret;
	*class = WIRE_FAIL_NODE;
	if (!job->agent->check.fit)
		return err_set(err, EPERM, "%s", job->agent->check.why);
	*class = WIRE_FAIL_TOOLCHAIN;
	if (!cell)
		return err_set(err, ENOENT, "no such cell here");
	*class = -1;
	ret = resolve_numbers(job, client, cell, err);
	if (ret)
		return ret;
	*class = WIRE_FAIL_UNSUPPORTED;
	ret = build_commands(job, client, err);
	if (ret)
		return ret;
	*class = WIRE_FAIL_BUSY;
	ret = agent_slots_enter(&job->agent->slots, &job->place, err);
	if (!ret)
		agent_cell_join(cell, &job->user);
	return ret;
}

struct agent_job *agent_job_new(struct agent *a, struct agent_client *client,
				struct wire_job *m,
				void (*tell)(void *ctx, struct agent_job *job),
				void *ctx, int *class, struct err *err)
{
	struct agent_job *job = xcalloc(1, sizeof(*job));

	*job = (struct agent_job){
		.agent = a,
		.m = *m,
		.place = { .start = on_turn, .ctx = job },
		.user = { .view = m->view, .go = on_cell, .ctx = job },
		.tell = tell,
		.ctx = ctx,
		.came_ms = clock_ms(),
		.since_ms = clock_ms(),
		.fail_class = -1,
	};
	if (prepare_job(job, client, class, err)) {
		job->m = (struct wire_job){ 0 };
		free_job(job);
		return NULL;
	}
	*m = (struct wire_job){ 0 };
	job->telling = event_new(a->base, -1, 0, on_telling, job);
	if (!job->telling)
		str_out_of_memory();
	wire_job_key(job->step, &job->m, job->flags, job->compile.n_flags,
		     &agent_cell_setup(job->user.cell)->toolchain, &job->key);
	agent_cell_await(&job->user);
	return job;
}

uint32_t agent_job_number(const struct agent_job *job)
{
	return job->m.job;
}

bool agent_job_is_pinned(const struct agent_job *job)
{
	return job->pin;
}

bool agent_job_runs(struct agent_job *job, uint32_t *cpu_ms)
{
	if (!job->run || job->has_answer)
		return false;
	*cpu_ms = job->cpu_ms = agent_run_cpu_ms(job->run);
	return true;
}

static const char *name_job_state(const struct agent_job *job)
{
	if (job->has_answer)
		return "answering";
	switch (job->place.state) {
	case AGENT_PLACE_WAITING:
		return "waiting";
	case AGENT_PLACE_RUNNING:
		return "running";
	default:
		return job->run ? "answering" : "receiving";
	}
}

json_t *agent_job_json(const struct agent_job *job, uint64_t now)
{
	json_t *o = json_object();
	uint64_t here = now - job->came_ms, so = now - job->since_ms;

	json_object_set_new(o, "job", json_integer(job->m.job));
	json_object_set_new(o, "file", json_text(job->m.source));
	json_object_set_new(o, "dir", json_text(job->cwd));
	json_object_set_new(o, "cell", json_integer(job->m.cell));
	json_object_set_new(o, "state", json_text(name_job_state(job)));
	json_object_set_new(o, "seconds", json_real((double)so / 1000));
	json_object_set_new(o, "here", json_real((double)here / 1000));
	json_object_set_new(o, "cpu", json_real((double)job->cpu_ms / 1000));
	return o;
}

uint32_t agent_job_cpu_ms(const struct agent_job *job)
{
	return job->cpu_ms;
}

bool agent_job_answered(const struct agent_job *job)
{
	return job->has_answer;
}

bool agent_job_failed(const struct agent_job *job, struct wire_fail *out)
{
	if (job->fail_class < 0)
		return false;
	*out = (struct wire_fail){
		.job = job->m.job,
		.class = (uint8_t)job->fail_class,
		.reason = job->fail_reason,
	};
	return true;
}

bool agent_job_piece(struct agent_job *job, struct wire_piece *out)
{
	if (!agent_answer_piece(&job->answer, out))
		return false;
	out->job = job->m.job;
	return true;
}

void agent_job_result(const struct agent_job *job, struct wire_result *out)
{
	const struct cell_end *end = &job->run->end;

	*out = (struct wire_result){
		.job = job->m.job,
		.wait_status = (uint32_t)end->status,
		.cpu_ms = end->cpu_ms,
		.wall_ms = end->wall_ms,
		.peak_kib = end->peak_kib,
		.toolchain = agent_cell_setup(job->user.cell)->toolchain,
		.sides = end->status ? 0 : job->m.sides,
		.answer = job->answer.digest,
	};
	for (int i = 0; i < WIRE_STREAMS; i++)
		out->len[i] = (uint32_t)job->answer.out[i].len;
}

void agent_job_drop(struct agent_job *job)
{
	job->tell = NULL;
	/* Now, for its share is gone when a thread is done with it. */
	agent_slots_leave(&job->agent->slots, &job->place);
	job->pin = NULL;
	if (!job->task)
		free_job(job);
}
