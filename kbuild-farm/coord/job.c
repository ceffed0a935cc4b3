/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/job.h"

#include "base/clock.h"
#include "base/log.h"
#include "coord/answer.h"
#include "coord/client.h"
#include "coord/hedge.h"
#include "coord/peer.h"
#include "coord/sched.h"
#include "coord/text.h"
#include "coord/toolchain.h"
#include "options/env.h"
#include "options/typed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STALL_MS    5000 /* without CPU progress */
#define LATE_MS     10000 /* or twice the prediction, if that is more */
#define DEADLINE_MS 30000 /* or eight times (facts: R5) */

static const char on_terminal[] = "diagnostics on a terminal";

char *coord_job_path(const struct coord_job *job, const char *path)
{
	if (path[0] == '/')
		return xstrdup(path);
	return xasprintf("%s/%s", job->ask.cwd, path);
}

char *const *coord_job_env(const struct coord_job *job)
{
	static char *none[] = { NULL };

	return job->ask.env.v ? job->ask.env.v : none;
}

uint32_t coord_job_predict(const struct coord_job *job)
{
	double ms = job->coord->ms_per_kib * job->wire.text_len / 1024;

	return ms > 600000 ? 600000 : (uint32_t)ms;
}

/* Learn from a job done: half the weight is on about the last ten. */
static void learn(struct coord_job *job, uint32_t cpu_ms)
{
	double *mean = &job->coord->ms_per_kib;
	double now = cpu_ms * 1024.0 / (job->wire.text_len + 1024);

	*mean = *mean > 0 ? *mean * 0.93 + now * 0.07 : now;
}

/* A device, a symbolic link, a file of another mode: not ours to replace. */
static bool odd_target(const struct coord_job *job, const char *path)
{
	char *full = coord_job_path(job, path);
	struct stat st;
	/* What stands there may have a mode of its own, which gcc keeps. */
	bool odd = !lstat(full, &st) &&
		   (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
		    (st.st_mode & 07777) != (0666 & ~job->coord->umask));

	free(full);
	return odd;
}

/* One that can be read once only, or that is not there. */
static bool odd_source(const struct coord_job *job)
{
	char *full = coord_job_path(job, job->compile.source);
	struct stat st;
	bool odd = stat(full, &st) || !S_ISREG(st.st_mode);

	free(full);
	return odd;
}

static const char *reason_here(const struct coord_job *job)
{
	if (job->compile.verdict == OPTIONS_HERE)
		return job->compile.why;
	if (!job->coord->n_peers)
		return "no nodes configured";
	if (odd_source(job))
		return "source is not a plain file";
	if (odd_target(job, job->object) ||
	    (job->dep && odd_target(job, job->dep)))
		return "output is not a plain file of the usual mode";
	if (job->ask.umask != job->coord->umask)
		return "another umask";
	return options_env_local(coord_job_env(job));
}

struct coord_job *coord_job_new(struct coord *c, struct coord_client *client,
				struct wire_cc_job *ask)
{
	struct coord_job *job = xcalloc(1, sizeof(*job));
	const char *why;

	job->coord = c;
	job->client = client;
	job->id = c->next_job++;
	job->ask = *ask;
	*ask = (struct wire_cc_job){ 0 };
	TAILQ_INSERT_TAIL(&c->jobs, job, link);
	options_compile_parse(&job->compile, job->ask.argv.v);
	if (job->compile.verdict == OPTIONS_PASS) {
		coord_job_end(job);
		return NULL;
	}
	job->object = options_compile_object(&job->compile);
	job->dep = options_compile_dep(&job->compile);
	job->object_tmp = options_compile_temporary(job->object, job->ask.pid);
	if (job->dep)
		job->dep_tmp = options_compile_temporary(job->dep,
							 job->ask.pid);
	coord_emit_job(job, EVENT_QUEUED, NULL, NULL);

	why = reason_here(job);
	if (why) {
		coord_job_local(job, why);
		return job;
	}
	job->state = JOB_TOOLCHAIN;
	job->toolchain = coord_toolchain_get(c, job->ask.compiler);
	job->reference = coord_toolchain_reference(
		job->toolchain, job->ask.argv.v, &job->compile);
	coord_kick(c);
	return job;
}

static void drop_text(struct coord_job *job)
{
	if (job->state == JOB_TEXT) {
		job->coord->texts--;
		job->state = JOB_WAIT_TEXT;
	}
	coord_text_free(job->text);
	job->text = NULL;
}

static void leave_peer(struct coord_job *job)
{
	if (job->state != JOB_AWAY)
		return;
	job->peer->running--;
	job->peer = NULL;
	coord_count_away(job->coord, -1);
	job->state = JOB_READY;
	buf_release(&job->answer);
	job->spoke = false;
}

