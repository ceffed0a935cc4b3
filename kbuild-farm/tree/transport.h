/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/transport.h - libgit2's ways to a server, watched, and our own to ssh.
 *
 * Each byte that comes shows that the server lives.  What its first packet
 * announces tells a repository of SHA-256 objects, which libgit2 1.5 takes for
 * garbage, and is kept from offering thin packs, which it is slow with.  ssh is
 * the program (tree/ssh.h).
 */
#ifndef TREE_TRANSPORT_H
#define TREE_TRANSPORT_H

#include "tree/worker.h"

/* In a child of tree_worker_run(), once, after git_libgit2_init(). */
int tree_transport_register(struct tree_worker *w, struct err *err);
/* Did the server that was talked to last announce SHA-256 objects? */
bool tree_transport_is_sha256(void);

#endif
