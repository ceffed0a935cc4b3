/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nightly/build-matrix.h - The builds of a job, their inputs and commands. */
#ifndef NIGHTLY_BUILD_MATRIX_H
#define NIGHTLY_BUILD_MATRIX_H

#include "base/buf.h"
#include "base/digest.h"
#include "nightly/conf.h"
#include "nightly/result.h"

/*
 * One build.  `arch`, `kconfig` and `toolchain` are borrowed from the job and
 * NULL if they are not configured.
 */
struct nightly_build {
	const struct nightly_job *job;
	const char *arch, *kconfig, *toolchain;
	char *arch_text; /* "arm64"; the build host's if `arch` is NULL */
	char *config_text; /* kconfig as a file name: "defconfig", "board" */
	char *name; /* "arm64-defconfig-gcc-13", unique in the job */

	/* Set by nightly_build_matrix_resolve(). */
	char *compiler; /* "gcc-13.3.0" */
	struct digest config_id, toolchain_id, options_id;
};

struct nightly_build_matrix {
	/*
	 * in the order of the configured values; `toolchain` varies fastest,
	 * `arch` slowest
	 */
	struct nightly_build *builds;
	size_t n_builds;
};

/*
 * List all combinations of architecture, configuration and toolchain of the
 * job.  Their inputs are not set yet; see nightly_build_matrix_resolve().
 */
void nightly_build_matrix_init(struct nightly_build_matrix *out,
			       const struct nightly_job *job);
/* Free the builds. */
void nightly_build_matrix_release(struct nightly_build_matrix *matrix);
/* Append the names of the job's builds, as in nightly_result.build. */
void nightly_build_matrix_list_names(struct strv *out,
				     const struct nightly_job *job);

/* Inputs that only the caller can determine. */
struct nightly_build_sources {
	/* X=TOOLCHAIN for each [arch "X"] section that sets a toolchain */
	const struct strv *default_toolchains;
	/*
	 * Add to the digest `into` the parts of a kernel configuration that are
	 * not in the tree: the texts of files and URLs, and the values of the
	 * [config "NAME"] section.  Returns 0 or -errno with `err` set.
	 */
	int (*add_config_texts)(void *ctx, const char *kconfig,
				const struct strv *kconfig_add,
				struct digest_ctx *into, struct err *err);
	void *ctx;
};

/*
 * Determine the inputs of the build except for the commit.  The compiler is
 * searched for in the environment of nightly_build_command_add_env().  Returns
 * 0, or -errno with `err` set, for example if the compiler or a configuration
 * file does not exist.
 */
int nightly_build_matrix_resolve(struct nightly_build *p,
				 const struct nightly_build_sources *sources,
				 struct err *err);

/* The user's request. */
struct nightly_build_request {
	bool force;
	bool retry_failed;
};

/*
 * Decide whether to build this commit, and why.  `all` contains the results of
 * all builds of the job, sorted by number.  The inputs of `p` are compared with
 * the inputs recorded in the newest result that has the name of `p` and whose
 * build was completed or timed out.  If a later attempt could not be completed,
 * the build is repeated even if its inputs have not changed.
 */
enum nightly_decision nightly_build_matrix_decide(
	const struct nightly_build *p, const char *commit,
	struct nightly_result *const *all, size_t n,
	const struct nightly_build_request *request);

/*
 * Append the command line of the build.
 *
 * nightly_build_command_add_shown() appends the command that is displayed to
 * the user.  It is written for a shell, and sets $KFARM to the job's `options`.
 * URLs are redacted, except in `options`.
 *
 * nightly_build_command_add_run() appends the arguments for
 * nightly_child_run(), including -o, --nightly, -W and --ui.  The job's
 * `options` are not among them, because nightly_build_command_add_env() stores
 * them in $KFARM.
 */
void nightly_build_command_add_shown(struct buf *out,
				     const struct nightly_build *p,
				     const char *commit);
struct nightly_build_options {
	const char *dir; /* output directory */
	bool progress; /* the log has lines about the progress of the build */
	bool bisecting; /* the build is a step of a bisection */
};
void nightly_build_command_add_run(struct strv *out,
				   const struct nightly_build *p,
				   const char *commit,
				   const struct nightly_build_options *options);
/*
 * Append the environment of the build: the environment of this process without
 * the variables that affect the result, so that a run from a shell and a run
 * from a timer have the same result.  $KFARM contains the job's `options`.
 */
void nightly_build_command_add_env(struct strv *out,
				   const struct nightly_job *job);

#endif
