/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/fs.h - Files and directories.
 *
 * Error messages name the path.  The caller frees each path that is returned.
 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <sys/types.h>

bool fs_exists(const char *path);
/* Return true if `dir` has an entry `name`. */
bool fs_exists_in(const char *dir, const char *name);
bool fs_is_dir(const char *path);
/*
 * Return true if both paths name the same directory.  If stat() fails for
 * either path, the paths are compared as texts.
 */
bool fs_is_same_dir(const char *a, const char *b);
/*
 * Open a regular file for reading.  `what` names its content in messages, such
 * as "private key".  Returns a descriptor; -EPERM if group or others can access
 * the file; or another negative errno.
 */
int fs_open_secret(const char *path, const char *what, struct err *err);
/*
 * Read a whole file.  Returns 0, -EFBIG if it is longer than `max` bytes, or
 * another negative errno.
 */
int fs_read(const char *path, size_t max, struct buf *out, struct err *err);
/*
 * Create or replace a file atomically: write a temporary file in the same
 * directory, then rename it.
 */
int fs_write(const char *path, struct bytes in, mode_t mode, struct err *err);
/*
 * Like fs_write(), for a path that the user gave: replaces the target of a
 * symbolic link, and writes to a device or a FIFO in place.  A new file has the
 * mode 0666 before the umask.
 */
int fs_write_follow(const char *path, struct bytes in, struct err *err);
/*
 * Remove from a directory the temporary files that fs_write() and fs_copy()
 * left because their process was killed.
 */
void fs_remove_temp_files(const char *dir);
/*
 * fs_memfd_new() creates a memory file (memfd_create(2)) with the bytes `in`,
 * positioned at its beginning, and stores its descriptor in *fd.  After an
 * error, *fd is -1 or a descriptor that the caller closes.  fs_memfd_read()
 * reads a whole memory file; it returns -EMSGSIZE if the file is longer than
 * `max` bytes.
 */
int fs_memfd_new(struct bytes in, int *fd, struct err *err);
int fs_memfd_read(int fd, size_t max, struct buf *out, struct err *err);
/* Copy a file and its permissions through a temporary file and a rename. */
int fs_copy(const char *from, const char *to, struct err *err);
/*
 * Create the file `name` in the directory `dir` with the first `size_bytes`
 * bytes of `from`, whose file position is neither used nor changed.  `mtime_ns`
 * is in ns since 1970.  Returns 0; -EIO if `from` is too short; or another
 * negative errno.  After an error a part of the file may exist.
 */
int fs_create_at(int dir, const char *name, int from, uint64_t size_bytes,
		 mode_t mode, int64_t mtime_ns);
/* Create a directory and its parents. Returns 0 also if it exists. */
int fs_mkdirs(const char *path, mode_t mode, struct err *err);
/*
 * Append the names in a directory, without "." and "..", to `out` and sort
 * `out`.  Returns 0 or a negative errno.
 */
int fs_list(const char *path, struct strv *out);
/* Like fs_list(), for an open directory, also one opened with O_PATH. */
int fs_list_at(int dir, struct strv *out);
/*
 * Remove a file or directory tree without following symbolic links.  Returns 0
 * also if it does not exist.  fs_remove_at() removes `name`, a single
 * component, from the directory `at`; it returns 0 or a negative errno.
 */
int fs_remove(const char *path, struct err *err);
int fs_remove_at(int at, const char *name);
/*
 * Return the disk space of a file or directory tree in bytes.  Does not follow
 * symbolic links.
 */
uint64_t fs_disk_usage(const char *path);
/*
 * Return true if `name` in the directory `at` is the open file `fd`.  `flags`
 * is 0 or AT_SYMLINK_NOFOLLOW.
 */
bool fs_is_open_as(int fd, int at, const char *name, int flags);
/*
 * Open `name` in the directory `at` with `flags`, without following a symbolic
 * link, and lock it with flock(2).  Returns a descriptor.  The open file still
 * had this name after it was locked.  Returns -EBUSY if another descriptor
 * holds the lock; -EAGAIN if the name was removed or replaced concurrently; or
 * another negative errno.  LOCK_EX needs O_RDWR for a regular file, because
 * flock() otherwise returns EBADF on NFSv4.
 */
int fs_open_locked(int at, const char *name, int flags, int flock_op);
/*
 * Prefix a relative path with the working directory, without resolving links.
 * If the working directory was removed, return a copy of `path`.  No file can
 * be created with this path.
 */
char *fs_make_absolute(const char *path);
/*
 * Return the absolute path without symbolic links, "." and "..", as realpath(3)
 * does.  The path need not exist: the part from the first missing component on
 * is unchanged.  If the working directory was removed, return a copy of a
 * relative path.
 */
char *fs_canonical_path(const char *path);

/*
 * Append an absolute path for display, with ~ for $HOME or for the canonical
 * path of $HOME.
 */
void fs_add_display_path(struct buf *out, const char *path);
/*
 * Return a copy of `path` in which $HOME replaces the ~ of a leading "~/".  The
 * caller frees it.
 */
char *fs_expand_home(const char *path);

/*
 * The user's directories according to the XDG Base Directory Specification.
 * The caller frees the path, which may not exist yet.
 */
char *fs_config_home(void); /* ~/.config/kfarm */
char *fs_cache_home(void); /* ~/.cache/kfarm */
char *fs_data_home(void); /* ~/.local/share/kfarm */
char *fs_state_home(void); /* ~/.local/state/kfarm */
/*
 * Store the path $XDG_RUNTIME_DIR/kfarm in *out.  If the variable is not an
 * absolute path, store /tmp/kfarm-UID or, if this directory cannot be created
 * or is not private, a directory in fs_cache_home().  Creates the directory
 * with mode 0700.  Returns 0 or a negative errno, such as -EPERM if another
 * user owns the directory or can write to it.
 */
int fs_runtime_dir(char **out, struct err *err);
/*
 * Append the existing directories in which fs_runtime_dir() can place files of
 * this user's processes.  Login sessions set XDG_RUNTIME_DIR to /run/user/UID,
 * but cron and system services leave it unset, so the list contains the
 * directories for both cases.  If XDG_RUNTIME_DIR has another value, the list
 * contains only the directory `kfarm` below it.
 */
void fs_runtime_dirs(struct strv *out);

/*
 * Open the directory `path` beneath the directory `root`.  `path` is relative
 * and has no empty, "." or ".." components; the path "" means `root`.  If
 * `create` is set, the function creates missing directories.  Returns an O_PATH
 * descriptor (for "", a duplicate of `root`), -ELOOP if a component is a
 * symbolic link, or another negative errno.
 */
int beneath_open(int root, const char *path, bool create);

/*
 * Return the other processes that hold a lock (flock(2)) on a file, such as "12
 * (make), 14 (kfarm)", or "another process" if /proc/locks names none.  The
 * caller frees the text.
 */
char *lock_holders(const char *path);

#endif