void coord_job_stop(struct coord_job *job)
{
	if (job->state == JOB_AWAY)
		coord_peer_cancel(job->peer, job->id);
	leave_peer(job);
	coord_hedge_stop(job);
	drop_text(job);
}

static void remove_output(const struct coord_job *job, const char *tmp)
{
	char *path;

	if (!tmp)
		return;
	path = coord_job_path(job, tmp);
	unlink(path);
	free(path);
}

static void remove_temporaries(const struct coord_job *job)
{
	remove_output(job, job->object_tmp);
	remove_output(job, job->dep_tmp);
}

void coord_job_end(struct coord_job *job)
{
	struct coord *c = job->coord;

	if (job->state == JOB_LOCAL) {
		c->locals--;
		c->local++;
		coord_count_reason(c, job->why);
		coord_emit_job(job, EVENT_JOB_DONE, "local", job->why);
	}
	coord_job_stop(job);
	/* Its own compile may be writing: only what we wrote is removed. */
	remove_temporaries(job);
	TAILQ_REMOVE(&c->jobs, job, link);
	wire_cc_job_release(&job->ask);
	wire_job_release(&job->wire);
	free(job->object);
	free(job->object_tmp);
	free(job->dep);
	free(job->dep_tmp);
	free(job);
	coord_kick(c);
}

void coord_job_local(struct coord_job *job, const char *why)
{
	coord_job_stop(job);
	job->why = why;
	job->state = JOB_WAIT_LOCAL;
	coord_kick(job->coord);
}

void coord_job_grant(struct coord_job *job)
{
	job->state = JOB_LOCAL;
	job->coord->locals++;
	remove_temporaries(job);
	coord_client_local(job->client, job->why);
	coord_emit_job(job, EVENT_RUN, "local", job->why);
}

static void build_wire_job(struct coord_job *job)
{
	struct wire_job *m = &job->wire;
	struct options_flags flags = { 0 };
	uint64_t deadline;

	m->job = job->id;
	m->toolchain = job->toolchain->ident.id;
	m->lang = job->compile.lang == OPTIONS_C ? WIRE_LANG_C : WIRE_LANG_ASM;
	m->text_len = coord_text_len(job->text);
	m->check_indent = coord_text_suspect(job->text);
	deadline = 8ull * coord_job_predict(job);
	m->deadline_ms = deadline < DEADLINE_MS ? DEADLINE_MS :
						  (uint32_t)deadline;
	options_typed_from(&flags, job->ask.argv.v, &job->compile);
	for (size_t i = 0; i < flags.n; i++)
		wire_job_add_flag(m, flags.v[i].name, flags.v[i].value);
	options_flags_release(&flags);
	for (size_t i = 0; i < job->ask.env.n; i++) {
		if (options_env_for_node(job->ask.env.v[i]))
			strv_add(&m->env, job->ask.env.v[i]);
	}
	wire_job_key(m, coord_text_digest(job->text), &job->key);
}

static void on_text(void *ctx, const char *why)
{
	struct coord_job *job = ctx;

	if (why) {
		coord_job_local(job, why);
		return;
	}
	job->coord->texts--;
	job->state = JOB_READY;
	build_wire_job(job);
	if (!wire_job_fits(&job->wire)) {
		coord_job_local(job, "too many options for a message");
		return;
	}
	coord_kick(job->coord);
}

void coord_job_preprocess(struct coord_job *job)
{
	enum wire_codec codec = coord_sched_codec(job->coord);
	struct err err;

	if (coord_text_start(&job->text, job, codec, on_text, job, &err)) {
		log_debug("%s: %s", job->compile.source, err.text);
		coord_job_local(job, "preprocessor could not be started");
		return;
	}
	job->state = JOB_TEXT;
	job->coord->texts++;
	coord_emit_job(job, EVENT_SCAN, NULL, NULL);
}

void coord_job_send(struct coord_job *job, struct coord_peer *peer)
{
	struct buf body = { 0 };
	uint64_t now = clock_ms();

	job->state = JOB_AWAY;
	job->peer = peer;
	job->tried[job->n_tried++] = peer;
	job->cpu_ms = 0;
	job->progress_ms = now;
	if (!job->first_sent_ms)
		job->first_sent_ms = now;
	peer->running++;
	coord_count_away(job->coord, 1);
	wire_job_encode(&body, &job->wire);
	wire_stream_send(peer->stream, WIRE_JOB, buf_bytes(&body), WIRE_PLAIN);
	buf_release(&body);
	coord_text_send(job->text, peer->stream);
	coord_emit_job(job, EVENT_SEND, peer->entry->name, NULL);
}

