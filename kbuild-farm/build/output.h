/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * build/output.h - the directory that a build leaves behind.
 */
#ifndef BUILD_OUTPUT_H
#define BUILD_OUTPUT_H

#include "base/err.h"

struct build_output {
	char *dir; /* absolute */
	int log; /* build.log, opened for appending */
};

/*
 * Make it: `dir`, or with NULL the next free ~/.cache/kfarm/builds/N, which
 * no other build takes.  What an earlier build left in `dir` under the names
 * that kfarm gives is removed.  -ENOSPC when nothing fits there.
 */
int build_output_make(struct build_output *o, const char *dir, struct err *err);
/* A path in it; the caller frees it. */
char *build_output_path(const struct build_output *o, const char *name);
/* -ENOSPC with `err` set when the file system is full. */
int build_output_check_space(const struct build_output *o, struct err *err);
/* Take the control characters out of build.log, if there are any. */
int build_output_clean_log(const struct build_output *o, struct err *err);
/* The directory with ~ for $HOME, for people; the caller frees it. */
char *build_output_text(const struct build_output *o);
void build_output_release(struct build_output *o);

#endif
