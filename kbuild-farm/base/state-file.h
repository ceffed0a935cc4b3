/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/state-file.h - Small files that kfarm writes and reads back.
 *
 * Each file format has a static struct state_file.  Its decoder detects damaged
 * content; this module rejects files that kfarm cannot have written.  For files
 * that the user names, which can be pipes or links, use base/fs.h.
 *
 * This module depends only on libc, because the wrapper uses it.
 */
#ifndef BASE_STATE_FILE_H
#define BASE_STATE_FILE_H

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

struct state_file {
	size_t max_bytes; /* a longer file is invalid */
	mode_t mode; /* permissions of a new file, before the umask */
	/*
	 * Reject a file that belongs to neither this user nor root.  The
	 * content is trusted, and another user may have access to the
	 * directory.
	 */
	bool is_private;
	/* The content must survive a power failure. */
	bool durable;
};

/*
 * Append the content of the file to `out`.  Does not block on a FIFO and does
 * not follow a symbolic link.  Returns 0; -ENOENT; -ELOOP for a symbolic link;
 * -EINVAL for any other file that is not regular; -EPERM if `is_private` is set
 * and the file belongs to neither this user nor root; -EFBIG; or another
 * negative errno.
 */
int state_file_read(const struct state_file *f, const char *path,
		    struct buf *out, struct err *err);
/*
 * Return true if the error `ret` means that the file can be replaced without
 * loss: the file does not exist, or kfarm cannot have written its content.
 * `ret` is an error of state_file_read(), or -EINVAL of a decoder.  Returns
 * false for any other error, which can be temporary.
 */
bool state_file_is_replaceable(int ret);
/* Create or replace the file atomically (base/replace.h). */
int state_file_write(const struct state_file *f, const char *path,
		     struct bytes in, struct err *err);

#endif
