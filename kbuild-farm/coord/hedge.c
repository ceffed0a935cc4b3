/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/hedge.h"

#include "base/fs.h"
#include "coord/away.h"
#include "coord/job.h"
#include "options/rewrite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void drop_file(char **path)
{
	if (*path)
		unlink(*path);
	free(*path);
	*path = NULL;
}

void coord_hedge_stop(struct coord_job *job)
{
	if (job->hedge) {
		child_kill(job->hedge);
		job->hedge = NULL;
		job->coord->locals--;
	}
	drop_file(&job->hedge_object);
	drop_file(&job->hedge_dep);
	drop_file(&job->hedge_log);
}

/* Put a finished temporary where the wrapper expects one. */
static int hand_over(const struct coord_job *job, const char *from,
		     const char *to)
{
	char *full = coord_job_path(job, to);
	int ret = rename(from, full);

	free(full);
	return ret;
}

static void on_hedge(void *ctx, int wait_status, uint64_t cpu_ms)
{
	struct coord_job *job = ctx;
	struct buf said = { 0 };
	struct err err;
	bool good = !wait_status;

	(void)cpu_ms;
	job->hedge = NULL;
	job->coord->locals--;
	/* More to say than fits: then the wrapper compiles it itself. */
	if (good && fs_read(job->hedge_log, WIRE_CC_DIAG_MAX, &said, &err))
		good = false;
	if (good && job->dep && hand_over(job, job->hedge_dep, job->dep_tmp))
		good = false;
	if (good && hand_over(job, job->hedge_object, job->object_tmp))
		good = false;
	coord_hedge_stop(job);
	coord_away_hedged(job, good, bytes_of(NULL, 0), buf_bytes(&said));
	buf_release(&said);
}

static char *temporary(const struct coord_job *job, const char *path)
{
	char *full = coord_job_path(job, path);
	char *tmp = xasprintf("%s.hedge", full);

	free(full);
	return tmp;
}

void coord_hedge_start(struct coord_job *job)
{
	struct coord *c = job->coord;
	struct spawn what = { .cwd = job->ask.cwd, .fd = { -1, -1, -1 } };
	struct strv argv = { 0 }, env = { 0 };
	struct err err;
	int log;

	if (c->locals >= c->local_slots)
		return;
	job->was_hedged = true;
	job->hedge_log = xasprintf("%s/hedge-%u.log", c->work, c->next_work++);
	job->hedge_object = temporary(job, job->object_tmp);
	if (job->dep)
		job->hedge_dep = temporary(job, job->dep_tmp);
	log = open(job->hedge_log, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	options_rewrite_outputs(&argv, &job->compile, job->ask.compiler,
				job->hedge_object, job->hedge_dep);
	/* The driver's own temporaries stay behind when it is killed. */
	for (char *const *e = coord_job_env(job); *e; e++) {
		if (!str_starts(*e, "TMPDIR="))
			strv_add(&env, *e);
	}
	strv_addf(&env, "TMPDIR=%s", c->work);
	what.env = env.v;
	what.argv = argv.v;
	what.fd[1] = what.fd[2] = log;
	if (log >= 0 && !child_start(c->children, &what, on_hedge, job,
				     &job->hedge, &err)) {
		c->locals++;
		c->duplicated++;
		coord_emit_job(job, EVENT_RUN, "local", "slow or lost node");
	}
	if (log >= 0)
		close(log);
	strv_release(&argv);
	strv_release(&env);
}
