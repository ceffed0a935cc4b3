/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/conf.h - the [nightly "NAME"] sections of the configuration.
 */
#ifndef NIGHTLY_CONF_H
#define NIGHTLY_CONF_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct conf;

/* One of them; each combination of arch, kconfig and toolchain is a build. */
struct nightly_job {
	char *name;
	char *where; /* "FILE:LINE" of its tree */
	char *tree; /* of `kfarm tree` */
	char *rev; /* NULL: the tree's HEAD */
	struct strv arches, kconfigs, toolchains; /* empty: not said */
	struct strv kconfig_add, targets, variables;
	/* More words for `kfarm build`, quoted as for a shell; or NULL. */
	char *options;

	unsigned keep_days, keep_last, keep_failures;
	uint64_t keep_free; /* bytes; with less on the disk nothing is built */
	unsigned timeout_s; /* of a build */
	bool bisect;
	unsigned bisect_builds, bisect_s; /* at most so many, so long */

	bool warnings; /* new ones make the exit status 101 */
	struct strv mail; /* addresses */
	char *mail_from; /* NULL: not said */
	char *command; /* for a shell; NULL: none */

	char *results; /* DATA/results/NAME, absolute */
};

/* A zeroed one is empty. */
struct nightly_jobs {
	struct nightly_job *v; /* in the order of the file */
	size_t n;
};

/*
 * Read all: 0, or -EINVAL with `err` naming file and line of what is missing
 * or wrong.  Release it in any case.
 */
int nightly_jobs_load(struct nightly_jobs *out, const struct conf *conf,
		      struct err *err);
void nightly_jobs_release(struct nightly_jobs *jobs);
/* The one of that name, or NULL. */
const struct nightly_job *nightly_jobs_find(const struct nightly_jobs *jobs,
					    const char *name);

#endif
