/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf/walk.h - a configuration file and those that it includes.
 */
#ifndef CONF_WALK_H
#define CONF_WALK_H

#include "base/buf.h"
#include "conf/scan.h"

/* A file is a megabyte at most, and includes nest ten deep, as in libgit2. */
#define CONF_FILE_MAX  (1u << 20)
#define CONF_DEPTH_MAX 10

/* A key in `file`, as conf_scan() tells it. */
typedef void conf_walk_fn(void *ctx, const char *file,
			  const struct conf_item *item);

/*
 * Read a file whole, which must be a regular one or /dev/null: 0, or a
 * negative errno with `err` naming it.
 */
int conf_walk_read(const char *path, struct buf *text, struct err *err);
/*
 * Call `fn` (NULL: only the syntax is of interest) for each key of the file
 * and, where it includes others, of these.  One that is missing is passed
 * over, a FIFO refused.  Returns 0 or a negative errno with `err` naming file
 * and line.
 */
int conf_walk(const char *path, conf_walk_fn *fn, void *ctx, struct err *err);

#endif
