/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/build.h - Builds requested by one `kfarm build` command.
 *
 * Every architecture is built with every configuration.
 */
#ifndef CLI_BUILD_H
#define CLI_BUILD_H

#include "base/buf.h"
#include "cli/config-sources.h"
#include "cli/watch.h"
#include "kernel/build.h"

#include <stdio.h>

/* The command line of `kfarm build`. */
struct build_options {
	struct kconfig_request request; /* common to all builds */
	struct strv arches, kconfigs; /* -a, -k */
	struct strv default_toolchains; /* configured "ARCH=TOOLCHAIN" */
	struct config_sources *config_sources; /* resolves -k and -K */
	struct watch_setup watch;
	const char *color, *ui; /* NULL: auto */
	bool dry_run;
};

enum build_state {
	BUILD_PENDING,
	BUILD_REFUSED, /* an error prevented its start */
	BUILD_FINISHED,
};

struct build {
	struct kconfig_request request;
	char *arch, *config; /* "arm64", "defconfig", for display */
	char *name; /* "arm64-defconfig", unique */
	char *output_dir; /* storage of request.output_dir, or NULL */
	struct kernel_plan plan;
	char *compiler; /* "gcc-12.2.0"; NULL without a plan */
	enum build_state state;
	struct kernel_result result;
	struct err err;
};

struct build_list {
	struct build *builds;
	size_t n_builds;
};

/*
 * Initialize the list of builds that `o` requests, in the order of the command
 * line, without duplicates.  The builds borrow from `o`.  If there are several
 * builds, each has a number, a unique name and its own output directory.
 */
void build_list_make(struct build_list *l, const struct build_options *o,
		     char *const *env);
void build_list_release(struct build_list *l);
/* Append "2/3 arm64 defconfig: ", or nothing if the list has one build. */
void build_list_label(struct buf *out, const struct build *b);

/*
 * Return the worse of two exit statuses.  The order from best to worst is 0,
 * 101, 125, 2, 1, 255, 130; any other status counts as 2.
 */
int build_status_worse(int a, int b);
/*
 * Return the worst status of the builds, each converted as by
 * build_status_for_bisect().
 */
int build_status_worst(const struct build_list *l);
/*
 * Convert an exit status for `git bisect run`, which interprets status 1 as a
 * bad revision.  Does nothing unless a bisection is active in the tree of `r`
 * (a tree that kfarm manages does not count) or in the working directory.
 *
 * Returns 125, which skips the revision, if the revision in the tree of `r`
 * lacks the requested configuration; EXIT_ABORT_BISECT if the error does not
 * depend on the revision; otherwise `status`.  Logs a conversion.
 */
int build_status_for_bisect(const struct kconfig_request *r, int status,
			    enum kernel_cause cause);

/* Print a table with a row per build. */
void build_table_print(FILE *out, const struct build_list *l);

#endif
