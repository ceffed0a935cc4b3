/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "peer/canary.h"

#include "base/fs.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/task.h"
#include "inputs/toolchain.h"
#include "peer/canary-db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OBJECT_MAX         (4u << 20)
#define CANARY_DEADLINE_MS 60000
/* A canary with fewer usable units is not sufficient to test a compiler. */
#define USABLE_UNITS_MIN 8

static int make_unit(struct peer_canary *c, struct peer_canary_unit *u,
		     const struct peer_canary_source *source)
{
	const struct compiler_manifest *m = &c->toolchain->manifest;
	const char *name = source->name;
	char *path = xasprintf("%s/%s", c->dir, name);
	struct options_command compile;
	struct err err;

	u->name = name;
	u->is_asm = str_ends(name, ".S");
	u->object_name = xasprintf("%.*s.o", (int)(strrchr(name, '.') - name),
				   name);
	strv_add(&u->argv, c->toolchain->driver);
	peer_canary_db_flags(&u->argv, m->is_clang ? "clang" : m->machine,
			     name);
	strv_add(&u->argv, "-c");
	strv_add(&u->argv, "-o");
	strv_add(&u->argv, u->object_name);
	strv_add(&u->argv, name);
	options_command_parse(&compile, u->argv.v);
	if (compile.class != OPTIONS_CLASS_REMOTE ||
	    options_allowlist_make_flags(&u->flags, &compile, &err))
		u->skipped = true;
	options_command_release(&compile);

	if (!fs_write(path, source->text, 0600, &err))
		u->entry = peer_shared_add_source(c->shared, path,
						  source->text);
	free(path);
	return u->entry ? 0 : -1;
}

struct canary_compile_job {
	struct peer_canary *canary;
	struct strv env;
	atomic_int ret; /* error of a failed unit */
};

static void compile_indexed_unit(void *ctx, size_t i)
{
	struct canary_compile_job *w = ctx;
	struct peer_canary *c = w->canary;
	struct peer_canary_unit *u = &c->units[i];
	struct err err;
	char *object;
	int ret;

	if (!u->skipped && !atomic_load(&w->ret)) {
		object = xasprintf("%s/%s", c->dir, u->object_name);
		ret = capture_run(&c->stop, c->dir, u->argv.v, w->env.v,
				  &u->diagnostics, &u->diagnostics, &err);
		u->skipped = ret ||
			     fs_read(object, OBJECT_MAX, &u->object, &err);
		unlink(object);
		free(object);
		if (ret && ret != -EINVAL)
			atomic_store(&w->ret, ret);
	}
	atomic_fetch_add(&c->n_compiled, 1);
}

/* Runs on a separate thread. */
static void make_canary(void *arg)
{
	struct peer_canary *c = arg;
	const struct peer_canary_source *v =
		c->is_burn_in ? peer_canary_db_burn_sources(&c->n_units) :
				peer_canary_db_sources(&c->n_units);
	struct canary_compile_job w = { .canary = c };
	/*
	 * Use one thread, except for a burn-in: a canary is small, and the
	 * waiting build needs the cores.
	 */
	long threads = c->is_burn_in ? sysconf(_SC_NPROCESSORS_ONLN) : 1;
	char *dir = xasprintf("%s/canary-%u", c->shared->work_dir, c->number);
	struct err err;
	int ret;

	c->units = xcalloc(c->n_units, sizeof(*c->units));
	if (!fs_mkdirs(dir, 0700, &err))
		c->dir = realpath(dir, NULL);
	free(dir);
	ret = c->dir ? 0 : -1;
	if (!ret) {
		inputs_paths_lock(c->shared->paths);
		c->cwd = inputs_paths_get(c->shared->paths, c->dir);
		inputs_paths_unlock(c->shared->paths);
	}
	for (size_t i = 0; i < c->n_units && !ret; i++)
		ret = make_unit(c, &c->units[i], &v[i]);
	if (ret) {
		c->error = "cannot write the canary to the work directory";
		return;
	}

	strv_add_all(&w.env, c->toolchain->env.v);
	strv_addf(&w.env, "TMPDIR=%s", c->dir);
	strv_add(&w.env, "LC_ALL=C");
	task_each(threads < 1 ? 1 : (unsigned)threads, c->n_units,
		  compile_indexed_unit, NULL, &w);
	strv_release(&w.env);
	for (size_t i = 0; i < c->n_units; i++)
		c->n_usable += !c->units[i].skipped;
	ret = atomic_load(&w.ret);
	if (ret == -ETIMEDOUT)
		c->error = "compiler timed out on the canary";
	else if (ret)
		c->error = "cannot compile the canary on this machine";
	else if (c->n_usable < (c->is_burn_in ? 1 : USABLE_UNITS_MIN))
		c->error = "compiler accepts too few sources of the canary";
}

