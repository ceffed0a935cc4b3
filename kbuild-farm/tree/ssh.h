/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tree/ssh.h - a git server behind the program ssh.
 *
 * The user's ~/.ssh/config, agent, keys and known_hosts hold, as for git;
 * libssh2 1.10, which libgit2 would use, reads no config and cannot sign with
 * RSA keys as OpenSSH 8.8 and later want it.  BatchMode: nothing is asked, so
 * an unknown host key is an error.  GIT_SSH_COMMAND is heeded.
 */
#ifndef TREE_SSH_H
#define TREE_SSH_H

#include <git2/sys/transport.h>

/* A git_smart_subtransport_cb; `param` is not used. */
int tree_ssh_subtransport(git_smart_subtransport **out, git_transport *owner,
			  void *param);

#endif
