/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/redirect.h - Redirections applied to this process and undone.
 */
#ifndef SHELL_REDIRECT_H
#define SHELL_REDIRECT_H

#include "shell/ast.h"

#include <stdbool.h>

struct shell;

#define SHELL_REDIRECT_N_FDS 10

/* Saved copies of the descriptors 0 to 9. */
struct shell_saved_fds {
	int fds[SHELL_REDIRECT_N_FDS];
	/* closed_fds of struct shell; NULL if dash saves no descriptors */
	unsigned *closed_fds;
};

/*
 * Mark all descriptors as not replaced.  `closed_fds` belongs to struct shell;
 * it is NULL for redirections that dash performs in a child.
 */
void shell_redirect_init_saved(struct shell_saved_fds *aside,
			       unsigned *closed_fds);

/*
 * Expand the words of `list` for shell_redirect_apply().  *out is an array in
 * the shell's arena with one element per redirection: the expanded word, or
 * NULL for a here-document or a redirection without a word.  Returns 0, or an
 * error that ends the shell.
 */
int shell_redirect_expand(struct shell *sh, const struct shell_redir *list,
			  const char ***out);
/*
 * Apply redirections in order.  A here-document is expanded when its
 * redirection is applied.  Replaced descriptors are stored in `saved`; if
 * `saved` is NULL, they are closed.  Returns 0, or the status 2 after printing
 * dash's message; earlier redirections then remain applied.
 */
int shell_redirect_apply(struct shell *sh, const struct shell_redir *list,
			 const char *const *words,
			 struct shell_saved_fds *saved);

/*
 * Move `fd` to the descriptor `to`, or close `to` if `fd` is -1.  `saved` is as
 * for shell_redirect_apply().
 */
void shell_redirect_fd(struct shell_saved_fds *saved, int to, int fd);
/*
 * Move `fd` to a number above those that a script can redirect.  Closes the old
 * descriptor.  Returns the new descriptor, or -1 if no descriptor is free.
 */
int shell_redirect_move_high(int fd);
/* Restore the saved descriptors, or close the copies if `discard` is set. */
void shell_redirect_restore(struct shell_saved_fds *saved, bool discard);

#endif
