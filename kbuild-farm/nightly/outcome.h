/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/outcome.h - what a build left behind, as a result.
 */
#ifndef NIGHTLY_OUTCOME_H
#define NIGHTLY_OUTCOME_H

#include "nightly/child.h"
#include "nightly/plan.h"

/* A result of a build that begins now; its `dir` and what came of it lack. */
void nightly_outcome_begin(struct nightly_result *r,
			   const struct nightly_plan *p, const char *commit,
			   const char *subject, enum nightly_decision why);
/*
 * It has ended, and `dir` is its output directory: fill in how, what it counted
 * and what there is to say.
 */
void nightly_outcome_end(struct nightly_result *r,
			 const struct nightly_ended *ended, const char *dir);
/* Of one that could not be tried: what it made in part goes, its logs stay. */
void nightly_outcome_strip(const char *dir);
/* It could not be begun. */
void nightly_outcome_broken(struct nightly_result *r, const char *why);

#endif
