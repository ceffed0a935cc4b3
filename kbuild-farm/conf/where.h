/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conf/where.h - the file and the line of a setting, through includes.
 */
#ifndef CONF_WHERE_H
#define CONF_WHERE_H

#include "base/buf.h"
#include "conf/scan.h"

/* A file is a megabyte at most, and includes nest ten deep, as in libgit2. */
#define CONF_FILE_MAX  (1u << 20)
#define CONF_DEPTH_MAX 10

/*
 * Read a file whole, which must be a regular one or /dev/null: 0, or a
 * negative errno with `err` naming it.
 */
int conf_where_read(const char *path, struct buf *text, struct err *err);
/*
 * Check the syntax of a file and of those that it includes, and that none
 * is a FIFO, at which libgit2 would wait.  Returns 0 or a negative errno
 * with `err` naming file and line.
 */
int conf_where_check(const char *path, struct err *err);
/*
 * Where the `nth` setting (from 0) of a key to `value` (NULL: without "=")
 * in `path` or the files that it includes is: "FILE:LINE", or `path` itself
 * if it cannot be found.  The caller frees it.
 */
char *conf_where_find(const char *path, const char *section, const char *sub,
		      const char *key, const char *value, unsigned nth);

#endif