void coord_job_retry(struct coord_job *job, const char *why)
{
	leave_peer(job);
	if (job->n_tried == COORD_TRIES) {
		coord_job_local(job, why);
		return;
	}
	/* Reported only if no other node can take it. */
	job->why = why;
	job->coord->retried++;
	coord_kick(job->coord);
}

/* Done by somebody else than the wrapper: let it rename and end. */
static void deliver(struct coord_job *job, struct bytes out, struct bytes err)
{
	struct wire_cc_done done = {
		.dep_tmp = job->dep ? job->dep_tmp : (char *)"",
		.dep = job->dep ? job->dep : (char *)"",
		.object_tmp = job->object_tmp,
		.object = job->object,
		.out = out,
		.err = err,
	};

	drop_text(job);
	job->state = JOB_DONE;
	coord_client_done(job->client, &done);
	coord_kick(job->coord);
}

void coord_job_result(struct coord_job *job, const struct wire_result *r)
{
	struct coord_peer *peer = job->peer;
	struct err err;
	int ret = coord_answer_check(job, r, &err);

	peer->busy_ms += r->cpu_ms;
	if (ret == -EBADMSG) {
		const char *name = peer->entry->name;

		log_warning("node %s: %s: %s", name, job->compile.source,
			    err.text);
		peer->retries++;
		coord_job_retry(job, "wrong answers");
		coord_peer_fault(peer, true, "wrong answer: %s", err.text);
		return;
	}
	coord_peer_praise(peer);
	peer->jobs++;
	if (ret == -EAGAIN) {
		/* It failed, or has something to say: both are ours to say. */
		coord_job_local(job, r->wait_status    ? "compile error" :
				     job->ask.terminal ? on_terminal :
							 "diagnostics");
		return;
	}
	learn(job, r->cpu_ms);
	if (coord_answer_write(job, buf_bytes(&job->answer), &err)) {
		coord_job_local(job, "object could not be written");
		return;
	}
	coord_hedge_stop(job);
	job->coord->remote++;
	leave_peer(job);
	coord_emit_job(job, EVENT_JOB_DONE, peer->entry->name, NULL);
	deliver(job, bytes_of(NULL, 0), bytes_of(NULL, 0));
}

void coord_job_fail(struct coord_job *job, const struct wire_fail *f)
{
	struct coord_peer *peer = job->peer;

	switch (f->class) {
	case WIRE_FAIL_UNSUPPORTED:
		coord_job_local(job, "option refused by the node");
		return;
	case WIRE_FAIL_VOID:
		coord_job_local(job, "result void on the node");
		return;
	case WIRE_FAIL_TOOLCHAIN:
		coord_peer_no_toolchain(peer, job->toolchain);
		coord_job_retry(job, "no node has the toolchain");
		return;
	case WIRE_FAIL_BUSY:
		/* Another build has its slots; that is no fault. */
		coord_job_retry(job, "nodes busy");
		return;
	case WIRE_FAIL_DEADLINE:
		/* A machine under load; the hedge has long begun. */
		coord_job_retry(job, "slow or lost node");
		return;
	default:
		log_warning("node %s: %s: %s", peer->entry->name,
			    job->compile.source, f->reason);
		peer->retries++;
		coord_job_retry(job, "nodes failed it");
		coord_peer_fault(peer, false, "%s", f->reason);
	}
}

void coord_job_hedged(struct coord_job *job, bool good, struct bytes out,
		      struct bytes err)
{
	/* One that never began it; a loaded machine is no failing node. */
	struct coord_peer *idle = job->state == JOB_AWAY && !job->cpu_ms ?
					  job->peer :
					  NULL;

	/* What it said to us has neither colours nor a width. */
	if (!good || (job->ask.terminal && err.len)) {
		coord_job_local(job, good ? on_terminal : "slow or lost node");
		return;
	}
	coord_job_stop(job);
	job->coord->local++;
	coord_count_reason(job->coord, "slow or lost node");
	coord_emit_job(job, EVENT_JOB_DONE, "local", "slow or lost node");
	/* Else one that swallows jobs would get the next, and the next. */
	if (idle)
		coord_peer_fault(idle, false, "%s was compiled here sooner",
				 job->compile.source);
	deliver(job, out, err);
}

void coord_job_watch(struct coord_job *job, uint64_t now_ms)
{
	uint64_t late = 2ull * coord_job_predict(job);
	bool stalled, overdue;

	if (job->was_hedged || !job->first_sent_ms ||
	    (job->state != JOB_AWAY && job->state != JOB_READY))
		return;
	if (late < LATE_MS)
		late = LATE_MS;
	/* One that still waits in the node's queue has cpu_ms 0. */
	stalled = job->state == JOB_AWAY && job->cpu_ms &&
		  now_ms > job->progress_ms + STALL_MS;
	overdue = now_ms > job->first_sent_ms + late;
	if (stalled || overdue)
		coord_hedge_start(job);
}