static void on_made(void *arg)
{
	struct peer_canary *c = arg;

	c->task = NULL;
	c->state = c->error ? INPUTS_STATE_UNUSABLE : INPUTS_STATE_READY;
	if (c->error)
		log_warning("%s: %s", c->toolchain->driver, c->error);
	peer_shared_wake(c->shared);
}

static struct peer_canary *find_canary(struct peer_shared *shared,
				       const struct inputs_toolchain *tc,
				       bool is_burn)
{
	struct peer_canary *c;

	list_for_each(c, &shared->canaries, list_entry) {
		if (c->toolchain == tc && c->is_burn_in == is_burn)
			return c;
	}
	c = xcalloc(1, sizeof(*c));
	c->shared = shared;
	c->toolchain = tc;
	c->is_burn_in = is_burn;
	c->number = shared->n_canaries++;
	TAILQ_INSERT_TAIL(&shared->canaries, c, list_entry);
	c->task = task_start_notify(shared->base, make_canary, on_made, c);
	if (!c->task) {
		c->state = INPUTS_STATE_UNUSABLE;
		c->error = "cannot start a thread for the canary";
	}
	return c;
}

struct peer_canary *peer_canary_get(struct peer_shared *shared,
				    const struct inputs_toolchain *tc)
{
	return find_canary(shared, tc, false);
}

struct peer_canary *peer_canary_get_burn_in(struct peer_shared *shared,
					    const struct inputs_toolchain *tc)
{
	return find_canary(shared, tc, true);
}

void peer_canary_fill_request(struct peer_job_request *q,
			      const struct peer_canary_unit *u,
			      const struct inputs_path *cwd)
{
	static char lc_all[] = "LC_ALL=C", *env[] = { lc_all, NULL };

	*q = (struct peer_job_request){
		.lang = u->is_asm ? WIRE_LANG_ASM : WIRE_LANG_C,
		.deadline_ms = CANARY_DEADLINE_MS,
		.cwd = cwd,
		.source = u->name,
		.object = u->object_name,
		.flags = &u->flags,
		.env = env,
		.entries = &u->entry,
		.n_entries = 1,
	};
}

bool peer_canary_is_equal(const struct peer_job_result *a,
			  const struct peer_canary_unit *u)
{
	return !a->wire.wait_status &&
	       bytes_equal(buf_bytes(&a->streams[WIRE_OUTPUT_OBJECT]),
			   buf_bytes(&u->object)) &&
	       bytes_equal(buf_bytes(&a->streams[WIRE_OUTPUT_STDERR]),
			   buf_bytes(&u->diagnostics)) &&
	       !a->streams[WIRE_OUTPUT_STDOUT].len;
}

