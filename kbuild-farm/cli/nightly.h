/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/nightly.h - Declarations shared by the verbs of `kfarm nightly`.
 */
#ifndef CLI_NIGHTLY_H
#define CLI_NIGHTLY_H

#include "base/str.h"
#include "nightly/conf.h"

#include <stdbool.h>

/* The command line of `kfarm nightly VERB`. */
struct nightly_request {
	const char *verb;
	struct strv words; /* names of nightly jobs; empty for all */
	bool dry_run, force, retry_failed, bisect, verbose, quiet;
	bool json;
	/* options of install */
	bool system, user, cron, now, remove;
	const char *start_time; /* "HH:MM"; NULL: 02:00 */
	const char *run_as_user; /* user of a system service */
	/* --wait of run; 0: do not wait, UINT_MAX: wait without limit */
	unsigned max_wait_s;
};

/* The verb `install`; returns the exit status. */
int nightly_install_main(void *request);

/*
 * Read the nightly jobs, check their options and log warnings.  A relative path
 * of a kernel configuration is resolved relative to the file that contains it.
 * Appends a string "ARCH=TOOLCHAIN" to `standard` for each default toolchain
 * that is configured.  Returns 0 or a negative errno with `err` set.
 */
int nightly_load(struct nightly_jobs *jobs, struct strv *standard,
		 struct err *err);
/*
 * Check that the configuration has the nightly job of --nightly, whose value is
 * "JOB" or "JOB/bisect".  Returns 0, or -ENOENT with `err` set.
 */
int nightly_check_build(const char *nightly, const struct conf *conf,
			struct err *err);
/*
 * Check that a nightly job exists for each name in r->words, and that the
 * configuration has at least one job.  Returns 0, or -ENOENT with `err` set.
 */
int nightly_check_names(const struct nightly_request *r,
			const struct nightly_jobs *jobs, struct err *err);

#endif
