/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/redirect.h - redirections, done in this process and undone.
 */
#ifndef SHELL_REDIRECT_H
#define SHELL_REDIRECT_H

#include "shell/node.h"

struct shell;

#define SHELL_REDIRECT_FDS 10

/* Where the descriptors 0 to 9 were put aside. */
struct shell_put_aside {
	int at[SHELL_REDIRECT_FDS];
};

void shell_put_aside_init(struct shell_put_aside *aside);

/*
 * What the words of `list` come to, for shell_redirect(); one for each, in the
 * shell's arena; none for a here-document.  0, or an error that ends the shell.
 */
int shell_redirect_expand(struct shell *sh, const struct shell_redir *list,
			  const char ***out);
/*
 * Do them in their order; here-documents are expanded when it is their turn.
 * What is replaced is put `aside`; NULL: for good.  0, or the status 2 after
 * dash's words; those before it are done then.
 */
int shell_redirect(struct shell *sh, const struct shell_redir *list,
		   const char *const *words, struct shell_put_aside *aside);

/* Make `fd` the descriptor `to`, or nothing's where it is -1. */
void shell_redirect_one(struct shell_put_aside *aside, int to, int fd);
/*
 * Move `fd` to where no script can name it, and close it.  Returns what it is
 * now; -1: there are no more.
 */
int shell_redirect_hide(int fd);
/* Take back what was put aside; `drop`: forget it instead. */
void shell_redirect_undo(struct shell_put_aside *aside, bool drop);

#endif