void peer_canary_free_all(struct peer_shared *shared)
{
	struct peer_canary *c;

	while ((c = TAILQ_FIRST(&shared->canaries))) {
		TAILQ_REMOVE(&shared->canaries, c, list_entry);
		atomic_store(&c->stop, true);
		if (c->task)
			task_join(c->task);
		for (size_t i = 0; c->units && i < c->n_units; i++) {
			struct peer_canary_unit *u = &c->units[i];

			free(u->object_name);
			strv_release(&u->argv);
			options_flags_release(&u->flags);
			buf_release(&u->object);
			buf_release(&u->diagnostics);
		}
		free(c->units);
		free(c->dir);
		free(c);
	}
}

#define KNOWN_ANSWER_DEADLINE_MS 10000
#define KNOWN_ANSWER_OBJECT      "kfarm-reference.o"

static const struct peer_canary *reference_canary(
	const struct peer_sandbox *sandbox)
{
	return peer_canary_get(sandbox->sandboxes->conn->shared,
			       sandbox->toolchain);
}

/* Takes ownership of `detail`. */
static bool set_canary_result(struct peer_sandbox *sandbox,
			      struct peer_canary_result *out,
			      enum peer_canary_status is,
			      char *detail /* NOLINT: ownership is taken */)
{
	*out = (struct peer_canary_result){ .status = is,
					    .detail = detail,
					    .cpu_ms = sandbox->canary.best_ms };
	sandbox->canary = (struct peer_canary_progress){ 0 };
	return true;
}

static bool set_canary_error(struct peer_sandbox *sandbox,
			     struct peer_canary_result *out, const char *unit,
			     const char *why)
{
	return set_canary_result(sandbox, out, PEER_CANARY_STATUS_ERROR,
				 xasprintf("canary %s: %s", unit, why));
}

static struct peer_job *send_canary(struct peer_sandbox *sandbox,
				    enum peer_job_kind kind,
				    const struct inputs_path *cwd,
				    const struct peer_canary_unit *u)
{
	struct peer_job_request q;
	struct peer_job *job;

	peer_canary_fill_request(&q, u, cwd);
	if (kind == PEER_JOB_KNOWN_ANSWER) {
		q.deadline_ms = KNOWN_ANSWER_DEADLINE_MS;
		q.env++;
	}
	return peer_job_send(sandbox, kind, &q, &job) ? NULL : job;
}

/* Return the index of the next unit, or n_units at the end of the round. */
static size_t next_unit(const struct peer_canary_progress *run,
			const struct peer_canary *ours)
{
	size_t at = run->unit_index;

	while (at < ours->n_units && ours->units[at].skipped)
		at++;
	return at;
}

bool peer_canary_advance(struct peer_sandbox *sandbox,
			 struct peer_canary_result *out)
{
	struct peer_canary_progress *run = &sandbox->canary;
	const struct peer_canary *ours;

	if (!run->n_rounds_left || run->in_flight)
		return false;
	ours = reference_canary(sandbox);
	if (ours->state == INPUTS_STATE_UNKNOWN)
		return false;
	if (ours->state == INPUTS_STATE_UNUSABLE)
		return set_canary_result(sandbox, out, PEER_CANARY_STATUS_ERROR,
					 xstrdup(ours->error));
	run->unit_index = next_unit(run, ours);
	if (run->unit_index == ours->n_units) {
		/* The round is complete. */
		if (!run->has_best || run->cpu_ms < run->best_ms)
			run->best_ms = run->cpu_ms;
		run->has_best = true;
		run->unit_index = 0;
		run->cpu_ms = 0;
		if (!--run->n_rounds_left)
			return set_canary_result(sandbox, out,
						 PEER_CANARY_STATUS_PASSED,
						 xstrdup(""));
		run->unit_index = next_unit(run, ours);
	}
	if (!send_canary(sandbox, PEER_JOB_CANARY, ours->cwd,
			 &ours->units[run->unit_index]))
		return set_canary_error(sandbox, out,
					ours->units[run->unit_index].name,
					"cannot send the job");
	run->in_flight = true;
	return false;
}

