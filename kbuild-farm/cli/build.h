/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/build.h - Builds requested by one `kfarm build` command.
 *
 * The command builds each given configuration for each given architecture.
 */
#ifndef CLI_BUILD_H
#define CLI_BUILD_H

#include "cli/config-sources.h"
#include "cli/settings.h"
#include "cli/watch.h"
#include "kernel/build.h"

/* The command line of `kfarm build`. */
struct build_options {
	struct kconfig_request request; /* common to all builds */
	struct strv arches, kconfigs; /* -a, -k */
	struct strv default_toolchains; /* configured "ARCH=TOOLCHAIN" */
	struct config_sources *config_sources; /* resolves -k and -K */
	struct watch_setup watch;
	const char *color, *ui; /* NULL: auto */
	enum settings_cache_mode cache_mode;
	bool dry_run;
	bool wait; /* --wait */
};

enum build_state {
	BUILD_PENDING,
	BUILD_REFUSED, /* an error prevented the start */
	BUILD_FINISHED,
};

struct build {
	struct kconfig_request request;
	char *arch, *config; /* "arm64", "defconfig", for display */
	char *name; /* "arm64-defconfig", unique */
	/*
	 * path of this build's subdirectory in the requested output directory;
	 * request.output_dir borrows this string.  NULL if there is only one
	 * build or no output directory was requested.
	 */
	char *output_dir;
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
 * builds, the request of each build contains its part number and its unique
 * name.  The output directory of each build is then a subdirectory of the
 * output directory of `o`, if `o` has an output directory.
 */
void build_list_make(struct build_list *l, const struct build_options *o,
		     char *const *env);
void build_list_release(struct build_list *l);

/*
 * Return the worse of two exit statuses.  The order from best to worst is 0,
 * 101, 125, 2, 1, 255, 130; any other status counts as 2.
 */
int build_status_worse(int a, int b);

#endif
