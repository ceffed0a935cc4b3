/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/acceptor.h - takes the connections of a socket that listens.
 */
#ifndef AGENT_ACCEPTOR_H
#define AGENT_ACCEPTOR_H

struct agent_acceptor;
struct event_base;

/* A connection, which does not block; the callee's to close. */
typedef void agent_accepted(void *ctx, int fd);

/* Takes `fd`, and closes it in agent_acceptor_free(). */
struct agent_acceptor *agent_acceptor_new(struct event_base *base, int fd,
					  agent_accepted *accepted, void *ctx);
void agent_acceptor_free(struct agent_acceptor *a);

#endif