bool peer_canary_handle_job(const struct peer_job *job,
			    const struct wire_fail *fail,
			    struct peer_canary_result *out)
{
	struct peer_sandbox *sandbox = job->sandbox;
	struct peer_canary_progress *run = &sandbox->canary;
	const struct peer_canary_unit *u =
		&reference_canary(sandbox)->units[run->unit_index];
	struct err err;

	if (fail && fail->class == WIRE_FAIL_BUSY) {
		/* The next peer_tick() sends the unit again. */
		run->in_flight = false;
		return false;
	}
	if (fail &&
	    (fail->class == WIRE_FAIL_INPUT || fail->class == WIRE_FAIL_VOID))
		return set_canary_result(
			sandbox, out, PEER_CANARY_STATUS_FAILED,
			xasprintf("%s (%s)", u->name, fail->reason));
	if (fail)
		return set_canary_error(sandbox, out, u->name, fail->reason);
	if (peer_job_result_check(&job->result, &err))
		return set_canary_error(sandbox, out, u->name,
					"damaged result");
	if (!peer_canary_is_equal(&job->result, u))
		return set_canary_result(sandbox, out,
					 PEER_CANARY_STATUS_FAILED,
					 xstrdup(u->name));
	run->cpu_ms += job->result.wire.cpu_ms;
	run->unit_index++;
	run->in_flight = false;
	return false;
}

/* ---------------------------------------------------- known-answer tests */

/*
 * Find a sandbox that is ready, and return a reference object of its toolchain.
 */
static const struct inputs_reference_object *find_reference(
	const struct peer_sandboxes *sandboxes, struct peer_sandbox **sandbox)
{
	const struct inputs_reference_object *ref;

	list_for_each(*sandbox, &sandboxes->list, list_entry) {
		const struct inputs_toolchain *tc = (*sandbox)->toolchain;

		if ((*sandbox)->state != PEER_SANDBOX_READY ||
		    tc->state != INPUTS_STATE_READY)
			continue;
		list_for_each(ref, &tc->references, list_entry) {
			if (ref->state == INPUTS_STATE_READY)
				return ref;
		}
	}
	return NULL;
}

static int make_reference_flags(struct options_flags *flags,
				const struct inputs_reference_object *ref)
{
	struct options_command compile;
	struct strv argv = { 0 };
	struct err err;
	int ret;

	strv_add(&argv, ref->toolchain->driver);
	strv_add_all(&argv, ref->machine_options.v);
	strv_add(&argv, "-c");
	strv_add(&argv, "-o");
	strv_add(&argv, KNOWN_ANSWER_OBJECT);
	strv_add(&argv, INPUTS_REFERENCE_SOURCE_NAME);
	options_command_parse(&compile, argv.v);
	ret = options_allowlist_make_flags(flags, &compile, &err);
	options_command_release(&compile);
	strv_release(&argv);
	return ret;
}

bool peer_canary_send_known_answer(struct peer_sandboxes *sandboxes)
{
	static char object[] = KNOWN_ANSWER_OBJECT;
	struct peer_sandbox *sandbox;
	const struct inputs_reference_object *ref = find_reference(sandboxes,
								   &sandbox);
	struct peer_canary_unit u = {
		.name = INPUTS_REFERENCE_SOURCE_NAME,
		.object_name = object,
	};
	const struct peer_shared *shared = sandboxes->conn->shared;
	char *path = xasprintf("%s/" INPUTS_REFERENCE_SOURCE_NAME,
			       shared->work_dir);
	char *real = realpath(path, NULL);
	struct peer_job *job = NULL;

	if (real)
		u.entry = peer_shared_add_source(
			shared, real, inputs_reference_object_source());
	free(real);
	free(path);
	if (!ref || !u.entry)
		return false;
	if (!make_reference_flags(&u.flags, ref))
		job = send_canary(sandbox, PEER_JOB_KNOWN_ANSWER,
				  u.entry->path->parent, &u);
	if (job)
		job->reference = ref;
	options_flags_release(&u.flags);
	return job;
}
