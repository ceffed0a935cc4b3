/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/git.h - Helpers for libgit2: errors, clones and paths.
 */
#ifndef TREE_GIT_H
#define TREE_GIT_H

#include "base/err.h"

/* libgit2 1.9 declares git_error_set_str() in a separate header. */
#include <git2.h>
#if __has_include(<git2/sys/errors.h>)
#include <git2/sys/errors.h>
#endif
#include <stdbool.h>
#include <sys/types.h>

/* Maximum length of a path in a tree. */
#define TREE_PATH_MAX 4000

/*
 * Return true if `name` can be a path component: it is not empty, has at most
 * NAME_MAX bytes and no slash, and is not ".", "..", ".git" or "git~1" (in
 * lower or upper case).  "git~1" is the short name of ".git" on some file
 * systems.
 */
bool tree_path_check_is_valid_name(const char *name);
/*
 * Check all components of a relative path.  Returns 0, or -EINVAL with the path
 * in `err`.
 */
int tree_path_check(const char *path, struct err *err);

/*
 * Initialize libgit2 such that it opens repositories with per-worktree settings
 * and repositories of other users.  A repository of another user is safe,
 * because no program that a repository names is executed.  Each call is paired
 * with a call of git_libgit2_shutdown().  Threads can call this function
 * concurrently.
 */
void tree_git_init(void);
/*
 * Set `err` to the formatted text and libgit2's message.  `code` is the
 * negative result of a libgit2 function.  Returns -ENOENT for a missing object,
 * -ENOSPC or -EACCES if libgit2's message contains the text of that errno,
 * -EPROTONOSUPPORT for an SHA-256 repository, else -EIO.
 */
int tree_git_set_error(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * Set the error for an SHA-256 repository whose path or URL is `where`.
 * Returns -EPROTONOSUPPORT.
 */
int tree_git_set_sha256_error(struct err *err, const char *where);

/* File that lists the object directories from which a repository borrows. */
#define TREE_GIT_ALTERNATES     "objects/info/alternates"
#define TREE_GIT_ALTERNATES_MAX (1u << 16) /* bytes */

struct strv;

/* Parse a commit id of 40 digits.  Returns 0, or -EINVAL with `err` set. */
int tree_git_parse_id(struct git_oid *id, const char *hex, struct err *err);
/*
 * Open the clone at `source`.  Returns 0; -ENOTSUP for a partial clone, which
 * lacks objects; or another negative errno.  The caller frees *out.
 */
int tree_git_open_clone(const char *source, struct git_repository **out,
			struct err *err);
/*
 * Check that each URL and refspec of a remote, and each url.*.insteadOf and
 * url.*.pushInsteadOf, has a value in the configuration of the repository.
 * libgit2 1.5 crashes if some of these settings have no value.  Returns 0;
 * -EINVAL with the name of the setting in `err`; or another negative errno.
 */
int tree_git_check_remotes(struct git_repository *repo, struct err *err);
/*
 * Add the environment to `env`, except variables that name another repository
 * or a version of git's protocol.  git sets these variables for a hook or a
 * server, and either may run kfarm.
 */
void tree_git_add_environment(struct strv *env);
/*
 * Wait for a program of git and return its wait status.  If this process is
 * interrupted, end the program by SIGTERM, which makes git remove its temporary
 * files and restore the terminal.
 */
int tree_git_wait(pid_t pid);

#endif
