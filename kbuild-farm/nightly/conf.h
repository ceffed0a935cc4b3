/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nightly/conf.h - The [nightly "NAME"] sections of the configuration. */
#ifndef NIGHTLY_CONF_H
#define NIGHTLY_CONF_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct conf;

/*
 * One [nightly "NAME"] section.  Each combination of arch, kconfig and
 * toolchain is a build.
 */
struct nightly_job {
	char *name;
	char *location; /* "FILE:LINE" of the `tree` key */
	char *tree; /* name in `kfarm tree list` */
	char *rev; /* NULL: HEAD of the tree */
	struct strv arches, kconfigs, toolchains; /* can be empty */
	struct strv kconfig_add, targets, variables;
	/* Extra options of `kfarm build`, quoted for the shell; can be NULL. */
	char *options;

	unsigned keep_days, keep_last, keep_failures;
	/* free disk space below which no build starts */
	uint64_t keep_free_bytes;
	unsigned timeout_s; /* per build */
	bool bisect;
	unsigned max_bisect_builds, max_bisect_s; /* limits of a bisection */

	bool fail_on_warnings; /* new warnings cause exit status 101 */
	struct strv mail_to; /* addresses */
	char *mail_from; /* NULL: not configured */
	char *command; /* shell command; NULL: none */

	char *results_dir; /* DATA/results/NAME, absolute */
};

/* Empty if zeroed. */
struct nightly_jobs {
	struct nightly_job *jobs; /* in the order of the configuration */
	size_t n_jobs;
	char *metrics_path; /* absolute; NULL: not configured */
};

/*
 * Read [nightly] and all [nightly "NAME"] sections.  Returns 0, or -EINVAL with
 * `err` naming file and line of the problem.  The caller releases `out` even
 * after a failure.
 */
int nightly_jobs_load(struct nightly_jobs *out, const struct conf *conf,
		      struct err *err);
/* Free all jobs. */
void nightly_jobs_release(struct nightly_jobs *jobs);

#endif
