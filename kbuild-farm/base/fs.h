/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/fs.h - files and directories.  Errors name the path.
 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <sys/types.h>

bool fs_exists(const char *path);
bool fs_is_dir(const char *path);
/* Reads all of a file: 0, -EFBIG beyond `max` bytes, or a negative errno. */
int fs_read(const char *path, size_t max, struct buf *out, struct err *err);
/* Makes or replaces a file in one step: a temporary beside it, a rename. */
int fs_write(const char *path, struct bytes in, mode_t mode, struct err *err);
/*
 * The same for a name that the user gave: what a symbolic link leads to is
 * replaced, and to a device or a FIFO it is written.
 */
int fs_write_named(const char *path, struct bytes in, mode_t mode,
		   struct err *err);
/* write(2) until all is written: 0 or a negative errno. */
int fs_write_all(int fd, struct bytes in);
/* Remove what fs_write() and fs_copy() left in a directory when they were
   killed. */
void fs_remove_temporaries(const char *dir);
/*
 * A file in memory with these bytes, in *fd, to be read from its beginning;
 * and what somebody wrote to one, -EMSGSIZE beyond `max` bytes.
 */
int fs_memory(struct bytes in, int *fd, struct err *err);
int fs_memory_read(int fd, size_t max, struct buf *out, struct err *err);
/* Copies a file with its permissions, through a temporary and a rename. */
int fs_copy(const char *from, const char *to, struct err *err);
/*
 * Make the file `name` below the directory `dir` with the first `size` bytes
 * of `from`, whose position is neither used nor moved; the time is in ns since
 * 1970.  0; -EIO where there are fewer bytes; or a negative errno, and then
 * perhaps a part of the file.
 */
int fs_make_at(int dir, const char *name, int from, uint64_t size, mode_t mode,
	       int64_t mtime_ns);
/* mkdir -p; 0 when it stands already. */
int fs_mkdirs(const char *path, mode_t mode, struct err *err);
/* The names in a directory but "." and "..", sorted: 0 or a negative errno. */
int fs_list(const char *path, struct strv *out);
/* The same of `name` below the directory `at`, which may be no link. */
int fs_list_at(int at, const char *name, struct strv *out);
/*
 * rm -r, without following symbolic links; 0 when there is nothing.  _at():
 * `name`, one component, of the directory `at`; 0 or a negative errno.
 */
int fs_remove(const char *path, struct err *err);
int fs_remove_at(int at, const char *name);
/*
 * Open `name` of the directory `at` with these flags, following no link, and
 * flock(2) it.  A descriptor of what has that name even now; -EBUSY: another
 * has it locked; -EAGAIN: it lost its name meanwhile; or a negative errno.
 */
int fs_lock(int at, const char *name, int flags, int how);
/* The path made absolute with our working directory, not resolved. */
char *fs_absolute(const char *path);

/*
 * The user's directories, after the XDG base directory specification; the
 * caller frees the path, which may not exist yet.
 */
char *fs_config_home(void); /* ~/.config/kfarm */
char *fs_cache_home(void); /* ~/.cache/kfarm */
char *fs_data_home(void); /* ~/.local/share/kfarm */
char *fs_state_home(void); /* ~/.local/state/kfarm */
/*
 * $XDG_RUNTIME_DIR/kfarm, or a private directory below /tmp where that is
 * not set.  Made with mode 0700; refused when it is not ours.
 */
int fs_runtime_dir(char **out, struct err *err);

#endif
