/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/transport.h - libgit2's transports with ssh, credentials and monitoring.
 *
 * Every transport reports received bytes, which show that the server is alive,
 * and examines the server's first packet.  An SHA-256 repository is detected
 * there, because libgit2 1.5 rejects it with an unclear error, and thin packs
 * are masked, because libgit2 1.5 resolves them slowly.
 *
 * ssh runs as a program, so that ~/.ssh/config, agent, keys and known_hosts
 * apply as for git: libssh2 1.10, which libgit2 would use, reads no
 * configuration and cannot sign with RSA keys as OpenSSH 8.8 and later require.
 * BatchMode suppresses questions, so an unknown host key is an error.
 * GIT_SSH_COMMAND is respected.
 *
 * Names and passwords for HTTP are obtained from `git credential fill`
 * (git-credential(1)) and thus from the user's helpers, or from the terminal if
 * there is one.  Afterwards `git credential approve` or `reject` reports
 * whether the server accepted them.
 *
 * If only a part of the history is wanted (--depth), the program git fetches
 * it, because libgit2 1.5 cannot.
 */
#ifndef TREE_TRANSPORT_H
#define TREE_TRANSPORT_H

#include "tree/worker.h"

#include <git2.h>
#include <git2/sys/transport.h>

/*
 * Run `git fetch --prune REMOTE` in the repository at `path`, with --depth
 * unless `depth` is 0.  Returns 0; -ENOENT if git is not installed; -EIO with
 * git's message.
 */
int tree_transport_fetch_shallow(struct tree_worker *w, const char *path,
				 const char *remote, unsigned depth,
				 struct err *err);

/*
 * State of the credentials for one fetch.  The caller sets `worker` and zeroes
 * the rest.
 */
struct tree_transport_credential {
	struct tree_worker *worker;
	char *description; /* as printed by git credential; NULL if unused */
	unsigned n_tries;
};

/*
 * Get the user's name and password for `url` from `git credential`.  This is a
 * git_credential_acquire_cb; `payload` is a struct tree_transport_credential.
 */
int tree_transport_acquire_credential(git_credential **out, const char *url,
				      const char *user, unsigned types,
				      void *payload);
/* Approve or reject the credentials that were supplied, if any. */
void tree_transport_report_credential(struct tree_transport_credential *c,
				      bool accepted);

/*
 * Register the transports, once, in a child of tree_worker_run() after
 * git_libgit2_init().  Returns 0 or -EIO.
 */
int tree_transport_register(struct tree_worker *w, struct err *err);
/* Return true if the last contacted server announced an SHA-256 repository. */
bool tree_transport_is_sha256(void);

#endif
