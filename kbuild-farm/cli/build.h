/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/build.h - what the files of `kfarm build` share: the command, and the
 * builds that it asks for, every architecture with every configuration.
 */
#ifndef CLI_BUILD_H
#define CLI_BUILD_H

#include "base/buf.h"
#include "cli/configs.h"
#include "cli/watch.h"
#include "kernel/build.h"

#include <stdio.h>

/* The command line, read. */
struct build_options {
	struct kernel_request request; /* what all of its builds share */
	struct strv arches, kconfigs; /* -a, -k */
	struct strv standard; /* toolchains of the configuration */
	struct configs *configs; /* what -k and -K name there, and URLs */
	struct watch_setup watch;
	const char *color, *ui; /* NULL: auto */
	bool dry_run;
};

enum build_state {
	BUILD_WAITS,
	BUILD_REFUSED, /* nothing was begun */
	BUILD_ENDED,
};

/* One of them. */
struct build {
	struct kernel_request request;
	char *arch, *config; /* "arm64", "defconfig": for people */
	char *name; /* "arm64-defconfig" */
	char *output_dir; /* its own; or NULL */
	struct kernel_plan plan;
	char *compiler; /* "gcc-12.2.0"; NULL: it has no plan */
	enum build_state state;
	struct kernel_result result;
	struct err err;
};

struct build_list {
	struct build *v;
	size_t n;
};

/*
 * The builds that `o` asks for, in its order and each once.  They borrow from
 * `o`; where there are several, each has a number and directories of its own.
 */
void build_list_make(struct build_list *l, const struct build_options *o,
		     char *const *env);
void build_list_release(struct build_list *l);
/* Append "2/3 arm64 defconfig: "; nothing for the only one. */
void build_list_label(struct buf *out, const struct build *b);

/*
 * Do what is asked for, to the end, and print everything but the progress.
 * Returns the exit status: the worst of all builds.
 */
int build_run(struct build_options *o, const struct node_roster *roster,
	      struct build_list *l);

/*
 * The worse of two exit statuses.  That which leaves more open is worse:
 * 0, 101, 125, 2, 1, 255, 130.
 */
int build_status_worse(int a, int b);
/* The worst of a list. */
int build_status_worst(const struct build_list *l);
/*
 * The same for `git bisect run`, where the tree of the request (unless kfarm
 * manages it) or of this directory is being bisected: there 1 would mean that
 * the revision is bad.  What the revision itself lacks is 125, what it has no
 * part in EXIT_STOPS_BISECT.  A line on stderr says so.
 */
int build_status_bisected(const struct kernel_request *r, int status,
			  enum kernel_cause cause);

/* A line for each build. */
void build_table_print(FILE *out, const struct build_list *l);

#endif
