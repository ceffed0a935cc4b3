/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/listen.h - a Unix socket that kfarms of this machine connect to.
 *
 * The socket has mode 0600.  PATH.lock is locked (flock) as long as the
 * kfarmd lives, so that two of them never share a path; a socket that
 * nobody answers at is replaced.
 */
#ifndef AGENT_LISTEN_H
#define AGENT_LISTEN_H

#include "base/err.h"

struct agent;
struct agent_listen;

/*
 * Accept conversations at `path`.  0; -EADDRINUSE when somebody answers
 * there; -EEXIST when it is something else than a socket; or what the
 * system says, with `err` set.
 */
int agent_listen_new(struct agent_listen **out, struct agent *a,
		     const char *path, struct err *err);
/* Removes the socket and the lock file. */
void agent_listen_free(struct agent_listen *l);

#endif
