/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/store.h - The directory of a job's results.
 *
 *	DATA/results/NAME/lock		held (flock) by a run or a removal
 *	DATA/results/NAME/.building	output directory of the current build
 *	DATA/results/NAME/.gone-*	removed results that are being deleted
 *	DATA/results/NAME/DATE-gSHA-ARCH-CONFIG-TOOLCHAIN/
 *					a result, see nightly/result.h
 *	DATA/results/NAME/latest	link to the newest result
 *	DATA/results/NAME/last-good	link to the newest good result
 *	DATA/results/NAME/latest-BUILD, last-good-BUILD	    likewise for each
 *					build, if a job has several
 *
 * A single rename publishes or removes a result.  Each link is then updated
 * atomically.  Until its update, a link can refer to an older or a removed
 * result.  The next process that takes the lock repairs what an interrupted
 * process left behind.
 *
 * Until kfarm has reported a result, the directory of the result contains the
 * empty file `untold`.  If the run is killed, the disk is full or the mailer
 * fails, the file remains, and the next run reports the result.  kfarm removes
 * the file without a report if the result is not news (nightly/notify.h).
 */
#ifndef NIGHTLY_STORE_H
#define NIGHTLY_STORE_H

#include "nightly/conf.h"
#include "nightly/result.h"

#include <stdatomic.h>

/* Marks a result that is not yet reported. */
#define NIGHTLY_UNSENT_FILE "untold"

/* Empty if zeroed. */
struct nightly_store {
	char *dir;
	int lock_fd; /* 0: opened read-only */
	struct nightly_result **results; /* sorted by number */
	size_t n_results;
	struct strv damaged; /* names of unreadable results */
};

/* Limits of waiting for the lock. */
struct nightly_wait {
	unsigned timeout_s; /* 0: do not wait; UINT_MAX: no limit */
	const atomic_bool *stop; /* abort with -ECANCELED; can be NULL */
};

/*
 * Read the results of a job without its lock.  Returns 0, even if the job has
 * no results, or -errno.
 */
int nightly_store_read(struct nightly_store *s, const char *dir,
		       struct err *err);
/*
 * Acquire the lock of a job, repair what an interrupted process left behind,
 * and read the results.  Returns 0, -EBUSY with `err` naming the process that
 * holds the lock, or another -errno.
 */
int nightly_store_open(struct nightly_store *s, const struct nightly_job *job,
		       const struct nightly_wait *wait, struct err *err);
/* Free all results, and release the lock that nightly_store_open() acquired. */
void nightly_store_release(struct nightly_store *s);

/*
 * Return the newest result, or the newest good result, of a build; NULL if the
 * build has no such result.
 */
const struct nightly_result *nightly_store_latest(const struct nightly_store *s,
						  const char *build);
const struct nightly_result *nightly_store_last_good(
	const struct nightly_store *s, const char *build);

/*
 * For each result, set `previous` and `last_good` to earlier results of the
 * same build, because nightly_notify_reason() needs them.
 */
void nightly_store_link_results(struct nightly_store *s);

/* Return the path of the output directory of builds.  The caller frees it. */
char *nightly_store_build_dir(const struct nightly_store *s);
/*
 * Create an empty output directory for a build.  Sets *out to the path of the
 * directory, which the caller frees.
 */
int nightly_store_create_build_dir(struct nightly_store *s, char **out,
				   struct err *err);
/*
 * Publish the directory of nightly_store_create_build_dir() as a result.  On
 * success, sets the number and directory of the result and moves `r` into the
 * store: *out is the stored result, and `r` is zeroed.  Returns 0 or -errno
 * with `err` set.
 */
int nightly_store_publish(struct nightly_store *s, struct nightly_result *r,
			  struct nightly_result **out, struct err *err);
/* Update all links.  Returns 0 or -errno with `err` set. */
int nightly_store_update_links(const struct nightly_store *s,
			       const struct nightly_job *job, struct err *err);
/* Remove result `i`. */
int nightly_store_remove(struct nightly_store *s, size_t i, struct err *err);
/* Remove damaged results that were last modified before `before_s`. */
int nightly_store_remove_damaged(struct nightly_store *s, long long before_s,
				 struct err *err);

/* Called before a result is removed; can be NULL. */
typedef void nightly_store_note_fn(void *ctx, const struct nightly_result *r,
				   const char *why);
/*
 * Remove all results that need not be retained.  For each configured build,
 * these results are retained:
 *
 *  - the last good result;
 *  - while the build is bad, the first bad result after the last good one, and
 *    each result whose bisection found a commit;
 *  - the newest `keep-last` results;
 *  - the good results of the last `keep-days` days;
 *  - the newest `keep-failures` results that are not good.
 *
 * For a build that is no longer configured, the results of the last `keep-days`
 * days are retained.
 *
 * The age of a result is the time since the start of its build.  If the clock
 * was wrong, the start times can contradict the order of the results.  A result
 * is therefore considered at least as old as each result with a higher number,
 * and its age is never negative.
 *
 * Then, while less than job->keep_free_bytes are free, remove the oldest result
 * that is neither the newest result of its build, nor the last good one, nor
 * the first bad or a bisected result of the current failure.  Finally, update
 * the links, also after an error.  Returns 0; -ENOSPC if the space does not
 * suffice; otherwise -errno.
 */
int nightly_store_prune(struct nightly_store *s, const struct nightly_job *job,
			long long now_s, nightly_store_note_fn *on_note,
			void *ctx, struct err *err);

#endif
