/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kconfig/request.h - Options of `kfarm build` as the user gave them.
 */
#ifndef KCONFIG_REQUEST_H
#define KCONFIG_REQUEST_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* A [config "NAME"] section, including the sections that it is based on. */
struct kconfig_named_config {
	char *base; /* argument for -k, or NULL */
	/* "FILE:LINE" of `base` or, if `base` is NULL, of fragment 0 */
	char *location;
	struct strv fragments; /* arguments for -K, in order */
	struct strv fragment_locations; /* location of each fragment */
};

/* Configurations fetched from servers, or their cached copies. */
struct kconfig_fetched_urls {
	struct strv urls; /* URLs as the user wrote them */
	struct strv texts; /* result of kconfig_decode_text() for each URL */
};

struct cache_setup;

/* All pointers are borrowed.  A pointer is NULL if its option is not given. */
struct kconfig_request {
	const char *directory; /* -C */
	const char *tree, *rev; /* --tree, --rev */
	/*
	 * Called several times a second during the checkout of the worktree of
	 * `tree`, with the number of files done and in total; may be NULL.
	 */
	void (*on_checkout_progress)(void *ctx, uint64_t done, uint64_t all);
	void *checkout_ctx;
	/*
	 * --wait: called with a message before the build waits for a directory
	 * that another process uses; NULL: do not wait
	 */
	void (*on_wait)(void *ctx, const char *text);
	void *wait_ctx;
	const char *arch; /* -a */
	const char *toolchain; /* -t */
	/* "ARCH=TOOLCHAIN" for each section [arch "ARCH"] with a toolchain */
	const struct strv *default_toolchains;
	const char *kconfig; /* -k */
	struct strv fragments; /* -K, in order */
	/* [config "NAME"] section that -k names, or NULL */
	const struct kconfig_named_config *named_config;
	/* names of all [config] sections; may be NULL */
	const struct strv *config_names;
	const struct kconfig_fetched_urls *fetched; /* may be NULL */
	/* --menuconfig: the user edits the .config before the build */
	bool menuconfig;
	bool allow_mismatch; /* --allow-config-mismatch */
	const char *build_dir; /* -b */
	const char *output_dir; /* -o */
	/* -j; 0: sum of the local slots and the slots of all nodes */
	unsigned jobs;
	struct strv environment; /* -e, NAME=VALUE */
	struct strv variables; /* NAME=VALUE, NAME+=VALUE etc. for make */
	struct strv targets;
	bool shell_enabled; /* make uses kfarm's recipe shell ([farm] shell) */
	bool no_probe_cache; /* [farm] remember-probes = no */
	const struct cache_setup *cache; /* the result cache; NULL: not used */
	bool fail_fast; /* -F */
	bool no_vmlinux; /* do not copy vmlinux to the output directory */
	bool no_remote; /* --no-remote */
	bool print_sizes; /* --sizes */
	bool print_bloat; /* --bloat */
	bool fail_on_new_warnings; /* -W */
	bool verbose; /* show make's output */
	bool brief; /* the summary is one line */
	/* --require-remote: minimum percentage of jobs on nodes, or 0 */
	int min_remote_percent;
	/*
	 * --nightly: "JOB", the nightly job of the build, or "JOB/bisect" for
	 * builds that search for the revision that broke the job.  Both names
	 * share a worktree, which no other builds use.  Each name has its own
	 * baseline (the previous build for comparison).  NULL for builds
	 * without --nightly.
	 */
	const char *nightly;
	/*
	 * If one command runs several builds: the number of this build from 1,
	 * the number of builds, and the name of this build, such as
	 * "arm64-defconfig".  The name is also its subdirectory in the build
	 * directory of the command.  For a single build: 0, 0 and NULL.
	 */
	unsigned part_number, n_parts;
	const char *part_name;
};

#endif
