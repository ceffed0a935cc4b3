/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nightly/plan.h - the builds of a job, what each depends on, and whether that
 * has changed.
 */
#ifndef NIGHTLY_PLAN_H
#define NIGHTLY_PLAN_H

#include "base/digest.h"
#include "nightly/conf.h"
#include "nightly/result.h"

/* One build; the words are the job's, NULL: not said. */
struct nightly_plan {
	const struct nightly_job *job;
	const char *arch, *kconfig, *toolchain;
	char *arch_text; /* "arm64", also where that is this machine's */
	char *config_text; /* "defconfig", "board": part of a file's name */
	char *name; /* "arm64-defconfig-gcc-13", no other build's of the job */

	/* By nightly_plan_fix(): */
	char *compiler; /* "gcc-13.3.0" */
	struct digest config_id, toolchain_id, options_id;
};

struct nightly_plans {
	struct nightly_plan *v; /* by arch, then kconfig, then toolchain */
	size_t n;
};

void nightly_plans_make(struct nightly_plans *out,
			const struct nightly_job *job);
void nightly_plans_release(struct nightly_plans *plans);
/* Their names: what results are told apart by. */
void nightly_plans_names(struct strv *out, const struct nightly_job *job);

/* What only the caller has. */
struct nightly_means {
	const struct strv *standard; /* [arch "X"] toolchain, X=TOOLCHAIN */
	/*
	 * Add the texts that a configuration consists of and a tree does not
	 * hold: of files, of URLs, of sections.  0 or a negative errno.
	 */
	int (*texts)(void *ctx, const char *kconfig,
		     const struct strv *kconfig_add, struct digest_run *into,
		     struct err *err);
	void *ctx;
};

/*
 * Find out what the build depends on beside the commit.  Returns 0, or a
 * negative errno with `err` naming the compiler or the text that is not to be
 * had.
 */
int nightly_plan_fix(struct nightly_plan *p, const struct nightly_means *means,
		     struct err *err);

/* What the user asked for. */
struct nightly_wish {
	bool force;
	bool retry_failed;
};

/*
 * Is it to be built at this commit, and why?  `all` are the job's results, by
 * their numbers; those of other builds do not count.  One that could not be
 * tried, but for want of time, says nothing of what it was to build.
 */
enum nightly_decision nightly_decide(const struct nightly_plan *p,
				     const char *commit,
				     struct nightly_result *const *all,
				     size_t n, const struct nightly_wish *wish);

#endif
