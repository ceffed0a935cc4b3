/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/request.h - what the user asked `kfarm build` for, word for word.
 */
#ifndef KERNEL_REQUEST_H
#define KERNEL_REQUEST_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* [config "NAME"] of the configuration file, with those that it builds on. */
struct kernel_named {
	char *kconfig; /* what -k takes; NULL: not said */
	char *where; /* "FILE:LINE" of that, or of the first of `add` */
	struct strv add; /* what -K takes, in order */
	struct strv add_where; /* of each */
};

/* What servers gave, or what was kept of an earlier time. */
struct kernel_fetched {
	struct strv url; /* word for word */
	struct strv text; /* kernel_config_text() of each */
};

/* Strings are borrowed from the command line; NULL: not given. */
struct kernel_request {
	const char *directory; /* -C */
	const char *tree, *rev; /* --tree, --rev */
	/* Told some times a second while the worktree of `tree` is moved: how
	   many files of how many; may be NULL. */
	void (*moving)(void *ctx, uint64_t done, uint64_t all);
	void *moving_ctx;
	const char *arch; /* -a */
	const char *toolchain; /* -t */
	const struct strv *standard; /* [arch "X"] toolchain, X=TOOLCHAIN */
	const char *kconfig; /* -k */
	struct strv kconfig_add; /* -K, in order */
	const struct kernel_named *named; /* that -k names, else NULL */
	const struct strv *configs; /* names of all there are; may be NULL */
	const struct kernel_fetched *fetched; /* their URLs; may be NULL */
	bool menuconfig; /* --menuconfig: the user edits it before the build */
	bool allow_mismatch; /* --allow-config-mismatch */
	const char *build_dir; /* -b */
	const char *output_dir; /* -o */
	unsigned jobs; /* -j; 0: the sum of the slots */
	struct strv environment; /* -e, NAME=VALUE */
	struct strv variables; /* NAME=VALUE for make */
	struct strv targets;
	bool shell; /* make's is kfarm's: [farm] shell */
	bool forget_probes; /* [farm] remember-probes = no */
	bool fail_fast; /* -F */
	bool no_vmlinux; /* do not copy vmlinux to the output directory */
	bool no_remote; /* --no-remote */
	bool sizes; /* --sizes */
	bool bloat; /* --bloat */
	bool new_warnings; /* -W */
	bool verbose; /* make's output is shown */
	int require_remote; /* percent; 0: not asked for */
	/*
	 * --nightly: whose build it is, "JOB" or, on the way to what broke it,
	 * "JOB/bisect".  Builds of a job have a worktree of their own, and each
	 * of both is held against its own.  NULL: nobody's.
	 */
	const char *nightly;
	/*
	 * One of several builds of a command: its number, from 1, how many they
	 * are, and its name, as "arm64-defconfig", below a build directory that
	 * was given for all.  Else 0, 0, NULL.
	 */
	unsigned number, of;
	const char *part;
};

#endif
