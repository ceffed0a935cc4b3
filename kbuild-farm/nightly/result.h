/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/result.h - what came of one build of one night.
 *
 *	DATA/results/NAME/2026-11-22T0203-g1234567890ab-arm64-defconfig-gcc-13.3.0/
 *
 * is the output directory of the build, with what is below as `result.json`
 * and what `kfarm build` said as `nightly.log` in it.
 */
#ifndef NIGHTLY_RESULT_H
#define NIGHTLY_RESULT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define NIGHTLY_RESULT_FILE "result.json"
#define NIGHTLY_LOG_FILE    "nightly.log"
#define NIGHTLY_SAID_MAX    20

/* Why it was built, or that it was not. */
enum nightly_decision {
	NIGHTLY_UNCHANGED,
	NIGHTLY_FIRST, /* nothing was built before */
	NIGHTLY_COMMIT, /* there is another commit */
	NIGHTLY_CONFIG, /* a configuration's text, in a file or behind a URL */
	NIGHTLY_TOOLCHAIN,
	NIGHTLY_OPTIONS, /* targets, variables, options */
	NIGHTLY_RETRY, /* it failed, or could not be tried, the last time */
	NIGHTLY_FORCED,
};

/* How it ended. */
enum nightly_end {
	NIGHTLY_GOOD, /* also with warnings */
	NIGHTLY_FAILED, /* by the sources: status 2 */
	NIGHTLY_BROKEN, /* set-up, a full disk, the farm, killed, no time left:
			   it says nothing of the commit */
};

/* What a bisect found.  A zeroed one: there was none. */
struct nightly_bisected {
	char *first_bad; /* 40 digits; NULL: it was not found */
	char *subject; /* of that */
	struct strv left; /* "SHA12 subject" of those that it may be, else */
	unsigned builds;
	char *why; /* that it ended early, or was not begun; or NULL */
};

/* A zeroed one is none.  Strings may be NULL where it says so. */
struct nightly_result {
	char *name; /* the job's */
	char *arch, *config; /* for people: "arm64", "defconfig" */
	char *toolchain; /* "gcc-13.3.0" */
	char *build; /* which combination: "arm64-defconfig-gcc-13" */
	char *command; /* `kfarm build` of the same, for a shell; or NULL */
	uint64_t number; /* counts up in a job, whatever the clock does */
	long long began_s; /* since 1970 */
	uint64_t wall_ms;

	char *commit; /* 40 digits */
	char *describe; /* "v6.1-12-gabcdef" */
	char *subject; /* of the commit */
	/* 64 digits each: what decides on the next build, with the commit. */
	char *config_id, *toolchain_id, *options_id;

	enum nightly_decision decision;
	enum nightly_end end;
	int status; /* of `kfarm build`; 1 where that was not begun */
	bool timed_out;
	char *dir; /* absolute; NULL: nothing was kept */
	int64_t history; /* the build's number there; 0: not known */
	unsigned errors, new_errors, warnings, new_warnings;
	/* The first lines of what is new, or of why nothing could be built. */
	struct strv said;
	struct nightly_bisected bisected;

	/* Of the same combination, borrowed; NULL: none.  A last good one may
	   be older than the previous, or be it. */
	const struct nightly_result *previous, *last_good;
};

/* "commit", for a file and for people. */
const char *nightly_decision_word(enum nightly_decision d);
const char *nightly_end_word(enum nightly_end e);

/*
 * Write DIR/result.json in one step; `dir` itself, `previous` and `last_good`
 * are not in it.
 */
int nightly_result_write(const struct nightly_result *r, const char *dir,
			 struct err *err);
/*
 * Read it.  0 with `r`, whose `dir` is set; -ENOENT; -EINVAL for one that is
 * damaged; or another negative errno.
 */
int nightly_result_read(struct nightly_result *r, const char *dir,
			struct err *err);
void nightly_result_release(struct nightly_result *r);

#endif
