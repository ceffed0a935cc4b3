/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nightly/run.h - One nightly run of one job. */
#ifndef NIGHTLY_RUN_H
#define NIGHTLY_RUN_H

#include "nightly/build-matrix.h"
#include "nightly/child.h"
#include "nightly/store.h"
#include "tree/worker.h"

/* The user's request, for all jobs. */
struct nightly_run_setup {
	struct nightly_build_request request;
	struct nightly_wait wait; /* wait.stop also ends builds */
	bool dry_run; /* do not fetch, build or change anything */
	bool bisect;
	bool verbose; /* show the output of builds */
	bool progress; /* pass the progress of builds to on_note() */
	const struct nightly_build_sources *sources;
	const struct tree_observer *observer; /* observer of the fetches */
	struct strv updated_trees; /* trees fetched by this process */
	/*
	 * Called with a line about each decision, the start and the end of each
	 * build, and the progress of the build; can be NULL.
	 */
	void (*on_note)(void *ctx, const char *line);
	/*
	 * Called with a line about the first build that starts; can be NULL.
	 * Reset to NULL by the call.
	 */
	void (*on_start)(void *ctx, const char *line);
	void *ctx;
};

/* Empty if zeroed. */
struct nightly_run {
	const struct nightly_job *job;
	struct nightly_store store; /* locked until nightly_run_release() */
	/*
	 * One result per build, in the order of the builds of the job; fewer if
	 * the run was stopped.  The elements belong to `store` or `unstored`.
	 */
	const struct nightly_result **results;
	size_t n_results;
	struct nightly_result **unstored; /* results of skipped builds */
	size_t n_unstored;
	bool cannot_start; /* dry run: at least one build cannot start */
};

/*
 * Run the job.  Returns 0 with all results in `out`; -EBUSY if another process
 * runs the job; -ECANCELED if the run was stopped; or another -errno with `err`
 * set to the reason why some or all builds are missing.  The caller releases
 * `out` even after a failure.
 */
int nightly_run_execute(struct nightly_run *out, struct nightly_run_setup *run,
			const struct nightly_job *job, struct err *err);
/*
 * Remove old results, unless `run` is NULL.  Then release the lock and free all
 * results in `n`.  Call this function after the results were reported.
 */
void nightly_run_release(struct nightly_run *n, struct nightly_run_setup *run);

#endif
