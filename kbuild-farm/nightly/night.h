/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/night.h - one night of one job: what has changed is built.
 */
#ifndef NIGHTLY_NIGHT_H
#define NIGHTLY_NIGHT_H

#include "nightly/plan.h"
#include "nightly/store.h"
#include "tree/worker.h"

/* What the user asked for, of all jobs. */
struct nightly_run {
	struct nightly_wish wish;
	struct nightly_wait wait; /* its `stop` ends builds, too */
	bool dry_run; /* nothing is fetched, built, or changed */
	bool bisect;
	bool verbose; /* what the builds say is shown */
	const struct nightly_means *means;
	const struct tree_watch *watch; /* of fetches */
	struct strv updated; /* trees that were fetched already */
	/* A line about what is done, and why; may be NULL. */
	void (*note)(void *ctx, const char *line);
	void *ctx;
};

/* A zeroed one is none. */
struct nightly_night {
	const struct nightly_job *job;
	struct nightly_store store; /* locked until the release */
	/* One for each build of the job, in their order, unless it was
	   stopped; in the store, or of `loose`. */
	const struct nightly_result **v;
	size_t n;
	struct nightly_result **loose; /* what was not built has no directory */
	size_t n_loose;
};

/*
 * Returns 0 with all results in `out`; -EBUSY when another run has the job;
 * -ECANCELED when it was stopped; or another negative errno with `err` saying
 * why nothing could be built, or not all.  Release `out` in any case.
 */
int nightly_night_run(struct nightly_night *out, struct nightly_run *run,
		      const struct nightly_job *job, struct err *err);
/*
 * Once everything was told: remove old results, let go of the lock.  `run`
 * NULL: nothing is removed.
 */
void nightly_night_release(struct nightly_night *n, struct nightly_run *run);

#endif
