/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf/locate.h - Walk through a configuration file and its includes. */
#ifndef CONF_LOCATE_H
#define CONF_LOCATE_H

#include "base/buf.h"
#include "conf/scan.h"

/* Limits of a file's size in bytes and of nested includes, as in libgit2. */
#define CONF_FILE_MAX  (1u << 20)
#define CONF_DEPTH_MAX 10

/*
 * Read a whole file, which must be a regular file or /dev/null.  Returns 0, or
 * a negative errno with `err` naming the file.
 */
int conf_locate_read(const char *path, struct buf *text, struct err *err);
/*
 * Process an item of the file `path`.  Return 0 to continue; any other value
 * ends the walk.
 */
typedef int conf_locate_fn(void *ctx, const char *path,
			   const struct conf_item *item);
/*
 * Call `fn` for each header and key of a file.  After a key `path` of a section
 * [include], also call `fn` for each header and key of the included file.  A
 * missing included file is ignored.  `fn` can be NULL.
 *
 * Returns 0; a nonzero value that `fn` has returned; -ELOOP if includes are
 * nested too deeply; or another negative errno.  After an error that is not a
 * value of `fn`, `err` names the file and, if known, the line.
 */
int conf_locate_walk(const char *path, conf_locate_fn *fn, void *ctx,
		     struct err *err);
/*
 * Check the syntax of a file and of the files that its [include] sections name.
 * Also check that none of these files is a FIFO, on which libgit2 would block.
 * Returns 0, or a negative errno with `err` naming the file and, if known, the
 * line.
 */
int conf_locate_check(const char *path, struct err *err);
/*
 * Find a setting in `path` and its included files.  If the setting occurs
 * several times, `index` selects an occurrence, counted from 0.  `value` is the
 * value of the setting, or NULL for a key without "=".  Returns "FILE:LINE", or
 * `path` if the setting is not found.  The caller frees the result.
 */
char *conf_locate_setting(const char *path, const char *section,
			  const char *sub, const char *key, const char *value,
			  unsigned index);

#endif
