/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/credential.h - the name and password that an HTTP server asks for.
 *
 * They are those of `git credential fill` (git-credential(1)), so that the
 * user's helpers are asked; without a terminal nobody else is.  What worked is
 * approved afterwards, what did not is rejected.
 */
#ifndef TREE_CREDENTIAL_H
#define TREE_CREDENTIAL_H

#include "tree/worker.h"

#include <git2.h>

/* A zeroed one has asked nothing yet. */
struct tree_credential {
	struct tree_worker *worker;
	char *description; /* as git credential printed it; NULL: none */
	unsigned tries;
};

/* A git_credential_acquire_cb whose payload is a struct tree_credential. */
int tree_credential_acquire(git_credential **out, const char *url,
			    const char *user, unsigned types, void *payload);
/* It was let in (or not) with what was given, if anything was. */
void tree_credential_end(struct tree_credential *c, bool let_in);

#endif
