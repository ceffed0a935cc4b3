/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/nightly.h - `kfarm nightly`: what its verbs have in common.
 */
#ifndef CLI_NIGHTLY_H
#define CLI_NIGHTLY_H

#include "base/digest.h"
#include "base/str.h"
#include "nightly/conf.h"

#include <stdbool.h>

/* The command line. */
struct nightly_request {
	const char *verb;
	struct strv words; /* after the verb */
	bool dry_run, force, retry_failed, bisect, verbose;
	bool json;
	/* Of install: */
	bool system, user, cron, now, remove;
	const char *at; /* "HH:MM", NULL: 02:00 */
	const char *as; /* whose nights a unit of the system runs */
	unsigned wait_s; /* 0: not at all; UINT_MAX: for ever */
};

/* The verbs: an exit status. */
int nightly_run_main(struct nightly_request *r);
int nightly_list_main(struct nightly_request *r);
int nightly_install_main(struct nightly_request *r);

/*
 * Read the jobs, with their paths as `kfarm build` takes them: warnings are
 * printed.  `standard` gets the toolchains of architectures.
 */
int nightly_load(struct nightly_jobs *jobs, struct strv *standard,
		 struct err *err);
/* Those of the command line are there, and there is one: 0 or -ENOENT. */
int nightly_check_names(const struct nightly_request *r,
			const struct nightly_jobs *jobs, struct err *err);
/* The texts of a configuration, for struct nightly_means. */
int nightly_config_texts(void *ctx, const char *kconfig,
			 const struct strv *kconfig_add,
			 struct digest_run *into, struct err *err);

#endif
