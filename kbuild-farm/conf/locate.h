/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conf/locate.h - Search for the file and line of a setting. */
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
