/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/install-dir.h - The directory DATA/toolchains.
 *
 *	ID/		an installed toolchain
 *	.live/PID.N/	scratch directory of a process (store/scratch-dir.h)
 *	.lock.ID	flock'ed by the process that installs ID
 *
 * A directory ID is added and removed as a whole, by one rename.
 */
#ifndef TOOLCHAIN_INSTALL_DIR_H
#define TOOLCHAIN_INSTALL_DIR_H

#include "store/scratch-dir.h"

#include <stdbool.h>

/* A zeroed struct is closed. */
struct toolchain_install_dir {
	char *path; /* DATA/toolchains */
	int dir_fd, scratch_root_fd; /* DATA/toolchains and .live */
	int scratch_fd; /* .live/PID.N, locked; -1: not created yet */
	char scratch_name[STORE_SCRATCH_NAME_MAX];
};

/*
 * Open DATA/toolchains, create it if necessary, and remove scratch directories
 * and locks of dead processes.  Returns 0 or a negative errno.
 */
int toolchain_install_dir_open(struct toolchain_install_dir *p,
			       const char *data, struct err *err);
/* Close the directory and remove the scratch directory with its content. */
void toolchain_install_dir_close(struct toolchain_install_dir *p);

/*
 * Create the scratch directory if necessary.  Return the absolute path of
 * `name` in it, or NULL with `err` set.  The caller frees the path.
 */
char *toolchain_install_dir_scratch_path(struct toolchain_install_dir *p,
					 const char *name, struct err *err);
/*
 * Rename `name` in the scratch directory to `id`.  The files are flushed to
 * disk before the rename, and the directory after it.  With `replace`, an
 * existing directory `id` is moved into the scratch directory and is removed on
 * close.  Returns 0, -EEXIST or another negative errno.
 */
int toolchain_install_dir_publish(struct toolchain_install_dir *p,
				  const char *name, const char *id,
				  bool replace, struct err *err);
/*
 * Remove the directory `id`, which the caller has locked.  The name disappears
 * at once, by a rename.  Creates no directory, so the removal succeeds on a
 * full disk.  Returns 0, -ENOENT or another negative errno.
 */
int toolchain_install_dir_remove(struct toolchain_install_dir *p,
				 const char *id, struct err *err);

/*
 * Acquire the lock for installing `id`.  Returns a descriptor for
 * toolchain_install_dir_unlock(), -EAGAIN if another process or thread holds
 * the lock, or another negative errno.  Does not block.
 */
int toolchain_install_dir_lock(struct toolchain_install_dir *p, const char *id,
			       struct err *err);
void toolchain_install_dir_unlock(struct toolchain_install_dir *p,
				  const char *id, int fd);

#endif
