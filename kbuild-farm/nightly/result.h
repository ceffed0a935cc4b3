/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/result.h - The result of one build of a nightly run.
 *
 * A result is stored in the output directory of its build, for example:
 *
 *	DATA/results/NAME/2026-11-22T0203-g1234567890ab-arm64-defconfig-gcc-13.3.0/
 *
 * Besides the files of the build, the directory contains `result.json` with the
 * fields below, and `nightly.log` with the output of `kfarm build` or the
 * reason why `kfarm build` was not started.
 */
#ifndef NIGHTLY_RESULT_H
#define NIGHTLY_RESULT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define NIGHTLY_RESULT_FILE  "result.json"
#define NIGHTLY_LOG_FILE     "nightly.log"
#define NIGHTLY_MESSAGES_MAX 20

/* Why a build was started or skipped. */
enum nightly_decision {
	NIGHTLY_DECISION_UNCHANGED,
	NIGHTLY_DECISION_FIRST, /* no earlier build */
	NIGHTLY_DECISION_COMMIT, /* new commit */
	/* changed kconfig or kconfig-add, or changed text of their files */
	NIGHTLY_DECISION_CONFIG,
	NIGHTLY_DECISION_TOOLCHAIN,
	NIGHTLY_DECISION_OPTIONS, /* changed targets, variables or options */
	NIGHTLY_DECISION_RETRY, /* the last build failed or was not completed */
	NIGHTLY_DECISION_FORCED,
};

/* How a build ended. */
enum nightly_end {
	NIGHTLY_END_GOOD, /* possibly with warnings */
	NIGHTLY_END_FAILED, /* exit status 2, because of the sources */
	/*
	 * A failed set-up, a full disk, a node failure, a kill or a timeout
	 * ended the build.  The build thus does not show whether the commit is
	 * good.
	 */
	NIGHTLY_END_BROKEN,
};

/* Result of a bisection; zeroed if no bisection was requested. */
struct nightly_bisect_result {
	char *first_bad; /* full commit id; NULL: not found */
	char *subject; /* subject of the first bad commit */
	/* if first_bad is NULL: abbreviated id and subject of each candidate */
	struct strv candidates;
	unsigned n_builds;
	/* why the bisection ended early or was skipped, or NULL */
	char *incomplete_reason;
};

/* Empty if zeroed.  A string can be NULL only if its comment says so. */
struct nightly_result {
	char *name; /* name of the job */
	char *arch, *config; /* displayed as "arm64", "defconfig" */
	char *toolchain; /* "gcc-13.3.0" */
	char *build; /* name of the build: "arm64-defconfig-gcc-13" */
	char *command; /* equivalent `kfarm build` for a shell, or NULL */
	uint64_t number; /* increases with each result of the job */
	long long began_s; /* seconds since 1970 */
	uint64_t wall_ms;

	char *commit; /* full commit id */
	char *describe; /* "v6.1-12-gabcdef", or NULL */
	char *subject; /* subject of the commit, or NULL */
	/*
	 * Digests in hexadecimal.  The next run builds again if one of them, or
	 * the commit, has changed.
	 */
	char *config_id, *toolchain_id, *options_id;

	enum nightly_decision decision;
	enum nightly_end end;
	int status; /* exit status of `kfarm build`; 1 if not started */
	bool timed_out;
	char *dir; /* absolute path of the result's directory, or NULL */
	int64_t history_id; /* build number in the history; 0: unknown */
	/*
	 * number of the last build in the history before this build; not stored
	 * in `result.json`
	 */
	int64_t previous_id;
	unsigned n_errors, n_new_errors, n_warnings, n_new_warnings;
	/*
	 * The first new diagnostics and, if the build did not succeed, messages
	 * that state the reason.  The error of kfarm precedes kfarm's other
	 * messages.
	 */
	struct strv messages;
	struct nightly_bisect_result bisect;

	/*
	 * Earlier results with the same `build`, borrowed; NULL: none.
	 * `last_good` can be older than `previous`, or the same result.
	 */
	const struct nightly_result *previous, *last_good;
};

/* Return the word for an end, such as "good", for files and display. */
const char *nightly_end_word(enum nightly_end e);

/*
 * Write `r` to DIR/result.json atomically, except for r->dir, r->previous_id,
 * r->previous and r->last_good.
 */
int nightly_result_write(const struct nightly_result *r, const char *dir,
			 struct err *err);
/*
 * Read DIR/result.json and set r->dir.  Returns 0 or an error of record_read(),
 * which is -EINVAL if the file is damaged.
 */
int nightly_result_read(struct nightly_result *r, const char *dir,
			struct err *err);
/* Free all fields, but not the results r->previous and r->last_good. */
void nightly_result_release(struct nightly_result *r);

#endif
