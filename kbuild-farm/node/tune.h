/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/tune.h - what a profile comes to on one node: each file under /sys, what
 * is in it and what is to be.
 *
 * templates/tune/node.sh runs on the node (node/remote.h) three times at most:
 * to look, to apply, to revert.  What it prints is read here; what it is told
 * is made here, of words that cannot be anything else in a shell.  The files
 * are those of the kernel's documentation: admin-guide/pm/cpufreq.rst,
 * admin-guide/pm/intel_pstate.rst, ABI/testing/sysfs-class-devfreq and
 * sysfs-class-thermal.
 */
#ifndef NODE_TUNE_H
#define NODE_TUNE_H

#include "base/buf.h"
#include "node/profile.h"

struct node_tune_item {
	char *what; /* "max-frequency of CPUs 0-3"; NULL of `before` */
	char *path; /* the file, or the service's unit */
	char *now; /* as the file has it; NULL: no such file */
	char *wanted; /* NULL where that is not known */
	char *skip; /* why it stays as it is; NULL: it is set */
	bool service;
};

struct node_tune {
	char *model, *kernel; /* what it says it is */
	char *warning; /* the profile is for another board; or NULL */
	char *start; /* how it starts things: systemd ... none */
	struct node_tune_item *v;
	size_t n;
	struct node_tune_item *before; /* what `revert` would bring back */
	size_t n_before;
};

/* The script that looks, for a profile; appended to `out`. */
void node_tune_look(const struct node_profile *p, struct buf *out);
/*
 * What that one printed, as a plan.  -EPROTO with `err` set when it is not the
 * script's.
 */
int node_tune_plan(struct node_tune *t, const struct node_profile *p,
		   struct bytes said, struct err *err);
void node_tune_release(struct node_tune *t);

/* How many are to be set, whatever they are now. */
size_t node_tune_count(const struct node_tune *t);
/* The script that sets the plan, and what it reads on its standard input. */
void node_tune_apply(const struct node_tune *t, struct buf *script,
		     struct buf *input);
/* The one that brings back what was there before. */
void node_tune_revert(struct buf *script);

#endif
