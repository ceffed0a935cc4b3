/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox/input-root.h - Editing of the input root from outside the sandbox.
 *
 * The files are edited through two descriptors of the sandbox's tmpfs: the root
 * that jobs see, and a stage directory that they do not see.  A new entry is
 * made in the stage and moved into place by rename(2).
 *
 * An edit does not follow symbolic links in a path.  No two paths share an
 * inode, because clang would treat them as the same file.
 *
 * sandbox/input-root.c also defines sandbox_put_*(), sandbox_remove_path() and
 * sandbox_freeze(), which sandbox/sandbox.h declares.
 */
#ifndef SANDBOX_INPUT_ROOT_H
#define SANDBOX_INPUT_ROOT_H

#include "base/err.h"
#include "base/map.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Open the directory that contains `path`, which is in normal form, with
 * O_PATH.  *leaf is the last component, borrowed from `path`.  With `create`,
 * missing directories are created.  Returns a descriptor; -ELOOP if a component
 * is a symbolic link; -ENOTDIR, -ENOENT or another negative errno.
 */
int sandbox_input_root_open_parent(int root, const char *path, bool create,
				   const char **leaf);

/*
 * Resolve the symbolic links of `path` inside the input root.  Returns 0 with a
 * path without links in *resolved, which the caller frees; -ENOENT; or -ELOOP
 * after 40 links.
 */
int sandbox_input_root_resolve(int root, const char *path, char **resolved);

struct sandbox_input_root {
	int root_fd; /* -1: none */
	int stage_fd;
	/*
	 * Owner of the tmpfs.  Only this user can create files in it, because
	 * root is not mapped in the sandbox's user namespace.  A kfarmd of root
	 * therefore assumes these file system ids during an edit.
	 */
	uid_t uid;
	gid_t gid;
	/* number of the next name in the stage */
	unsigned long next_stage_name;
	/* paths that were added before the freeze, and their parents */
	struct map entries;
	bool frozen;
};

/* Initialize `v` and take ownership of both descriptors. */
void sandbox_input_root_init(struct sandbox_input_root *v, int root, int stage,
			     uid_t uid, gid_t gid);
/* Close the descriptors and free the table of paths. */
void sandbox_input_root_release(struct sandbox_input_root *v);

/* Return true if `path` is in the normal form of sandbox/sandbox.h. */
bool sandbox_input_root_is_normal(const char *path);

#endif
