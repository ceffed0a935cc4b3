/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coord/wrapper-conn.h - Connections of waiting wrappers at the Unix socket.
 *
 * A request for the output of fixdep is answered on a worker thread.  Compile
 * requests are passed to the callbacks.
 */
#ifndef COORD_WRAPPER_CONN_H
#define COORD_WRAPPER_CONN_H

#include "base/err.h"
#include "wire/cc.h"

#include <stdbool.h>

struct coord;
struct coord_unit;
struct coord_wrapper_conn; /* one connection */
struct coord_wrapper_conns;

/* Callbacks from the event loop. */
struct coord_wrapper_conn_ops {
	/*
	 * A compile was requested.  The callee takes ownership of the contents
	 * of `ask` and of `step`, which is NULL if no step preceded the
	 * request.  Returns the new unit, or NULL to close the connection.
	 */
	struct coord_unit *(*on_job_requested)(
		struct coord *c, struct coord_wrapper_conn *client,
		struct wire_cc_job *ask, struct wire_cc_step *step);
	/* The wrapper closed the connection: it exited or gave up. */
	void (*on_job_closed)(struct coord_unit *u);
};

/*
 * Listen at the socket of the coordinator's set-up, and set c->wrapper_conns.
 * `ops` is borrowed.  Returns 0 or -errno with `err` set.
 */
int coord_wrapper_conns_new(struct coord *c,
			    const struct coord_wrapper_conn_ops *ops,
			    struct err *err);
/* Close the socket and all connections.  `all` can be NULL. */
void coord_wrapper_conns_free(struct coord_wrapper_conns *all);
/*
 * Send a heartbeat to all waiting wrappers, and accept connections again if
 * accept() has failed, for example because the process ran out of descriptors.
 * Call this function once a second.
 */
void coord_wrapper_conns_send_beat(struct coord_wrapper_conns *all);
/*
 * Report the compiles of wrappers to which the coordinator did not respond.
 * Each compile that has not been reported yet becomes a local job with the
 * reason REASON_NO_ANSWER.
 */
void coord_wrapper_conns_report_unanswered(struct coord_wrapper_conns *all);
/*
 * Return true if the wrapper of the unit gave up waiting for a response.  Its
 * compile is then reported by coord_wrapper_conns_report_unanswered(), and the
 * caller must not report a result.
 */
bool coord_wrapper_conn_gave_up(struct coord_unit *u);
/* Send CC_LOCAL: the wrapper compiles locally, for the reason `why`. */
void coord_wrapper_conn_send_local(struct coord_wrapper_conn *client,
				   const char *why);
/* Send CC_DONE: the wrapper renames its outputs and exits. */
void coord_wrapper_conn_send_done(struct coord_wrapper_conn *client,
				  const struct wire_cc_done *done);

#endif
