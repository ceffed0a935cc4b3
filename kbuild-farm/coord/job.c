/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/job.h"

#include "base/clock.h"
#include "base/log.h"
#include "coord/client.h"
#include "coord/hedge.h"
#include "coord/node.h"
#include "coord/sched.h"
#include "inputs/toolchain.h"
#include "options/env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	enum reason why;

	if (job->compile.verdict == OPTIONS_LOCAL)
		return reason_words(job->compile.why);
	if (!job->coord->n_nodes)
		return job->coord->no_remote ? "--no-remote" :
					       "no nodes configured";
	if (odd_source(job))
		return "source is not a plain file";
	if (odd_target(job, job->object) ||
	    (job->dep && odd_target(job, job->dep)))
		return "output is not a plain file of the usual mode";
	if (job->ask.umask != job->coord->umask)
		return "another umask";
	if (job->ask.confined)
		return "closed output or tight limits";
	why = options_env_local(coord_job_env(job));
	return why ? reason_words(why) : NULL;
}

struct coord_job *coord_job_new(struct coord *c, struct coord_client *client,
				struct wire_cc_job *ask)
{
	struct coord_job *job = xcalloc(1, sizeof(*job));
	const char *why;

	job->coord = c;
	job->client = client;
	job->came_ms = clock_ms();
	job->id = c->next_job++;
	job->ask = *ask;
	*ask = (struct wire_cc_job){ 0 };
	TAILQ_INSERT_TAIL(&c->jobs, job, link);
	options_command_parse(&job->compile, job->ask.argv.v);
	if (job->compile.verdict == OPTIONS_PASSTHROUGH) {
		coord_job_end(job);
		return NULL;
	}
	job->object = options_command_object(&job->compile);
	job->dep = options_command_dep(&job->compile);
	job->object_tmp = options_command_temporary(job->object, job->ask.pid);
	if (job->dep)
		job->dep_tmp = options_command_temporary(job->dep,
							 job->ask.pid);
	coord_emit_job(job, EVENT_QUEUED, NULL, NULL);

	why = reason_here(job);
	if (why) {
		coord_job_local(job, why);
		return job;
	}
	job->state = JOB_TOOLCHAIN;
	job->toolchain = inputs_toolchain_get(&c->toolchains, job->ask.compiler,
					      coord_job_env(job));
	job->reference = inputs_reference_get(job->toolchain, &job->compile);
	coord_kick(c);
	return job;
}

void coord_job_leave_node(struct coord_job *job)
{
	if (job->state == JOB_AWAY) {
		coord_count_away(job->coord, -1);
		job->state = JOB_READY;
	}
	job->node = NULL;
	peer_answer_release(&job->answer);
}

void coord_job_stop(struct coord_job *job)
{
	if (job->state == JOB_AWAY)
		peer_cancel(job->node->peer, job->number);
	if (!job->working)
		coord_job_leave_node(job);
	coord_hedge_stop(job);
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

static void job_free(struct coord_job *job)
{
	coord_job_leave_node(job);
	/* Its own compile may be writing: only what we wrote is removed. */
	remove_temporaries(job);
	inputs_result_release(&job->inputs);
	options_command_release(&job->compile);
	wire_cc_job_release(&job->ask);
	free(job->object);
	free(job->object_tmp);
	free(job->dep);
	free(job->dep_tmp);
	free(job);
}

void coord_job_end(struct coord_job *job)
{
	struct coord *c = job->coord;

	if (job->state == JOB_LOCAL) {
		c->locals--;
		c->local++;
		coord_count_reason(&c->reasons, job->why);
		coord_emit_job(job, EVENT_JOB_DONE, "local", job->why);
	}
	coord_job_stop(job);
	TAILQ_REMOVE(&c->jobs, job, link);
	job->client = NULL;
	job->orphan = job->working;
	if (job->search)
		inputs_forget(job->search);
	if (!job->orphan)
		job_free(job);
	coord_kick(c);
}

bool coord_job_back(struct coord_job *job)
{
	job->working = false;
	if (!job->orphan)
		return !job->coord->ending;
	job_free(job);
	return false;
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

void coord_job_deliver(struct coord_job *job, struct bytes out,
		       struct bytes err)
{
	struct wire_cc_done done = {
		.dep_tmp = job->dep ? job->dep_tmp : (char *)"",
		.dep = job->dep ? job->dep : (char *)"",
		.object_tmp = job->object_tmp,
		.object = job->object,
		.out = out,
		.err = err,
	};

	job->state = JOB_DONE;
	coord_client_done(job->client, &done);
	coord_kick(job->coord);
}
