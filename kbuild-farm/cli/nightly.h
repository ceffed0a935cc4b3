/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/nightly.h - Declarations shared by the verbs of `kfarm nightly`.
 */
#ifndef CLI_NIGHTLY_H
#define CLI_NIGHTLY_H

#include "base/digest.h"
#include "base/str.h"
#include "nightly/conf.h"

#include <stdbool.h>

/* The command line of `kfarm nightly VERB`. */
struct nightly_request {
	const char *verb;
	struct strv words; /* names of nightly jobs; empty for all */
	bool dry_run, force, retry_failed, bisect, verbose;
	bool json;
	/* options of install */
	bool system, user, cron, now, remove;
	const char *start_time; /* "HH:MM"; NULL: 02:00 */
	const char *run_as_user; /* user of a system service */
	/* option of run: 0: do not wait; UINT_MAX: no limit */
	unsigned max_wait_s;
};

/* The verb `install`; returns the exit status. */
int nightly_install_main(struct nightly_request *r);

/*
 * Read the nightly jobs and log warnings.  Paths of configurations are resolved
 * relative to the file that names them.  `standard` receives a line
 * ARCH=TOOLCHAIN per configured default.
 */
int nightly_load(struct nightly_jobs *jobs, struct strv *standard,
		 struct err *err);
/*
 * Check that a nightly job exists for each word, and at least one in total.
 * Returns 0 or -ENOENT.
 */
int nightly_check_names(const struct nightly_request *r,
			const struct nightly_jobs *jobs, struct err *err);
/*
 * Callback for struct nightly_build_sources: add the words of a configuration
 * and the texts that they name to the digest.  `ctx` is not used.
 */
int nightly_config_texts(void *ctx, const char *kconfig,
			 const struct strv *kconfig_add,
			 struct digest_ctx *into, struct err *err);

#endif
