/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/away.h"

#include "base/clock.h"
#include "base/log.h"
#include "coord/hedge.h"
#include "coord/job.h"
#include "coord/node.h"
#include "coord/remote.h"
#include "inputs/toolchain.h"
#include "options/env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STALL_MS    5000 /* without CPU progress */
#define LATE_MS     10000 /* or twice the prediction, if that is more */
#define DEADLINE_MS 30000 /* or eight times (facts: R5) */

/* Expected CPU time on a node in ms, 0 when nothing is known yet. */
static uint32_t predict(const struct coord_job *job)
{
	double ms = job->coord->ms_per_kib * (double)job->inputs.bytes / 1024;

	return ms > 600000 ? 600000 : (uint32_t)ms;
}

/* Learn from a job done: half the weight is on about the last ten. */
static void learn(struct coord_job *job, uint32_t cpu_ms)
{
	double *mean = &job->coord->ms_per_kib;
	double now = cpu_ms * 1024.0 / ((double)job->inputs.bytes + 1024);

	*mean = *mean > 0 ? *mean * 0.93 + now * 0.07 : now;
}

static uint32_t deadline(const struct coord_job *job)
{
	uint64_t ms = 8ull * predict(job);

	return ms < DEADLINE_MS ? DEADLINE_MS : (uint32_t)ms;
}

