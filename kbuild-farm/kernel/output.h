/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/output.h - the directory that a build leaves behind.
 */
#ifndef KERNEL_OUTPUT_H
#define KERNEL_OUTPUT_H

#include "base/err.h"

/* In it, while artifacts are collected: what is installed to be packed. */
#define KERNEL_OUTPUT_STAGE ".stage"

struct kernel_output {
	char *dir; /* absolute */
	int log; /* build.log, opened for appending */
};

/*
 * Make it: `dir`, or with NULL the next free ~/.cache/kfarm/builds/N, which
 * no other build takes.  What an earlier build left in `dir` is removed, as far
 * as its metadata.json lists it or kfarm always gives that name.  -ENOSPC when
 * nothing fits there.
 */
int kernel_output_make(struct kernel_output *o, const char *dir,
		       struct err *err);
/* A path in it; the caller frees it. */
char *kernel_output_path(const struct kernel_output *o, const char *name);
/* Take the control characters out of build.log, if there are any. */
int kernel_output_clean_log(const struct kernel_output *o, struct err *err);
/* The directory with ~ for $HOME, for people; the caller frees it. */
char *kernel_output_text(const struct kernel_output *o);
void kernel_output_release(struct kernel_output *o);

#endif
