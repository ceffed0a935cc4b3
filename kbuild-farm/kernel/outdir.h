/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/outdir.h - Output directory of a build and free disk space.
 */
#ifndef KERNEL_OUTDIR_H
#define KERNEL_OUTDIR_H

#include "base/err.h"

#include <stdint.h>

/* free bytes below which no build starts */
#define KERNEL_DISK_SPACE_MIN (UINT64_C(1) << 20)

/*
 * Check the free space of the file system of `dir`.  Returns 0; -ENOSPC, with
 * `err` naming the directory and what to do, if the user has less than
 * `min_bytes`; another negative errno if the file system cannot be queried.
 */
int kernel_disk_space_check(const char *dir, uint64_t min_bytes,
			    struct err *err);
/*
 * Return the bytes available to the user in the file system of `dir`, or 0 if
 * it cannot be queried.
 */
uint64_t kernel_disk_space_available(const char *dir);

/* Subdirectory for installations while artifacts are collected. */
#define KERNEL_OUTDIR_STAGE ".stage"

struct kernel_outdir {
	char *dir; /* absolute */
	int log_fd; /* build.log, opened for appending */
};

/*
 * Create the output directory `dir`.  If `dir` is NULL, create the next unused
 * ~/.cache/kfarm/builds/N, which no other build takes.  Files of an earlier
 * build in `dir` are removed if its metadata.json lists them or kfarm always
 * uses their names.  Returns 0, -ENOSPC if the disk is full, or another
 * negative errno.
 */
int kernel_outdir_make(struct kernel_outdir *o, const char *dir,
		       struct err *err);
/* Return the path of `name` in the directory. The caller frees it. */
char *kernel_outdir_path(const struct kernel_outdir *o, const char *name);
/* Remove control characters from build.log. Returns 0 or a negative errno. */
int kernel_outdir_clean_log(const struct kernel_outdir *o, struct err *err);
/* Return the directory with ~ for $HOME, for display. The caller frees it. */
char *kernel_outdir_display_path(const struct kernel_outdir *o);
/* Close the log and free the path. */
void kernel_outdir_release(struct kernel_outdir *o);

#endif
