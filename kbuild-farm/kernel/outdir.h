/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/outdir.h - Output directory of a build and free disk space.
 */
#ifndef KERNEL_OUTDIR_H
#define KERNEL_OUTDIR_H

#include "base/err.h"
#include "base/json.h"

#include <stdint.h>

/* free bytes below which no build starts */
#define KERNEL_DISK_SPACE_MIN (UINT64_C(1) << 20)
/* free bytes below which the disk is full: every program will fail */
#define KERNEL_NO_SPACE_BYTES (UINT64_C(16) << 10)

/*
 * Check the free space of the file system of `dir`.  The user needs `min_bytes`
 * free bytes, and one free inode for each 16 KiB of `min_bytes`.  Returns 0;
 * -ENOSPC if the space does not suffice, with `err` naming the directory and
 * what to do; another negative errno if the file system cannot be queried.
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

/* An empty struct is zeroed, except that its descriptors are -1. */
struct kernel_outdir {
	char *dir; /* absolute */
	int64_t number; /* number of the build; 0: not numbered */
	int log_fd; /* build.log, opened for appending */
	int lock_fd; /* exclusive lock of `dir` while the build runs, or < 0 */
};

/* Format of metadata.json (kernel/metadata.h). */
extern const struct json_file kernel_outdir_metadata;
/*
 * Read DIR/metadata.json.  Returns a new reference, or NULL if the file is
 * missing or invalid.
 */
json_t *kernel_outdir_read_metadata(const char *dir);

/* Highest number of a build. */
#define KERNEL_OUTDIR_NUMBER_MAX (1L << 30)

/*
 * Return the path ~/.cache/kfarm/builds, the parent of the default output
 * directories.  This directory need not exist.  The caller frees the path.
 */
char *kernel_outdir_top(void);
/*
 * Allocate a number for a build or a command that has no default output
 * directory.  The number is higher than all numbers in the history and in
 * ~/.cache/kfarm/builds, where an empty file reserves the number until a build
 * gets the next one.  Returns 0 if that directory cannot be written; the
 * history then chooses the number.
 */
int64_t kernel_outdir_reserve_number(void);
/*
 * Create the output directory of a build and allocate the number of the build.
 * If `dir` is NULL, create ~/.cache/kfarm/builds/N for the number N.
 * `locked_dir` is the build directory, which the caller has locked, or NULL.
 * `dir` and `locked_dir` can name the same directory.  Returns the same values
 * as kernel_outdir_make().
 */
int kernel_outdir_make_numbered(struct kernel_outdir *o, const char *dir,
				const char *locked_dir, struct err *err);
/*
 * Create the output directory `dir` without a number.  Files of an earlier
 * build in `dir` are removed if its metadata.json lists them or kfarm always
 * uses their names.  Returns 0; -EINVAL if `dir` is ~/.cache/kfarm/builds/N;
 * -EBUSY if another build uses `dir`; -EEXIST if `dir` contains a file with a
 * name that kfarm always uses, but neither a build.log nor a metadata.json;
 * -ENOSPC if the disk is full; or another negative errno.
 */
int kernel_outdir_make(struct kernel_outdir *o, const char *dir,
		       struct err *err);
/* Return the path of `name` in the directory. The caller frees it. */
char *kernel_outdir_path(const struct kernel_outdir *o, const char *name);
/* Remove control characters from build.log. Returns 0 or a negative errno. */
int kernel_outdir_clean_log(const struct kernel_outdir *o, struct err *err);
/* Return the directory with ~ for $HOME, for display. The caller frees it. */
char *kernel_outdir_display_path(const struct kernel_outdir *o);
/* Close the log, release the lock and free the path. */
void kernel_outdir_release(struct kernel_outdir *o);

#endif