/* The shell's name for the directory, if the compiler would take it. */
static bool is_cwd(const char *pwd, const char *cwd)
{
	struct stat a, b;

	return strcmp(pwd, cwd) && !stat(pwd, &a) && !stat(cwd, &b) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void pick_env(struct strv *out, const struct coord_job *job)
{
	strv_add(out, "");
	free(out->v[--out->n]);
	out->v[out->n] = NULL;
	for (size_t i = 0; i < job->ask.env.n; i++) {
		const char *entry = job->ask.env.v[i];

		if (!options_env_for_node(entry))
			continue;
		if (!strncmp(entry, "PWD=", 4) &&
		    !is_cwd(entry + 4, job->ask.cwd))
			continue;
		strv_add(out, entry);
	}
}

static int send_question(struct coord_job *job, struct coord_node *node)
{
	struct peer_question q = {
		.lang = job->compile.lang == OPTIONS_C ? WIRE_LANG_C :
							 WIRE_LANG_ASM,
		.deadline_ms = deadline(job),
		.source = job->compile.source,
		.object = job->object,
		.flags = &job->inputs.flags,
		.cwd = job->inputs.manifest.cwd,
		.entry = job->inputs.manifest.entry,
		.n_entries = job->inputs.manifest.n,
		.language = job->inputs.language->entry,
		.n_language = job->inputs.language->n,
	};
	struct strv env = { 0 };
	int ret;

	pick_env(&env, job);
	q.env = env.v;
	ret = peer_send(node->peer, job->toolchain, &q, &job->number);
	strv_release(&env);
	return ret;
}

/* This node cannot be asked. */
static void cannot_ask(struct coord_job *job, struct coord_node *node, int ret)
{
	if (ret == -ENOSPC) {
		job->tried[job->n_tried++] = node;
		peer_health_worn(node->health);
		coord_away_retry(job, "too many names for a connection");
	} else {
		coord_job_local(job,
				ret == -ESTALE ?
					"compiler changed during the build" :
					"too many options for a message");
	}
}

void coord_away_send(struct coord_job *job, struct coord_node *node)
{
	uint64_t now = clock_ms();
	int ret = send_question(job, node);

	if (ret) {
		cannot_ask(job, node, ret);
		return;
	}
	job->state = JOB_AWAY;
	job->node = node;
	job->tried[job->n_tried++] = node;
	job->cpu_ms = 0;
	job->progress_ms = now;
	if (!job->first_sent_ms)
		job->first_sent_ms = now;
	coord_count_away(job->coord, 1);
	coord_emit_job(job, EVENT_SEND, node->entry->name, NULL);
}

void coord_away_retry(struct coord_job *job, const char *why)
{
	coord_job_leave_node(job);
	if (job->n_tried == COORD_TRIES) {
		coord_job_local(job, why);
		return;
	}
	/* Reported only if no other node can take it. */
	job->why = why;
	job->coord->retried++;
	coord_kick(job->coord);
}

static void deliver(struct coord_job *job)
{
	struct coord *c = job->coord;
	struct bytes out = buf_bytes(&job->answer.stream[WIRE_STDOUT]);
	struct bytes err = buf_bytes(&job->answer.stream[WIRE_STDERR]);

	c->remote++;
	coord_emit_job(job, EVENT_JOB_DONE, job->answered->entry->name, NULL);
	coord_job_deliver(job, out, err);
}

static void on_wrong(struct coord_job *job)
{
	const struct coord_examination *v = &job->examination;
	struct coord_node *node = job->answered;
	char *why = xasprintf("wrong answer: %s", v->err.text);

	log_warning("node %s: %s: %s", node->entry->name, job->compile.source,
		    v->err.text);
	job->state = JOB_READY;
	coord_away_retry(job, "wrong answers");
	node->retries++;
	peer_health_fault(node->health, true, why);
	free(why);
}

static void conclude(struct coord_job *job)
{
	const struct coord_examination *v = &job->examination;

	if (job->toolchain->state == INPUTS_BAD) {
		coord_job_local(job, reason_words(job->toolchain->why));
		return;
	}
	if (v->is == COORD_WRONG) {
		on_wrong(job);
		return;
	}
	job->answered->jobs++;
	peer_health_success(job->answered->health);
	if (v->is != COORD_GOOD)
		log_debug("%s: %s %s", job->compile.source,
			  v->is == COORD_LOCAL ? reason_words(v->why) :
						 "changed:",
			  v->err.text);
	if (v->is == COORD_LOCAL) {
		coord_job_local(job, reason_words(v->why));
	} else if (v->is == COORD_CHANGED) {
		job->state = JOB_READY;
		coord_remote_again(job, "inputs that keep changing");
	} else {
		learn(job, job->answer.result.cpu_ms);
		deliver(job);
	}
}

static void on_verdict(struct pool_work *w)
{
	struct coord_job *job = (struct coord_job *)w;

	job->coord->check_us += job->examination.us;
	if (!coord_job_back(job))
		return;
	inputs_toolchain_look(job->toolchain);
	job->held = job->toolchain->state == INPUTS_TOUCHED;
	if (!job->held)
		conclude(job);
}

void coord_away_judge(struct coord *c, struct inputs_toolchain *tc)
{
	struct coord_job *job, *next;

	list_for_each_safe(job, &c->jobs, link, next) {
		if (job->toolchain != tc || !job->held)
			continue;
		job->held = false;
		conclude(job);
	}
}

static void examine(struct pool_work *w)
{
	coord_examine(&((struct coord_job *)w)->examination);
}

void coord_away_result(struct coord_job *job, struct peer_answer *answer)
{
	struct coord_node *node = job->node;

	job->answer = *answer;
	coord_count_away(job->coord, -1);
	job->state = JOB_CHECK;
	/* It would write where the answer is written. */
	coord_hedge_stop(job);
	job->answered = node;
	job->examination = (struct coord_examination){
		.answer = &job->answer,
		.manifest = &job->inputs.manifest,
		.command = &job->compile,
		.cwd = job->ask.cwd,
		.reference = buf_bytes(&job->reference->object),
		.object_tmp = job->object_tmp,
		.dep_tmp = job->dep_tmp,
		.terminal = job->ask.terminal,
	};
	job->working = true;
	job->work.run = examine;
	job->work.done = on_verdict;
	pool_add(job->coord->pool, &job->work);
	coord_emit_job(job, EVENT_RECEIVE, node->entry->name, NULL);
	coord_kick(job->coord);
}

void coord_away_fail(struct coord_job *job, enum wire_fail_class class,
		     const char *reason)
{
	struct coord_node *node = job->node;

	log_debug("node %s: %s: fail %u: %s", node->entry->name,
		  job->compile.source, class, reason);
	switch (class) {
	case WIRE_FAIL_UNSUPPORTED:
		coord_job_local(job, "option refused by the node");
		return;
	case WIRE_FAIL_VOID:
		coord_job_local(job, "result void on the node");
		return;
	case WIRE_FAIL_INPUT:
		if (job->rescans)
			coord_job_local(job, "input missing on the node");
		else
			coord_remote_again(job, "input missing on the node");
		return;
	case WIRE_FAIL_TOOLCHAIN:
		coord_away_retry(job, "no node has the toolchain");
		return;
	case WIRE_FAIL_BUSY:
		/* Another build has its slots; that is no fault. */
		coord_away_retry(job, "nodes busy");
		return;
	case WIRE_FAIL_DEADLINE:
		/* A machine under load; the hedge has long begun. */
		coord_away_retry(job, "slow or lost node");
		return;
	default:
		log_warning("node %s: %s: %s", node->entry->name,
			    job->compile.source, reason);
		node->retries++;
		coord_away_retry(job, "nodes failed it");
		peer_health_suspect(node->health, reason);
	}
}

void coord_away_hedged(struct coord_job *job, bool good, struct bytes out,
		       struct bytes err)
{
	/* One that never began it; a loaded machine is no failing node. */
	struct coord_node *idle = job->state == JOB_AWAY && !job->cpu_ms ?
					  job->node :
					  NULL;
	char *why;

	/* What it said to us has neither colours nor a width. */
	if (!good || (job->ask.terminal && err.len)) {
		coord_job_local(job, good ? "diagnostics on a terminal" :
					    "slow or lost node");
		return;
	}
	coord_job_stop(job);
	job->coord->local++;
	coord_count_reason(&job->coord->reasons, "slow or lost node");
	coord_emit_job(job, EVENT_JOB_DONE, "local", "slow or lost node");
	/* Else one that swallows jobs would get the next, and the next. */
	if (idle) {
		why = xasprintf("%s was compiled here sooner",
				job->compile.source);
		peer_health_fault(idle->health, false, why);
		free(why);
	}
	coord_job_deliver(job, out, err);
}

void coord_away_watch(struct coord_job *job, uint64_t now_ms)
{
	uint64_t late = 2ull * predict(job);
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
