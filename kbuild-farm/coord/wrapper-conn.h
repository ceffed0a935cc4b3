/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coord/wrapper-conn.h - Connections of waiting wrappers at the Unix socket. */
#ifndef COORD_WRAPPER_CONN_H
#define COORD_WRAPPER_CONN_H

#include "base/err.h"
#include "wire/cc.h"

struct coord_wrapper_conn; /* one connection */
struct coord_wrapper_conns;
struct event_base;

/* Callbacks from the event loop. */
struct coord_wrapper_conn_ops {
	/*
	 * A compile was requested.  The callee takes ownership of the contents
	 * of `ask` and of `step`, which is NULL if no step preceded the
	 * request.  Returns the connection's `unit`, or NULL to close the
	 * connection.
	 */
	void *(*on_job_requested)(void *ctx, struct coord_wrapper_conn *client,
				  struct wire_cc_job *ask,
				  struct wire_cc_step *step);
	/* The wrapper closed the connection: it exited or gave up. */
	void (*on_job_closed)(void *ctx, void *unit);
	/*
	 * The output of fixdep was requested.  The callee takes ownership of
	 * the contents of `ask` and returns the connection's `fixdep`, never
	 * NULL.  The connection can close before the reply is sent.
	 */
	void *(*on_fixdep_requested)(void *ctx,
				     struct coord_wrapper_conn *client,
				     struct wire_cc_fixdep *ask);
	void (*on_fixdep_closed)(void *fixdep);
};

/*
 * Listen at `socket`.  `ops` is borrowed.  Returns 0 or -errno with `err` set.
 */
int coord_wrapper_conns_new(struct coord_wrapper_conns **out,
			    struct event_base *base, const char *socket,
			    const struct coord_wrapper_conn_ops *ops, void *ctx,
			    struct err *err);
/* Close the socket and all connections.  `all` can be NULL. */
void coord_wrapper_conns_free(struct coord_wrapper_conns *all);
/* Send a heartbeat to all waiting wrappers.  Call it once a second. */
void coord_wrapper_conns_send_beat(struct coord_wrapper_conns *all);
/* Tell the wrapper to compile locally. */
void coord_wrapper_conn_send_local(struct coord_wrapper_conn *client,
				   const char *why);
/* Tell the wrapper to rename its outputs and exit. */
void coord_wrapper_conn_send_done(struct coord_wrapper_conn *client,
				  const struct wire_cc_done *done);
/* Send the output of fixdep. */
void coord_wrapper_conn_send_fixdep(struct coord_wrapper_conn *client,
				    const struct wire_cc_fixed *fixed);

#endif
