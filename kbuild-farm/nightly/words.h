/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/words.h - the command that builds a plan.
 */
#ifndef NIGHTLY_WORDS_H
#define NIGHTLY_WORDS_H

#include "nightly/plan.h"

/*
 * "kfarm build --tree T --rev COMMIT ... -o DIR": of a person who wants the
 * same, without `dir` and with what kfarm itself needs left out; and the one
 * that nightly/child runs.
 */
void nightly_words_shown(struct strv *out, const struct nightly_plan *p,
			 const char *commit);
struct nightly_how {
	const char *dir; /* the output directory */
	bool verbose;
	bool searching; /* on the way to what broke it */
};
void nightly_words_run(struct strv *out, const struct nightly_plan *p,
		       const char *commit, const struct nightly_how *how);
/*
 * Its environment: ours without what would decide what is built, so that it is
 * the same from a shell and from a timer; $KFARM is the job's `options`.
 */
void nightly_words_env(struct strv *out, const struct nightly_job *job);

#endif
