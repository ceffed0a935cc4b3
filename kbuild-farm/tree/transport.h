/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/transport.h - libgit2's transports with ssh and monitoring.
 *
 * Every transport reports received bytes, which show that the server is alive.
 * In the server's first packet, the transport detects an SHA-256 repository,
 * which libgit2 1.5 rejects with an unclear error, and hides the capability
 * "thin-pack", because libgit2 1.5 resolves thin packs slowly.
 *
 * ssh runs as a program, so that ~/.ssh/config, agent, keys and known_hosts
 * apply as for git.  libgit2 would use libssh2 1.10, which reads no
 * configuration and cannot make the RSA signatures that OpenSSH 8.8 and later
 * require.  BatchMode suppresses questions, so an unknown host key is an error.
 * GIT_SSH_COMMAND is respected.
 */
#ifndef TREE_TRANSPORT_H
#define TREE_TRANSPORT_H

#include "tree/worker.h"

/*
 * Register the transports, once, in a child of tree_worker_run() after
 * git_libgit2_init().  Returns 0 or -EIO.
 */
int tree_transport_register(struct tree_worker *w, struct err *err);
/* Return true if the last contacted server announced an SHA-256 repository. */
bool tree_transport_is_sha256(void);
/* Return true if the last contacted server announced a shallow repository. */
bool tree_transport_is_shallow(void);
/*
 * Let the next connection to a file URL execute `git upload-pack` for the
 * repository at `path`.  If `path` is NULL, libgit2 reads the repository of the
 * URL, which is the default.
 */
void tree_transport_use_upload_pack(const char *path);

#endif
