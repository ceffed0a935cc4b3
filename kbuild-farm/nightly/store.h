/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/store.h - the directory of a job's results.
 *
 *	DATA/results/NAME/lock		flock'ed by who builds or removes
 *	DATA/results/NAME/.building	the output directory of a build under
 *way DATA/results/NAME/.gone-*	is being removed
 *	DATA/results/NAME/DATE-gSHA-ARCH-CONFIG-TOOLCHAIN/	nightly/result.h
 *	DATA/results/NAME/latest	a link to the newest of these
 *	DATA/results/NAME/last-good	to the newest good one
 *	DATA/results/NAME/latest-BUILD, last-good-BUILD		where a job has
 *					several builds: to each one's
 *
 * A result appears by one rename, and goes by one.  A link is replaced by one;
 * between a result's and its link's the link leads to the result before.
 * What was killed in between is put right by the next who has the lock.
 */
#ifndef NIGHTLY_STORE_H
#define NIGHTLY_STORE_H

#include "nightly/conf.h"
#include "nightly/result.h"

#include <stdatomic.h>

/* A zeroed one is none. */
struct nightly_store {
	char *dir;
	int lock; /* a descriptor; 0: it is only read */
	struct nightly_result **v; /* by their numbers: the oldest first */
	size_t n;
	struct strv damaged; /* names of results that cannot be read */
};

/* How long to wait for the lock. */
struct nightly_wait {
	unsigned seconds; /* 0: not at all; UINT_MAX: for ever */
	const atomic_bool *stop; /* -ECANCELED once it is true; or NULL */
};

/*
 * Read the results of a job, without its lock: 0 also where there are none, or
 * a negative errno.
 */
int nightly_store_read(struct nightly_store *s, const char *dir,
		       struct err *err);
/*
 * The same with the lock, and what was left half done put right.  -EBUSY with
 * `err` saying who has it.
 */
int nightly_store_open(struct nightly_store *s, const struct nightly_job *job,
		       const struct nightly_wait *wait, struct err *err);
void nightly_store_release(struct nightly_store *s);

/* The newest result of a build, the newest good one; or NULL. */
const struct nightly_result *nightly_store_latest(const struct nightly_store *s,
						  const char *build);
const struct nightly_result *nightly_store_last_good(
	const struct nightly_store *s, const char *build);

/* An empty directory to build in, *out for the caller to free. */
int nightly_store_begin(struct nightly_store *s, char **out, struct err *err);
/*
 * What was built in there becomes a result: `r` gets its number and its
 * directory, and belongs to the store, *out, from now on where it returns 0.
 */
int nightly_store_publish(struct nightly_store *s, struct nightly_result *r,
			  struct nightly_result **out, struct err *err);
/* Write what changed in `r`, one of the store. */
int nightly_store_rewrite(const struct nightly_result *r, struct err *err);
/* Make the links what they should be: 0 or a negative errno. */
int nightly_store_link(const struct nightly_store *s,
		       const struct nightly_job *job, struct err *err);
/* Remove the i'th of s->v. */
int nightly_store_remove(struct nightly_store *s, size_t i, struct err *err);
/* Remove what is damaged and was last written before `before_s`. */
int nightly_store_remove_damaged(struct nightly_store *s, long long before_s,
				 struct err *err);

#endif
