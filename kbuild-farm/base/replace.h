/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/replace.h - Atomic replacement of a file.
 *
 * The new content is written to a temporary file in the same directory, which
 * is then renamed, so a reader sees the old content or the new content.  The
 * steps are:
 *
 *	1. replace_open() or replace_open_lock() creates the temporary file.
 *	2. The caller writes to r.fd.
 *	3. replace_close() renames the temporary file or, after an error of the
 *	   caller, removes it.
 *
 * Error messages name the file.  This module depends only on libc, because the
 * wrapper uses it.
 */
#ifndef BASE_REPLACE_H
#define BASE_REPLACE_H

#include "base/bytes.h"
#include "base/err.h"

#include <sys/types.h>

struct replace {
	char *path, *temp_path;
	int fd;
	bool durable; /* set by the caller: flush the file to disk */
};

/*
 * The temporary file is .NAME.kfarm.NUMBER.  replace_is_temp() recognizes such
 * a name.  The number is the thread's ID.  If a temporary file with this name
 * exists, the number gets further digits, so concurrent writers never share a
 * temporary file, even if they have equal thread IDs in different PID
 * namespaces.
 */
int replace_open(struct replace *r, const char *path, mode_t mode,
		 struct err *err);
bool replace_is_temp(const char *name);
/*
 * Like replace_open(), but the temporary file is PATH.lock, as in git.  Returns
 * -EEXIST if another process is replacing the file.
 */
int replace_open_lock(struct replace *r, const char *path, mode_t mode,
		      struct err *err);
/*
 * Close and rename the temporary file if `ret` is 0, else remove it.  If
 * r->durable is set, the new content survives a power failure.  Returns `ret`
 * or the first error.  An error sets `err` to "PATH: TEXT".
 */
int replace_close(struct replace *r, int ret, struct err *err);

#endif
